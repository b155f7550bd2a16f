"""Readings of solorun.toml that several starts share, and readings that take too long."""

import asyncio
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from solorun.projects import Catalog, catalog, loader

Write = Callable[[str, str], Path]

ONE = '[[projects.one.steps]]\nname = "only"\nrun = "true"\n'
TWO = '[[projects.two.steps]]\nname = "only"\nrun = "true"\n'


async def test_simultaneous_refreshes_read_the_file_once(rewrite: Callable[[str], Path], readings: list[Path]) -> None:
    opened = Catalog.open(rewrite(ONE))
    readings.clear()
    rewrite(TWO)

    await asyncio.gather(*(opened.refresh() for _ in range(100)))

    assert len(readings) == 1
    assert opened.get_project("two").name == "two"


async def test_a_refresh_during_a_reading_waits_for_the_next_one(
    rewrite: Callable[[str], Path], gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = Catalog.open(rewrite(ONE))
    rewrite(TWO)
    has_read = threading.Event()

    def read_slowly(path: Path) -> bytes:
        data = loader.read_document(path)
        has_read.set()
        gate.wait(60)
        return data

    monkeypatch.setattr(catalog, "read_document", read_slowly)
    earlier = asyncio.create_task(opened.refresh())
    await asyncio.to_thread(has_read.wait, 5)
    rewrite(ONE + TWO)
    later = asyncio.create_task(opened.refresh())
    await asyncio.sleep(0)

    gate.set()
    await earlier
    await later

    assert list(opened.configuration.projects) == ["one", "two"]


async def test_a_cancelled_refresh_does_not_stop_the_reading_for_others(
    rewrite: Callable[[str], Path],
) -> None:
    opened = Catalog.open(rewrite(ONE))
    rewrite(TWO)
    given_up = asyncio.create_task(opened.refresh())
    waiting = asyncio.create_task(opened.refresh())
    await asyncio.sleep(0)

    given_up.cancel()
    await waiting

    assert opened.get_project("two").name == "two"
    assert given_up.cancelled()


async def test_coroutines_are_imported_in_a_thread(rewrite: Callable[[str], Path], write: Write) -> None:
    opened = Catalog.open(rewrite(ONE))
    write("steps_in_thread.py", "import threading\nNAME = threading.current_thread().name\nasync def main(step): ...\n")
    rewrite('[projects.two]\nsteps = [{ name = "a", call = "steps_in_thread:main" }]\n')

    await opened.refresh()

    assert opened.get_project("two").name == "two"
    assert threading.main_thread().name != sys.modules["steps_in_thread"].NAME


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A module that waits for it hangs until the test is over."""
    event = threading.Event()
    monkeypatch.setattr(sys, "_test_gate", event, raising=False)
    yield event
    event.set()
    for thread in find_threads():
        thread.join(60)


@pytest.fixture
async def hanging(rewrite: Callable[[str], Path], write: Write, gate: threading.Event) -> Catalog:
    """A catalog whose changed file imports a module that hangs for longer than a start waits."""
    opened = Catalog.open(rewrite(ONE), max_check_seconds=0.05)
    write("steps_that_hang.py", "import sys\nsys._test_gate.wait(100)\nasync def main(step): ...\n")
    rewrite('[projects.two]\nsteps = [{ name = "a", call = "steps_that_hang:main" }]\n')
    await opened.refresh()
    return opened


def find_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "solorun-catalog"]


async def test_a_module_that_hangs_is_an_error_and_later_refreshes_continue(hanging: Catalog) -> None:
    await hanging.refresh()

    assert hanging.get_project("one").name == "one"
    assert ["takes long to import, or hangs" in error.message for error in hanging.errors] == [True]
    assert [thread.daemon for thread in find_threads()] == [True]


async def test_a_module_that_took_long_is_accepted_when_the_file_is_saved_again(
    hanging: Catalog, gate: threading.Event
) -> None:
    [thread] = find_threads()
    gate.set()
    await asyncio.to_thread(thread.join, 60)

    async with asyncio.timeout(60):
        while hanging.errors:  # On a busy machine, reading the file alone may take longer than the limit.
            hanging.path.touch()
            await hanging.refresh()

    assert hanging.get_project("two").name == "two"
