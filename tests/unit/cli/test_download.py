"""`solorun download`: where the file is saved, and which files are not overwritten."""

from pathlib import Path

import pytest

from tests.fakes.command_line import RUNNING, Solorun, answer, problem
from tests.fakes.scripted_service import json_response

CONTENT = json_response(b"the glossary", 200, "text/markdown")


@pytest.mark.parametrize(
    ("arguments", "saved_as"), [((), "a b.md"), (("-o", "mine.md"), "mine.md"), (("-o", "old.md"), "old.md")]
)
async def test_an_artifact_is_saved_under_its_own_name_or_another(
    solorun: Solorun, tmp_path: Path, arguments: tuple[str, ...], saved_as: str
) -> None:
    (tmp_path / "old.md").write_text("old")

    ended = await solorun("download", "17", "out/a b.md", *arguments, answers=(answer(RUNNING), CONTENT))

    assert (ended.code, ended.out) == (0, f"Saved {saved_as}.\n")
    assert (tmp_path / saved_as).read_bytes() == b"the glossary"
    assert ended.requests[1].target == "/api/v1/runs/17/artifacts/out/a%20b.md"


async def test_an_existing_file_is_not_overwritten_by_default(solorun: Solorun, tmp_path: Path) -> None:
    (tmp_path / "old.md").write_text("old")

    ended = await solorun("download", "17", "out/old.md")

    assert (ended.code, ended.requests) == (2, [])
    assert "old.md already exists. Use -o old.md to overwrite it." in ended.err
    assert (tmp_path / "old.md").read_text() == "old"


@pytest.mark.parametrize("name", ["..", "a/..", "."])
async def test_a_name_without_a_file_name_is_not_found(solorun: Solorun, name: str) -> None:
    ended = await solorun("download", "17", name)

    assert (ended.code, ended.requests) == (6, [])


async def test_a_missing_artifact_leaves_no_file(solorun: Solorun, tmp_path: Path) -> None:
    ended = await solorun("download", "17", "x.md", answers=(answer(RUNNING), problem("artifact-not-found", 404)))

    assert ended.code == 6
    assert list(tmp_path.iterdir()) == []
