"""`artifact`: where the file comes to lie, and what is left alone."""

from pathlib import Path

import pytest

from tests.fakes.command_line import RUNNING, Solorun, answer, problem
from tests.fakes.scripted_service import json_response

CONTENT = json_response(b"the glossary", 200, "text/markdown")


@pytest.mark.parametrize(
    ("arguments", "written"), [((), "a b.md"), (("-o", "mine.md"), "mine.md"), (("-o", "old.md"), "old.md")]
)
async def test_an_artifact_is_written_under_its_own_name_or_another(
    solorun: Solorun, tmp_path: Path, arguments: tuple[str, ...], written: str
) -> None:
    (tmp_path / "old.md").write_text("old")

    ended = await solorun("artifact", "17", "out/a b.md", *arguments, answers=(answer(RUNNING), CONTENT))

    assert (ended.code, ended.out) == (0, f"Wrote {written}.\n")
    assert (tmp_path / written).read_bytes() == b"the glossary"
    assert ended.requests[1].target == "/api/v1/runs/17/artifacts/out/a%20b.md"


async def test_a_file_that_is_there_is_not_overwritten_unasked(solorun: Solorun, tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text("old")

    ended = await solorun("artifact", "17", "out/old.md")

    assert (ended.code, ended.requests) == (2, [])
    assert "-o old.md overwrites it" in ended.err
    assert (tmp_path / "old.md").read_text() == "old"


@pytest.mark.parametrize("name", ["..", "a/..", "."])
async def test_a_name_that_names_no_file_is_not_found(solorun: Solorun, name: str) -> None:
    ended = await solorun("artifact", "17", name)

    assert (ended.code, ended.requests) == (6, [])


async def test_an_artifact_that_is_not_there_leaves_no_file(solorun: Solorun, tmp_path: Path) -> None:
    ended = await solorun("artifact", "17", "x.md", answers=(answer(RUNNING), problem("artifact-not-found", 404)))

    assert ended.code == 6
    assert list(tmp_path.iterdir()) == []
