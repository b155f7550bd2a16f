"""Hostile step output: no text, number or file of a step may affect another run."""

import asyncio
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from solorun.artifacts.scan import scan_artifacts
from solorun.record import Event
from solorun.settings import DataDirectory
from solorun.status import Status
from tests.fakes.engine import Engine, declare, open_engine


async def complete_run(engine: Engine, project: str) -> None:
    """Another run completes, so the engine is unharmed."""
    run = await engine.manager.start_run(project)
    step = await engine.executor.step("work")
    step.end()
    assert (await engine.end_of(run.id)).status is Status.COMPLETED


@pytest.mark.parametrize(
    ("current", "total", "shown"),
    [
        (3, 20, (3, 20)),
        (10**30, 10**31, (2**63 - 1, 2**63 - 1)),
        (-(10**30), None, (-(2**63), None)),
        (2.9, 20.0, (2, 20)),
        (float("nan"), float("inf"), (0, None)),
        ("7", "many", (7, None)),
        (object(), object(), (0, None)),
        (None, None, (0, None)),
    ],
)
async def test_progress_of_any_type_is_recorded_and_fails_no_run(
    tmp_path: Path, current: Any, total: Any, shown: tuple[int, int | None]
) -> None:
    async with open_engine(tmp_path, declare(steps=("work",)), declare("other", steps=("work",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("work")

        await step.context.progress(current, total, "photon")
        await complete_run(engine, "other")
        step.end()

        assert (await engine.end_of(run.id)).status is Status.COMPLETED
        (logged,) = [record for record in await engine.log_of(run.id) if record.event is Event.PROGRESS]
        assert logged.data == {"current": shown[0], "total": shown[1], "item": "photon"}


@pytest.mark.parametrize("text", ["\ud800", "half \udfff of a pair", "\x00", "\r\n\u2028", "𝄞" * 9000])
async def test_an_error_with_any_text_ends_its_run_and_no_other(tmp_path: Path, text: str) -> None:
    async with open_engine(tmp_path, declare(steps=("work",)), declare("other", steps=("work",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("work")

        await step.context.log(text)
        step.end(f"ValueError: {text}", None)

        ended = await engine.end_of(run.id)
        assert ended.status is Status.FAILED
        assert ended == await engine.store.get_run(run.id)
        await complete_run(engine, "other")


async def test_an_artifact_whose_name_has_a_line_break_is_logged_once(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("work")
        (step.context.artifacts / "a\nb\u2028c").write_text("")
        step.end()

        logged = [record for record in await engine.log_of(run.id) if record.event is Event.ARTIFACT]

        assert [record.data for record in logged] == [{"name": "a\nb\u2028c", "size_bytes": 0}]


async def test_a_cancel_reason_of_several_lines_is_one_record(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        run = await engine.manager.start_run("handbook")
        await engine.executor.step("work")

        await engine.manager.cancel_run(run.id, reason="first\nsecond\r\nthird")

        requested, *_ = [record for record in await engine.log_of(run.id) if record.event is Event.CANCEL]
        assert requested.data is not None
        assert requested.data["reason"] == "first\nsecond\r\nthird"


@pytest.fixture
def dig_directories() -> Iterator[Callable[[Path], None]]:
    """Creates nested directories deeper than the longest path, and removes them afterwards."""
    made: list[Path] = []

    def dig(directory: Path) -> None:
        made.append(directory)
        _dig(directory, 1500)

    yield dig
    subprocess.run(["rm", "-rf", *made], check=True)


async def test_a_run_completes_with_any_directories_left_behind(
    tmp_path: Path, dig_directories: Callable[[Path], None]
) -> None:
    async with open_engine(tmp_path, declare(steps=("work",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("work")
        await asyncio.to_thread(dig_directories, step.context.artifacts)
        (step.context.artifacts / "kept").write_text("1")
        step.end()

        ended = await engine.end_of(run.id)

        assert (ended.status, ended.error_message) == (Status.COMPLETED, None)
        assert "kept" in [
            artifact.name for artifact in scan_artifacts(DataDirectory(tmp_path).artifacts(run.id)).artifacts
        ]


@pytest.mark.parametrize("seconds", [10**11, 10**12, -(10**11)])
def test_a_file_with_a_time_outside_the_range_of_datetime_is_listed(
    tmp_path: Path, seconds: int, monkeypatch: Any
) -> None:
    (tmp_path / "old").write_text("")
    scandir = os.scandir

    def scan_other_times(path: Path) -> AbstractContextManager[list[Any]]:
        return nullcontext([_RedatedEntry(entry, seconds) for entry in scandir(path)])

    # Not every file system can store these times.
    monkeypatch.setattr("solorun.artifacts.scan.os.scandir", scan_other_times)

    assert [artifact.name for artifact in scan_artifacts(tmp_path).artifacts] == ["old"]


class _RedatedEntry:
    """A directory entry with another modification time."""

    def __init__(self, entry: "os.DirEntry[str]", seconds: int) -> None:
        self._entry = entry
        self._seconds = seconds
        self.name = entry.name
        self.is_dir = entry.is_dir
        self.is_file = entry.is_file

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        found = list(self._entry.stat(follow_symlinks=follow_symlinks))
        found[8] = self._seconds
        return os.stat_result(found)


def _dig(directory: Path, depth: int) -> None:
    """Nested directories, deeper than the longest path."""
    here = os.open(directory, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
