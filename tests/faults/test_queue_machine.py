"""Every store keeps queues and resources as their model says, whatever the sequence of calls."""

import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from solorun.store import Store
from solorun.stores.postgres import PostgresRunStore
from solorun.stores.sqlite import SqliteRunStore
from tests.fakes.postgres import fresh_schema
from tests.faults.conftest import MakeTrials
from tests.faults.machine_loop import SETTINGS
from tests.faults.queue_machine import QueueMachine, queue_steps

SHORT = {
    # A step takes ten times as long with PostgreSQL.
    "sqlite": settings(SETTINGS, max_examples=60, stateful_step_count=60),
    "postgres": settings(SETTINGS, max_examples=20, stateful_step_count=60),
}


@pytest.mark.needs(minutes=5)
@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_a_store_keeps_queues_and_resources_as_their_model_says(
    request: pytest.FixtureRequest, trials: MakeTrials, memory_path: Path, kind: str
) -> None:
    tried = trials("P23", f"steps of the queue machine, compared with its model ({kind})", short=1, goal=100_000)
    with ExitStack() as databases:
        machine = _machine(_opener(request, kind, memory_path, databases))
        for _ in tried:
            before = queue_steps["steps"]
            run_state_machine_as_test(machine, settings=SETTINGS if tried.is_long else SHORT[kind])
            tried.judge([], tried=queue_steps["steps"] - before)


def _machine(open_store: Callable[[], Awaitable[Store]]) -> type[QueueMachine]:
    return type("QueueMachine", (QueueMachine,), {"open_store": staticmethod(open_store)})


def _opener(
    request: pytest.FixtureRequest, kind: str, memory_path: Path, databases: ExitStack
) -> Callable[[], Awaitable[Store]]:
    """Opens a store on a new database each time it is called."""
    if kind == "sqlite":
        return lambda: SqliteRunStore.open(Path(tempfile.mkdtemp(dir=memory_path)))
    url = request.getfixturevalue("postgres_url")

    def open_store() -> Awaitable[Store]:
        databases.close()  # each schema holds one of the server's connections
        return PostgresRunStore.open(databases.enter_context(fresh_schema(url)))

    return open_store
