"""Runs the trials of each promise: a few by default, and with `--long` up to their goals, with a table at the end."""

import asyncio
import os
import platform
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

DEFAULT_LONG_MINUTES = 60.0
_MAX_KEPT = 5
_UNMARKED_MINUTES = 0.05


@dataclass
class Trials:
    """The trials of one promise: iterate over them and record the result of each."""

    promise: str
    what: str
    short: int
    goal: int
    seconds: float | None
    """The time limit in the long form; None in the short form."""
    tried: int = 0
    violations: list[str] = field(default_factory=list)
    notes: str = ""

    def __iter__(self) -> Iterator[int]:
        """Yields numbers: `short` of them, or until the goal or the time limit is reached. Raises on violations."""
        deadline = time.monotonic() + (self.seconds or 0.0)
        number = 0
        while len(self.violations) < _MAX_KEPT:
            if self.seconds is None:
                if number >= self.short:
                    break
            elif number and (self.tried >= self.goal or time.monotonic() >= deadline):
                break
            yield number
            number += 1
        assert not self.violations, "\n".join(self.violations)

    async def run_in_lanes(self, lanes: int, attempt: Callable[[int], Awaitable[None]]) -> None:
        """Run attempts concurrently: each lane makes one after another."""
        numbers = iter(self)

        async def lane() -> None:
            for number in numbers:
                await attempt(number)

        async with asyncio.TaskGroup() as group:
            for _ in range(lanes):
                group.create_task(lane())

    @property
    def is_long(self) -> bool:
        return self.seconds is not None

    def judge(self, violations: list[str], *, tried: int = 1) -> None:
        self.tried += tried
        self.violations += violations


class Plan:
    """One time budget for all trials, divided by what each needs for its goal. Time left over goes to the next ones."""

    def __init__(self, minutes: float) -> None:
        self._seconds = minutes * 60
        self._deadline: float | None = None
        self._needs: dict[str, float] = {}

    def add(self, item: pytest.Item) -> None:
        marker = item.get_closest_marker("needs")
        self._needs[item.nodeid] = marker.kwargs["minutes"] if marker is not None else _UNMARKED_MINUTES

    def begin(self, item: pytest.Item) -> float:
        """The seconds this test may take: its share of the remaining time."""
        now = time.monotonic()
        if self._deadline is None:
            self._deadline = now + self._seconds
        all_needs = sum(self._needs.values())
        need = self._needs.pop(item.nodeid)
        return max(1.0, (self._deadline - now) * need / all_needs)


_TABLE = pytest.StashKey[list[Trials]]()
_PLAN = pytest.StashKey[Plan]()
_SECONDS = pytest.StashKey[float]()
_TRIALS = pytest.StashKey[list[Trials]]()
MakeTrials = Callable[..., Trials]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--long", action="store_true", help="try each promise until its goal or the time limit is reached")
    group.addoption("--long-minutes", type=float, default=DEFAULT_LONG_MINUTES, help="time for all promises together")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLE] = []
    config.addinivalue_line("markers", "needs(minutes): the time a trial takes to reach its goal on two idle cores")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long", default=False):
        minutes = config.getoption("--long-minutes")
        plan = config.stash[_PLAN] = Plan(minutes)
        for item in items:
            plan.add(item)
            item.add_marker(pytest.mark.timeout(minutes * 60 + 300))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    if (plan := item.config.stash.get(_PLAN, None)) is not None:
        item.stash[_SECONDS] = plan.begin(item)


@pytest.fixture
def trials(request: pytest.FixtureRequest) -> MakeTrials:
    """A factory: `trials("P5", "kill -9 at a random moment", short=10, goal=10_000)`."""
    seconds = request.node.stash.get(_SECONDS, None)
    of_test = request.node.stash.setdefault(_TRIALS, [])

    def make(promise: str, what: str, *, short: int, goal: int) -> Trials:
        made = Trials(promise, what, short, goal, seconds)
        of_test.append(made)
        request.config.stash[_TABLE].append(made)
        return made

    return make


@pytest.fixture
def memory_path() -> Iterator[Path]:
    """A directory in memory: a sync costs nothing there, and kill -9 loses no more than on a disk."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(prefix="solorun-", dir=memory if memory.is_dir() else None) as path:
        yield Path(path)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    report = yield
    made = item.stash.get(_TRIALS, [])
    if call.excinfo is not None and not call.excinfo.errisinstance(pytest.skip.Exception):
        for row in made:
            # Any failure of a trial counts as a violation, even if no checker reported one.
            row.violations = row.violations or [call.excinfo.exconly()]
    if call.when == "call" and made and _PLAN in item.config.stash:
        # The long form takes an hour: print each row when it is known.
        reporter = item.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            for row in made:
                reporter.write_line("")
                reporter.write_line(f"{_format_row(row)} {call.duration:.0f} s")
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--long", default=False) or not config.stash[_TABLE]:
        return
    write = terminalreporter.write_line
    terminalreporter.section("promises")
    where = f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    write(f"{datetime.now(UTC):%Y-%m-%d}, {where}, load {os.getloadavg()[1]:.1f}")
    write("")
    write("| Promise | Trial | Goal | Trials | Violations | Notes |")
    write("|---|---|--:|--:|--:|---|")
    for row in sorted(_merge_rows(config.stash[_TABLE]), key=lambda row: (len(row.promise), row.promise)):
        write(_format_row(row))


def _merge_rows(table: list[Trials]) -> list[Trials]:
    """Merges the rows that differ only in a test parameter."""
    rows: dict[tuple[str, str], Trials] = {}
    for trials in table:
        row = rows.setdefault((trials.promise, trials.what), Trials(trials.promise, trials.what, 0, 0, None))
        row.goal += trials.goal
        row.tried += trials.tried
        row.violations += trials.violations
        row.notes = "; ".join(note for note in dict.fromkeys([row.notes, trials.notes]) if note)
    return list(rows.values())


def _format_row(row: Trials) -> str:
    return f"| {row.promise} | {row.what} | {row.goal:,} | {row.tried:,} | {len(row.violations)} | {row.notes} |"
