"""The four steps: each works from the workspace and says what it lacks."""

import asyncio
import os
import time

import pytest

from solorun.record import Stream
from solorun_examples.glossary.extract import main
from solorun_examples.glossary.files import InputMissing
from solorun_examples.glossary.generate import generate
from solorun_examples.glossary.refine import refine
from solorun_examples.glossary.review import review
from tests.examples.conftest import Bench, Step

RUN = "A **run** is one execution of a scope.\n"
SCOPE = "# Words\n\n- **Scope**: the steps of a run\n"


async def test_the_handbook_becomes_a_glossary(bench: Bench) -> None:
    assert main({"SOLORUN_WORKSPACE": str(bench.workspace)}) == 0
    for step in (generate, review, refine):
        await bench.run(step)

    page = (bench.artifacts / "glossary.md").read_text(encoding="utf-8")
    assert page.count("\n## ") == 103
    assert "## zenith\n\nThe point of the sky straight above the observer.\n\nSource: sky.md:12." in page
    assert "## 光害\n\n街の明かりが夜空を照らし、暗い星を見えなくする現象。" in page
    assert bench.warnings() == [
        "conflicting: transparency. conditions.md:10 and telescopes.md:35 define it differently.",
        "conflicting: シーイング. observing.ja.md:7 and photography.ja.md:23 define it differently.",
    ]
    assert "Reviewed 127 entries: 23 missing, 1 circular, 3 duplicate, 2 conflicting." in bench.output.texts(
        Stream.STEP
    )
    assert (127, 127, "黄道") in bench.output.progresses


async def test_each_step_is_as_slow_as_its_pace(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", pause)
    monkeypatch.setattr(time, "sleep", pauses.append)
    taken = []

    main({"SOLORUN_WORKSPACE": str(bench.workspace), "SOLORUN_PARAM_PACE": "9.0"})
    for step in (generate, review, refine):
        taken.append(sum(pauses))
        pauses.clear()
        await bench.run(step, pace=9.0)
    taken.append(sum(pauses))

    assert taken == pytest.approx([9, 9, 9, 9])


async def test_the_same_documents_give_the_same_bytes(bench: Bench) -> None:
    bench.write(a=RUN, b=SCOPE)
    await bench.make_glossary()
    paths = [bench.workspace / "entries.json", bench.artifacts / "glossary.md"]
    first = [path.read_bytes() for path in paths]

    await bench.make_glossary()

    assert [path.read_bytes() for path in paths] == first


@pytest.mark.parametrize(("step", "needed"), [(generate, "extract"), (review, "generate"), (refine, "generate")])
async def test_a_step_without_its_input_names_the_step_to_run_first(bench: Bench, step: Step, needed: str) -> None:
    with pytest.raises(InputMissing, match=f"run the step {needed} first"):
        await bench.run(step)


async def test_refine_requires_a_review_of_the_latest_entries(bench: Bench) -> None:
    bench.write(a=RUN)
    await bench.make_glossary()
    os.utime(bench.workspace / "findings.json", (0, 0))

    with pytest.raises(InputMissing, match=r"entries.json is newer than findings.json: run the step review first"):
        await bench.run(refine)


async def test_an_unreadable_file_names_the_step_to_run_again(bench: Bench) -> None:
    (bench.workspace / "candidates.json").write_text("[]")

    with pytest.raises(InputMissing, match=r"candidates.json is unreadable .*run the step extract again"):
        await bench.run(generate)


async def test_documents_without_terms_give_an_empty_glossary_and_a_warning(bench: Bench) -> None:
    bench.write(a="Nothing is here.\n")

    assert await bench.make_glossary() == {}
    assert bench.warnings() == ["The glossary is empty: the documents define no terms."]


async def test_reading_some_documents_keeps_the_terms_of_the_others(bench: Bench) -> None:
    bench.write(a=RUN, b=SCOPE, c="A **cursor** is a position in a list.\n")
    await bench.make_glossary()
    bench.write(a=RUN.replace("one execution", "a whole execution"), b="Nothing.\n")
    (bench.documents / "c.md").unlink()

    assert await bench.make_glossary("a.md") == {"run": "A whole execution of a scope.", "scope": "The steps of a run."}


async def test_the_best_definition_wins_and_decides_how_the_term_is_written(bench: Bench) -> None:
    bench.write(
        a="The Hub is a part of it. We like the Hub.\n", glossary="The **hub** is what serves followers of runs.\n"
    )

    assert await bench.make_glossary() == {"hub": "What serves followers of runs."}


def run_extract(bench: Bench) -> int:
    return main({"GLOSSARY_DOCUMENTS": str(bench.documents), "SOLORUN_WORKSPACE": str(bench.workspace)})


def test_extract_reports_by_workflow_commands(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    bench.write(a=RUN, b="x" * (1024 * 1024 + 1), 観測="光害とは、夜空を照らす街の明かりである。\n")

    assert run_extract(bench) == 0
    assert capfd.readouterr().out.splitlines() == [
        "Reading 3 of 3 documents in documents/",
        "::group::Documents",
        "a.md: 1 candidates, 1 of them defined",
        "::progress current=1,total=3::a.md",
        "::warning::b.md is larger than 1048576 bytes.",
        "::progress current=2,total=3::b.md",
        "観測.md: 1 candidates, 1 of them defined",
        "::progress current=3,total=3::観測.md",
        "::endgroup::",
        "::notice::Found 2 candidate terms in 2 documents.",
    ]


def test_extract_fails_without_documents(bench: Bench, capfd: pytest.CaptureFixture[str]) -> None:
    assert run_extract(bench) == 1
    assert capfd.readouterr().out.endswith("contains no documents (.md, .txt).\n")
