"""The sample with a database per project: each scope, and a cancel that reaches the middle of a long call."""

import asyncio
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from solorun import Solorun
from solorun.status import Status
from tests.unit.docs.pages import SAMPLES

LIMIT = 60


@pytest.fixture
def sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module, in a directory for its databases."""
    spec = importlib.util.spec_from_file_location("own_manager", SAMPLES / "library" / "own_manager.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    return module


async def test_the_sample_runs_all_steps_of_one_project(sample: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    async with asyncio.timeout(LIMIT):
        await sample.main("observatory", "full")

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "completed"
    assert {"generate defined 3 terms", "review 0 terms have no definition"} <= {*lines}
    assert sample.query("observatory", "SELECT definition FROM terms")[0] == ("What aperture means.",)


@pytest.mark.parametrize("scope", ["extract", "generate", "review", "refine"])
async def test_the_sample_runs_one_step(sample: ModuleType, capsys: pytest.CaptureFixture[str], scope: str) -> None:
    async with asyncio.timeout(LIMIT):
        await sample.main("observatory", scope)

    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "completed"
    assert {line.split()[0] for line in lines[:-1]} == {scope}


async def test_a_cancel_ends_the_long_call_of_the_sample(sample: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample, "WORDS", [f"word {number}" for number in range(100_000)])

    async with asyncio.timeout(LIMIT), Solorun("runs", [sample.GLOSSARIES]) as solo:
        run = await solo.manager.start_run("observatory", scope="generate")
        records = solo.follow(run.id)
        while (await anext(records)).event != "progress":
            pass
        await solo.manager.cancel_run(run.id, requested_by="ann")
        ended = await solo.wait_for_run(run.id)
        await records.aclose()

    assert (ended.status, ended.cancel_requested_by) == (Status.CANCELLED, "ann")
    assert ended.cancel is not None
    assert ended.cancel.position[-1].startswith("own_manager.py:")
