"""A run's log has a limit, and leaves a reserve of the disk. What is dropped is visible in the log."""

import asyncio
from pathlib import Path

import pytest

from solorun.logs import DiskReserve
from solorun.project import LogLimit
from solorun.record import Level, Record, Stream
from solorun.status import Status
from tests.fakes.engine import Engine, declare, open_engine

LIMITED = declare(steps=("extract", "review"), log_limit=LogLimit(1_000))
FAILING = declare(steps=("extract", "review"), log_limit=LogLimit(1_000, "fail"))


def messages(records: list[Record]) -> list[str]:
    return [record.message for record in records if record.event is None]


async def write(engine: Engine, lines: list[str]) -> None:
    step = await engine.executor.step("extract")
    for line in lines:
        await step.context.output.write("extract", Stream.STDOUT, [line])
    step.end()
    (await engine.executor.step("review")).end()


@pytest.mark.parametrize(("count", "what"), [(1, "1 line was"), (7, "7 lines were")])
async def test_output_beyond_the_limit_is_dropped_with_a_mark(tmp_path: Path, count: int, what: str) -> None:
    async with open_engine(tmp_path, LIMITED) as engine:
        run = await engine.manager.start_run("handbook")
        await write(engine, ["x" * 300] * 3 + ["dropped"] * count)

        ended = await engine.end_of(run.id)
        records = await engine.log_of(run.id)

    assert messages(records) == [
        *["x" * 300] * 3,
        "the log has reached its limit (log_limit): further output is not recorded",
        f"{what} not recorded",
    ]
    assert [record.level for record in records if record.event is None][-2:] == [Level.WARNING, Level.WARNING]
    assert ended.status is Status.COMPLETED


async def test_the_limit_counts_all_steps_of_a_run_and_progress(tmp_path: Path) -> None:
    async with open_engine(tmp_path, LIMITED) as engine:
        run = await engine.manager.start_run("handbook")
        first = await engine.executor.step("extract")
        await first.context.output.write("extract", Stream.STDOUT, ["x" * 1_000])
        first.end()
        second = await engine.executor.step("review")
        await second.context.progress(1, 2)
        await second.context.output.group("review", "a group", open=True)
        await second.context.log("dropped")
        second.end()

        records = await engine.log_of(run.id)

    assert messages(records)[1:] == [
        "the log has reached its limit (log_limit): further output is not recorded",
        "3 lines were not recorded",
    ]
    assert {record.event.value for record in records if record.event} == {"step"}


@pytest.mark.parametrize("ends_by_itself", [False, True])
async def test_a_run_fails_at_the_limit_if_the_project_wants_that(tmp_path: Path, ends_by_itself: bool) -> None:
    async with open_engine(tmp_path, FAILING) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        if ends_by_itself:
            step.exit()
        for line in ["x" * 1_000, "dropped", "dropped"]:
            await step.context.output.write("extract", Stream.STDOUT, [line])
        if ends_by_itself:
            step.end()

        ended = await engine.end_of(run.id)
        records = await engine.log_of(run.id)

    message = "exceeded the limit of the log, 1.0 kB"
    assert (ended.status, ended.steps[0].error_message) == (Status.FAILED, message)
    assert (ended.error_message or "").replace(":", "") == f"extract {message}"
    assert [record.message for record in records if record.level is Level.WARNING] == [
        "the log has reached its limit (log_limit): the run fails",
        *["stopping extract (grace 10s)"] * (not ends_by_itself),
        "2 lines were not recorded",
    ]
    assert len(engine.executor.begun) == 1


async def test_a_flood_beyond_the_limit_can_be_cancelled(tmp_path: Path) -> None:
    async def flood() -> None:
        while True:
            await step.context.output.write("extract", Stream.STDOUT, ["x" * 100] * 1_000)
            await asyncio.sleep(0)

    async with open_engine(tmp_path, LIMITED) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        flooding = asyncio.create_task(flood())
        await engine.until(lambda: len(engine.hub.list_runs()) == 1 and engine.hub.list_runs()[0].last_seq > 1_000)

        await engine.manager.cancel_run(run.id)
        ended = await engine.end_of(run.id)
        flooding.cancel()

    assert ended.status is Status.CANCELLED
    assert ended.last_seq < 1_100


async def test_output_is_dropped_while_the_disk_is_almost_full(tmp_path: Path) -> None:
    low = asyncio.Event()
    async with open_engine(tmp_path, is_disk_low=low.is_set) as engine:
        run = await engine.manager.start_run("handbook", scope="extract")
        step = await engine.executor.step("extract")
        await step.context.log("before")
        low.set()
        await step.context.log("dropped")
        await step.context.log("dropped too")
        low.clear()
        await step.context.log("after")
        step.end()

        records = await engine.log_of(run.id)

    assert messages(records) == [
        "before",
        "the disk is almost full: output is not recorded until space is free",
        "2 lines were not recorded",
        "after",
    ]


@pytest.mark.parametrize(
    ("total", "free", "low"),
    [
        (10**12, [2**27, 2**27 - 1, 2**28 - 1, 2**28, 2**27], [False, True, True, False, False]),
        (10**9, [5 * 10**7, 5 * 10**7 - 1, 10**8 - 1, 10**8], [False, True, True, False]),
        (10**8, [12 * 2**20, 12 * 2**20 - 1, 24 * 2**20 - 1, 24 * 2**20], [False, True, True, False]),
    ],
    ids=["a large disk", "a small disk", "a tiny disk"],
)
def test_a_reserve_is_left_until_there_is_twice_as_much(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, total: int, free: list[int], low: list[bool]
) -> None:
    left = iter(free)
    monkeypatch.setattr("shutil.disk_usage", lambda path: (total, 0, next(left)))
    reserve = DiskReserve(tmp_path)

    assert [reserve.is_low() for _ in free] == low


def test_a_disk_that_cannot_be_asked_is_not_low(tmp_path: Path) -> None:
    assert DiskReserve(tmp_path / "missing").is_low() is False
