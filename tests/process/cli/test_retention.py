"""`pin`, `unpin` and `prune`: their requests and output."""

import pytest
from msgspec.structs import replace

from solorun.wire.runs import ArtifactList, PrunedProject, PruneReport, RunPage
from tests.fakes.command_line import COMPLETED, Solorun, answer, plain, problem

PROJECTS = (PrunedProject("handbook", 1200, 3_100_000_000), PrunedProject("deploy", 1, 900))


def report_of(*projects: PrunedProject, dry_run: bool = False) -> PruneReport:
    return PruneReport(
        dry_run, sum(each.runs for each in projects), sum(each.size_bytes for each in projects), projects
    )


@pytest.mark.parametrize(
    ("command", "method", "output"),
    [("pin", "POST", "Pinned run 17 of handbook.\n"), ("unpin", "DELETE", "Unpinned run 17 of handbook.\n")],
)
async def test_a_run_is_pinned_or_unpinned(solorun: Solorun, command: str, method: str, output: str) -> None:
    ended = await solorun(command, "17", answers=(answer(COMPLETED), answer(COMPLETED)))

    assert (ended.code, ended.out) == (0, output)
    assert (ended.requests[1].method, ended.requests[1].target) == (method, "/api/v1/runs/17/pin")


@pytest.mark.parametrize(("pinned", "line"), [(True, "pinned        yes"), (False, None)], ids=["pinned", "not"])
async def test_show_says_whether_a_run_is_pinned(solorun: Solorun, pinned: bool, line: str | None) -> None:
    run = replace(COMPLETED, pinned=pinned)
    nothing = answer(ArtifactList((), None, truncated=False)), answer(RunPage((), None))

    ended = await solorun("show", "17", answers=(answer(run), *nothing))

    assert next((each for each in ended.out.splitlines() if each.startswith("pinned")), None) == line


async def test_pin_prints_the_run_as_json(solorun: Solorun) -> None:
    ended = await solorun("pin", "handbook", "--json", answers=(answer(COMPLETED), answer(COMPLETED)))

    assert ended.documents == [plain(COMPLETED)]


async def test_pinning_an_unknown_run_fails(solorun: Solorun) -> None:
    ended = await solorun("pin", "17", answers=(problem("run-not-found", 404),))

    assert ended.code == 6


async def test_prune_lists_what_is_deleted(solorun: Solorun) -> None:
    ended = await solorun("prune", answers=(answer(report_of(*PROJECTS), 202),))

    assert ended.code == 0
    assert ended.requests[0].target == "/api/v1/prune?dry_run=0"
    assert ended.out.splitlines() == [
        "PROJECT   RUNS   SIZE",
        "handbook  1,200  3.1 GB",
        "deploy    1      900 B",
        "Deleting 1,201 runs with 3.1 GB in the background.",
    ]


async def test_a_dry_run_says_what_would_be_deleted(solorun: Solorun) -> None:
    report = report_of(PROJECTS[1], dry_run=True)

    ended = await solorun("prune", "--dry-run", "--project", "deploy", answers=(answer(report),))

    assert ended.requests[0].target == "/api/v1/prune?project=deploy&dry_run=1"
    assert ended.out.splitlines()[-1] == "1 run with 900 B would be deleted."


async def test_prune_says_that_there_is_nothing_to_delete(solorun: Solorun) -> None:
    ended = await solorun("prune", answers=(answer(report_of(), 202),))

    assert (ended.code, ended.out) == (0, "Nothing to delete.\n")


async def test_prune_prints_the_report_as_json(solorun: Solorun) -> None:
    report = report_of(*PROJECTS)

    ended = await solorun("prune", "--json", answers=(answer(report, 202),))

    assert ended.documents == [plain(report)]
