"""`solorun show`: print everything about a run except its log."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from solorun.cli.client import connected, find_named_run
from solorun.cli.options import JsonOption, RunArgument
from solorun.cli.render.formatting import format_cancel_duration, format_elapsed, format_moment
from solorun.cli.render.log_lines import progress_of, progress_text
from solorun.cli.render.messages import print_note
from solorun.cli.render.sanitize import sanitize
from solorun.cli.render.terminal import write, write_json, write_table
from solorun.cli.urls import artifact_url, run_url
from solorun.run import Artifact, Run, RunStep, format_size

if TYPE_CHECKING:
    from solorun.client import RunClient


@connected
async def show(run: RunArgument, *, client: "RunClient", json: JsonOption = False) -> None:
    """Show a run, its steps and its artifacts. With --json, the run with its `artifacts` and the ids of `reruns`."""
    found = await find_named_run(client, run)
    listed = await client.list_artifacts(found.id)
    reruns = [rerun.id async for rerun in client.list_runs(rerun_of=found.id)]
    if json:
        write_json([{**asdict(found), "artifacts": listed.artifacts, "reruns": reruns}])
    else:
        _write(found, listed.artifacts, reruns, client.url)
    if listed.truncated:
        print_note(f"The list ends after {len(listed.artifacts):,} artifacts. The run has more.")


def _write(found: Run, artifacts: Sequence[Artifact], reruns: Sequence[int], base: str) -> None:
    facts = [(name, sanitize(value)) for name, value in _facts(found, reruns, base) if value]
    width = max(len(name) for name, _ in facts)
    write("".join(f"{name.ljust(width)}  {value}\n" for name, value in facts))
    write("\n")
    write_table(["STEP", "STATUS", "DURATION", "EXIT", "ERROR"], [_step_row(step) for step in found.steps])
    if artifacts:
        write("\n")
        rows = [
            [each.name, format_size(each.size_bytes), each.media_type, artifact_url(base, found, each.name)]
            for each in artifacts
        ]
        write_table(["ARTIFACT", "SIZE", "TYPE", "URL"], rows)


def _step_row(step: RunStep) -> list[str]:
    exit_code = "" if step.exit_code is None else str(step.exit_code)
    return [step.name, step.status, format_elapsed(step), exit_code, step.error_message or ""]


def _facts(run: Run, reruns: Sequence[int], base: str) -> list[tuple[str, str]]:
    counts = run.level_counts
    return [
        ("run", str(run.id)),
        ("url", run_url(base, run)),
        ("project", run.project),
        ("scope", run.scope),
        ("status", run.status),
        ("error", run.error_message or ""),
        ("triggered by", run.triggered_by),
        ("params", ", ".join(f"{name}={value}" for name, value in run.params.items())),
        ("rerun of", "" if run.rerun_of is None else str(run.rerun_of)),
        ("reruns", ", ".join(map(str, reruns))),
        ("created", format_moment(run.created_at)),
        ("started", format_moment(run.started_at)),
        ("finished", format_moment(run.finished_at)),
        ("duration", format_elapsed(run)),
        ("cancel", _format_cancel(run)),
        ("step", run.current_step or ""),
        ("progress", "" if run.progress_current is None else progress_text(progress_of(run))),
        ("records", f"{run.last_seq} (errors: {counts.error}, warnings: {counts.warning})"),
        ("first error", f"record {run.first_error_seq}" if run.first_error_seq is not None else ""),
    ]


def _format_cancel(run: Run) -> str:
    if run.cancel_requested_at is None:
        return ""
    reason = f": {run.cancel_reason}" if run.cancel_reason else ""
    took = format_cancel_duration(run)
    stopping = f", stopping took {took}" if took else ""
    return f"requested {format_moment(run.cancel_requested_at)} by {run.cancel_requested_by}{stopping}{reason}"
