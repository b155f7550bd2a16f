"""Trials of promises: a few of each with every test run, and with `--long` as many as the time allows, in a table."""

import os
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

DEFAULT_LONG_SECONDS = 150.0
_MAX_KEPT = 5


@dataclass
class Trials:
    """The trials of one promise: iterate over it, count what is tried, have each judged."""

    promise: str
    what: str
    short: int
    seconds: float | None
    tried: int = 0
    violations: list[str] = field(default_factory=list)
    notes: str = ""

    def __iter__(self) -> Iterator[int]:
        """Numbers, `short` of them, or for as long as there is time. Raises what was violated at the end."""
        began = time.monotonic()
        number = 0
        while number < self.short if self.seconds is None else time.monotonic() - began < self.seconds:
            yield number
            number += 1
            if len(self.violations) >= _MAX_KEPT:
                break
        assert not self.violations, "\n".join(self.violations)

    @property
    def is_long(self) -> bool:
        return self.seconds is not None

    def judge(self, violations: list[str], *, tried: int = 1) -> None:
        self.tried += tried
        self.violations += violations


_TABLE = pytest.StashKey[list[Trials]]()
MakeTrials = Callable[..., Trials]


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("faults")
    group.addoption("--long", action="store_true", help="try every promise for as long as there is time")
    group.addoption("--long-seconds", type=float, default=DEFAULT_LONG_SECONDS, help="time for each promise")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_TABLE] = []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--long", default=False):
        for item in items:
            item.add_marker(pytest.mark.timeout(config.getoption("--long-seconds") + 300))


@pytest.fixture
def trials(request: pytest.FixtureRequest) -> MakeTrials:
    """A factory: `trials("P5", "kill -9 at a random moment", short=10)`."""
    config = request.config
    seconds = config.getoption("--long-seconds") if config.getoption("--long", default=False) else None

    def make(promise: str, what: str, *, short: int) -> Trials:
        made = Trials(promise, what, short, seconds)
        config.stash[_TABLE].append(made)
        return made

    return make


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    made: list[Trials] = config.stash[_TABLE]
    table = sorted(made, key=lambda trials: (len(trials.promise), trials.promise))
    if not table or not config.getoption("--long", default=False):
        return
    write = terminalreporter.write_line
    terminalreporter.section("promises")
    where = f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    write(f"{datetime.now(UTC):%Y-%m-%d}, {where}")
    write("")
    write("| promise | what was tried | trials | violations | notes |")
    write("|---|---|--:|--:|---|")
    for row in table:
        write(f"| {row.promise} | {row.what} | {row.tried:,} | {len(row.violations)} | {row.notes} |")
