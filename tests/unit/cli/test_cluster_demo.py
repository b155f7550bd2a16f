"""The demo of a cluster names the worker that executes its run."""

from collections.abc import Iterator

from msgspec.structs import replace

from solorun.cli.demo.cluster import wait_for_worker
from solorun.run import Run
from solorun.status import Status
from tests.fakes.scripted_service import make_run

WORKERS = {"host:2": "worker 1"}


class Answers:
    """The run as a service shows it, one look after the other."""

    def __init__(self, *runs: Run) -> None:
        self.remaining: Iterator[Run] = iter(runs)

    async def get_run(self, run_id: int) -> Run:
        return next(self.remaining)


async def test_a_run_that_still_belongs_to_the_service_that_started_it_is_not_shown_as_executed() -> None:
    pending = make_run(status=Status.PENDING)
    answers = Answers(
        replace(pending, worker="host:1"), replace(pending, worker=None), replace(pending, worker="host:2")
    )

    assert await wait_for_worker(pending, WORKERS, answers.get_run) == "worker 1"


async def test_a_run_that_ends_before_a_worker_has_it_is_executed_by_nothing() -> None:
    pending = make_run(status=Status.PENDING)
    cancelled = replace(pending, status=Status.CANCELLED, worker="host:1")

    assert await wait_for_worker(pending, WORKERS, Answers(cancelled).get_run) == "nothing"
