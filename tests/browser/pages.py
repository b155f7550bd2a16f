"""Every page of the dashboard, by the address, and the runs that they show."""

from typing import Final

from tests.browser.projects import Api

PATHS: Final = {
    "overview": "/",
    "cards": "/",
    "project": "/p/novel",
    "runs": "/runs",
    "resources": "/resources",
    "workers": "/workers",
    "schedules": "/schedules",
    "notifications": "/notifications",
    "completed": "/p/novel/runs/{good}",
    "failed": "/p/novel/runs/{failed}?step=translate&q=batch#L5-L7",
    "artifacts": "/p/report/runs/{report}?tab=artifacts",
    "parameters": "/p/novel/runs/{failed}?tab=parameters",
    "events": "/p/novel/runs/{failed}?tab=events",
    "markdown": "/p/report/runs/{report}/artifacts/report.md",
    "references": "/p/report/runs/{report}/artifacts/references.md",
    "table": "/p/report/runs/{report}/artifacts/words.csv",
    "tree": "/p/report/runs/{report}/artifacts/data.json",
    "summary": "/p/results/runs/{results}",
    "compare": "/compare/{good}/{failed}",
    "differences": "/compare/{notes}/{more_notes}?log=1&file=note.txt",
    "colours": "/p/terminal/runs/{terminal}?tab=log",
    "crash": "/p/crash/runs/{crash}",
    "image": "/p/report/runs/{report}/artifacts/figures/dot.png",
    "no run": "/p/novel/runs/999999",
    "no run by number": "/runs/999999",
    "no project": "/p/missing",
    "no artifact": "/p/report/runs/{report}/artifacts/nothing.txt",
    "no comparison": "/compare/999998/999999",
    "nowhere": "/nowhere",
}
"""With the ids of the runs that `complete_runs` completes."""


def complete_runs(api: Api) -> dict[str, int]:
    """Complete a run for each kind of page. Returns their ids."""
    return {
        "good": api.complete("novel"),
        "failed": api.complete("novel", params={"book": "broken"}),
        "report": api.complete("report"),
        "results": api.complete("results"),
        "terminal": api.complete("terminal"),
        "crash": api.complete("crash"),
        "notes": api.complete("notes"),
        "more_notes": api.complete("notes", params={"text": "one more " * 30}),
    }
