"""The four steps: each works from the workspace, clears what is its own, and is honest about what it lacks."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from solorun.step import StepContext
from solorun_examples.glossary.declaration import SAMPLE_DOCUMENTS
from solorun_examples.glossary.documents import DocumentsUnusable
from solorun_examples.glossary.extract import extract, main
from solorun_examples.glossary.generate import generate
from solorun_examples.glossary.refine import refine
from solorun_examples.glossary.review import review
from solorun_examples.glossary.workspace import InputMissing
from tests.examples.conftest import Bench, StartEndpoint
from tests.examples.endpoint import FakeEndpoint, Reply, completion

Step = Callable[[StepContext], Awaitable[None]]

RUN = "A run is one execution of a scope. Each run has an id. A run ends. The run is over.\n"
SCOPE = "# Words\n\n- **Scope**: which steps are executed\n- **Star party**: a star party of friends\n"


def samples(bench: Bench) -> None:
    bench.write({_japanese(path.name): path.read_text(encoding="utf-8") for path in SAMPLE_DOCUMENTS.iterdir()})


def _japanese(name: str) -> str:
    return name.replace("observing.ja", "観測")


async def make_all(bench: Bench) -> None:
    bench.extract()
    await bench.run(generate)
    await bench.run(review)
    await bench.run(refine)


def glossary(bench: Bench) -> dict[str, dict[str, object]]:
    content = json.loads((bench.artifacts / "glossary.json").read_text(encoding="utf-8"))
    return {entry["term"]: entry for entry in content["entries"]}


def files(*directories: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for directory in directories for path in sorted(directory.iterdir())}


async def test_the_sample_documents_become_a_glossary(bench: Bench) -> None:
    samples(bench)

    await make_all(bench)

    found = glossary(bench)
    page = (bench.artifacts / "glossary.md").read_text(encoding="utf-8")
    assert len(found) >= 30
    assert found["zenith"]["definition"] == "The point of the sky straight above the observer."
    assert found["赤道儀"]["sources"] == [{"document": "観測.md", "line": 16}]
    assert found["フィルター"]["aliases"] == ["フィルタ"]
    assert (found["transparency"]["marks"], found["シーイング"]["marks"]) == (["conflicting"], ["conflicting"])
    assert "star party" not in found
    assert "## 光害\n\n街の明かりが夜空を照らし、暗い星を見えなくする現象。" in page


async def test_the_same_documents_give_the_same_bytes(bench: Bench) -> None:
    samples(bench)
    await make_all(bench)
    first = files(bench.workspace, bench.artifacts)

    await make_all(bench)

    assert files(bench.workspace, bench.artifacts) == first


@pytest.mark.parametrize(("step", "needed"), [(generate, "extract"), (review, "generate"), (refine, "generate")])
async def test_a_step_without_its_input_says_which_step_to_run_first(bench: Bench, step: Step, needed: str) -> None:
    with pytest.raises(InputMissing, match=f"run the step {needed} first"):
        await bench.run(step)

    assert files(bench.workspace, bench.artifacts) == {}


async def test_refine_needs_the_review_of_these_very_entries(bench: Bench) -> None:
    bench.write({"a.md": RUN})
    bench.extract()
    await bench.run(generate)
    with pytest.raises(InputMissing, match="run the step review first"):
        await bench.run(refine)
    await bench.run(review)
    bench.write({"b.md": SCOPE})
    bench.extract()
    await bench.run(generate)

    with pytest.raises(InputMissing, match=r"about other entries .* run the step review first"):
        await bench.run(refine)


@pytest.mark.parametrize(("content", "complaint"), [(b"{", "cannot be read"), (b'{"version": 1}', "missing required")])
async def test_a_broken_file_names_the_step_that_makes_it(bench: Bench, content: bytes, complaint: str) -> None:
    (bench.workspace / "candidates.json").write_bytes(content)

    with pytest.raises(InputMissing, match=f"{complaint}.*run the step extract again"):
        await bench.run(generate)


async def test_a_file_of_another_version_names_the_step_that_makes_it(bench: Bench) -> None:
    content = {"version": 2, "root": "", "documents": [], "candidates": []}
    (bench.workspace / "candidates.json").write_text(json.dumps(content))

    with pytest.raises(InputMissing, match=r"has version 2, wanted is 1: run the step extract again"):
        await bench.run(generate)


def test_no_documents_are_a_failure(bench: Bench) -> None:
    with pytest.raises(DocumentsUnusable, match="There are no documents"):
        bench.extract()

    assert files(bench.workspace) == {}


def test_documents_that_cannot_be_read_are_a_failure(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write({"a.md": RUN})
    monkeypatch.setattr("solorun_examples.glossary.documents.MAX_DOCUMENT_BYTES", 1)

    with pytest.raises(DocumentsUnusable, match="None of the 1 documents could be read"):
        bench.extract()


async def test_documents_without_terms_give_an_empty_glossary_and_a_warning(bench: Bench) -> None:
    bench.write({"a.md": "Nothing is here.\n"})

    await make_all(bench)

    assert glossary(bench) == {}
    assert bench.output.said("warning") == ["The glossary is empty: no document says of any term what it is."]


async def test_some_documents_are_read_again_without_clearing_the_others(bench: Bench) -> None:
    bench.write({"a.md": RUN, "sub/b.md": SCOPE})
    await make_all(bench)
    bench.write({"a.md": RUN.replace("one execution", "a whole execution"), "sub/b.md": "Nothing.\n"})

    bench.extract("a.md")
    await bench.run(generate, documents="a.md")
    await bench.run(review, documents="a.md")
    await bench.run(refine, documents="a.md")

    found = glossary(bench)
    assert {term: entry["definition"] for term, entry in found.items()} == {
        "run": "A whole execution of a scope.",
        "scope": "Which steps are executed.",
    }


async def test_beside_a_glossary_remarks_about_unmarked_words_are_not_taken(bench: Bench) -> None:
    terms = ["asterism", "zenith", "nadir", "finder", "eyepiece", "aperture", "meridian", "nebula", "galaxy", "comet"]
    remark = "A write is one statement on a thread. The write is short. Each write is one. A write ends.\n"
    bench.write({"a.md": remark})
    alone = [candidate.term for candidate in bench.extract()]
    bench.write({"glossary.md": "\n\n".join(f"A **{term}** is a thing that people see." for term in terms)})

    beside = [candidate.term for candidate in bench.extract()]

    assert (alone, beside) == (["write"], sorted(terms))


def test_a_label_that_every_document_fills_in_is_no_term(bench: Bench) -> None:
    text = "**Decided**: a thing number {} is made.\n\n**Run{}**: the work with number {}.\n"
    bench.write({f"{number}.md": text.format(number, number, number) for number in range(3)})

    assert [candidate.term for candidate in bench.extract() if candidate.passages] == ["run0", "run1", "run2"]


async def test_documents_of_another_directory_are_forgotten(bench: Bench, tmp_path: Path) -> None:
    bench.write({"a.md": RUN, "b.md": SCOPE})
    bench.extract()
    bench.write({"../other/a.md": "Nothing.", "../other/b.md": "Nothing."})

    assert extract(tmp_path / "other", bench.workspace, "a.md", 9, lambda line: None) == ()


def test_a_name_is_written_as_the_documents_write_it(bench: Bench) -> None:
    bench.write(
        {
            "a.md": "Solorun is a service that runs steps. Call `solorun` thrice: `solorun` and `solorun`. We like "
            "Solorun, and Solorun likes us.\n\n- `SOLORUN_RUN_ID`: the number of the run\n\n# The Tail\n\n"
            "A tail is a reader of records. Set the TAIL or TAIL, and the tail is long.\n"
        }
    )

    assert [candidate.term for candidate in bench.extract()] == ["Solorun", "SOLORUN_RUN_ID", "tail"]


async def test_what_a_deleted_document_said_is_forgotten(bench: Bench) -> None:
    bench.write({"a.md": RUN, "b.md": SCOPE})
    bench.extract()
    (bench.documents / "b.md").unlink()

    candidates = bench.extract()

    assert [candidate.term for candidate in candidates] == ["run"]


async def test_the_review_says_that_the_candidates_are_newer(bench: Bench) -> None:
    bench.write({"a.md": RUN})
    bench.extract()
    await bench.run(generate)
    bench.write({"a.md": RUN + SCOPE})
    bench.extract()

    await bench.run(review)

    assert bench.output.said("warning") == [
        "The candidates are newer than the entries: run from:generate to review those."
    ]


async def test_the_review_works_without_the_candidates(bench: Bench) -> None:
    bench.write({"a.md": RUN})
    bench.extract()
    await bench.run(generate)
    (bench.workspace / "candidates.json").unlink()

    await bench.run(review)

    assert bench.output.said("warning") == []


async def test_notes_survive_a_new_run_and_appear_in_the_glossary(bench: Bench) -> None:
    bench.write({"a.md": RUN, "glossary-notes.md": "## unknown\nKept all the same.\n"})
    (bench.workspace / "notes.json").write_text('{"Runs": "We mean the evening run."}')
    await make_all(bench)

    await make_all(bench)

    page = (bench.artifacts / "glossary.md").read_text(encoding="utf-8")
    assert glossary(bench)["run"]["note"] == "We mean the evening run."
    assert "Note: We mean the evening run." in page
    assert "## Notes on other terms\n\n**unknown**: Kept all the same." in page
    assert (bench.workspace / "notes.json").read_text() == '{"Runs": "We mean the evening run."}'


async def test_a_key_without_an_endpoint_asks_nobody(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    bench.write({"a.md": RUN})
    bench.extract()

    await bench.run(generate)

    assert "Working offline" in bench.output.text
    assert bench.output.said("debug")[0].startswith("OPENAI_API_KEY alone asks no model")


def by_instruction(endpoint: FakeEndpoint) -> list[str]:
    return [request["messages"][0]["content"].split(". ")[0] for request in endpoint.requests]


async def test_a_model_words_reviews_and_mends(bench: Bench, start_endpoint: StartEndpoint) -> None:
    def answer(number: int, question: str) -> Reply:
        if "The review found: Vague." in question:
            return completion({"definition": "A mended definition."})
        if "The glossary's definition:" in question:
            return completion({"verdict": "unclear" if "Term: run" in question else "good", "reason": "Vague."})
        return completion({"definition": "A definition\nby the model."})

    endpoint = await start_endpoint(answer)
    bench.write({"a.md": RUN + SCOPE})

    await make_all(bench)

    found = glossary(bench)
    assert found["run"]["definition"] == "A mended definition."
    assert found["scope"]["definition"] == "A definition by the model."
    assert found["scope"]["origin"] == "model"
    assert by_instruction(endpoint) == [
        *["You write a glossary from documents"] * 3,
        *["You review a glossary"] * 3,
        "You mend a glossary",
    ]
    assert "sk-very-secret" not in bench.output.text
    assert "1 unclear" in bench.output.text
    assert (3, 3) in [step[:2] for step in bench.output.steps]


async def test_an_unusable_answer_leaves_that_entry_as_it_was(bench: Bench, start_endpoint: StartEndpoint) -> None:
    def answer(number: int, question: str) -> Reply:
        if "Term: run" in question:
            return completion({"definition": 7, "verdict": "excellent"})
        if "Term: scope" in question:
            return completion({"definition": None, "verdict": "good"})
        return completion({"definition": "By the model.", "verdict": "good"})

    await start_endpoint(answer)
    bench.write({"a.md": RUN + SCOPE})

    await make_all(bench)

    found = glossary(bench)
    assert {term: entry["definition"] for term, entry in found.items()} == {
        "run": "One execution of a scope.",
        "scope": "Which steps are executed.",
        "star party": "By the model.",
    }
    assert bench.output.said("warning") == [
        "run: the answer holds no definition of a sentence or two; what the documents say is kept.",
        "run: the answer holds no verdict; what the documents say is kept.",
    ]


async def test_a_refusing_endpoint_is_asked_no_further_and_warns_once(
    bench: Bench, start_endpoint: StartEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLOSSARY_CONCURRENCY", "2")
    endpoint = await start_endpoint(lambda number, question: Reply(401))
    samples(bench)
    bench.extract()

    await bench.run(generate)

    assert len(endpoint.requests) <= 2
    assert bench.output.said("warning") == ["The endpoint refuses with HTTP 401: what the documents say is kept."]
    assert "sk-very-secret" not in bench.output.text


async def test_no_more_questions_are_open_than_allowed(
    bench: Bench, start_endpoint: StartEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLOSSARY_CONCURRENCY", "3")
    endpoint = await start_endpoint(lambda number, question: completion({"definition": "By the model."}))
    samples(bench)
    candidates = bench.extract()

    await bench.run(generate)

    assert len(endpoint.requests) == len(candidates)
    assert endpoint.most_open == 3


@pytest.mark.parametrize("step", [generate, review])
async def test_a_cancelled_step_closes_its_requests_at_once_and_writes_nothing(
    bench: Bench, start_endpoint: StartEndpoint, monkeypatch: pytest.MonkeyPatch, step: Step
) -> None:
    samples(bench)
    bench.extract()
    await bench.run(generate)
    endpoint = await start_endpoint(lambda number, question: Reply(hangs=True))
    before = files(bench.workspace, bench.artifacts)
    working = asyncio.create_task(bench.run(step))
    await asyncio.wait_for(endpoint.hanging.wait(), 5)

    working.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(working, 1)
    await asyncio.wait_for(endpoint.all_closed.wait(), 1)
    assert files(bench.workspace, bench.artifacts) == before


async def test_a_cancellation_while_writing_waits_for_the_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write({"a.md": RUN})
    bench.extract()
    loop, writing = asyncio.get_running_loop(), asyncio.Event()
    replace = Path.replace

    def slow_replace(self: Path, target: Path) -> Path:
        loop.call_soon_threadsafe(writing.set)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", slow_replace)
    working = asyncio.create_task(generate(bench.context("generate")))
    await writing.wait()

    working.cancel()

    with pytest.raises(asyncio.CancelledError):
        await working
    assert sorted(files(bench.workspace)) == ["candidates.json", "entries.json", "sightings.json"]


async def test_the_loop_is_never_held_for_long(bench: Bench) -> None:
    samples(bench)
    bench.extract()
    loop = asyncio.get_running_loop()
    longest, stopped = 0.0, False

    async def watch() -> None:
        nonlocal longest
        while not stopped:
            before = loop.time()
            await asyncio.sleep(0)
            longest = max(longest, loop.time() - before)

    watching = asyncio.create_task(watch())
    await bench.run(generate)
    await bench.run(review)
    await bench.run(refine)
    stopped = True
    await watching

    assert longest < 0.25


def environment(bench: Bench, **more: str) -> dict[str, str]:
    return {**os.environ, "SOLORUN_WORKSPACE": str(bench.workspace), "GLOSSARY_DOCUMENTS": str(bench.documents), **more}


def run_extract(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "solorun_examples.glossary.extract"]
    return subprocess.run(
        command, env=environ, capture_output=True, text=True, encoding="utf-8", timeout=30, check=False
    )


def test_extract_is_a_command_that_speaks_workflow_commands(bench: Bench) -> None:
    bench.write({"a.md": RUN + SCOPE, "b.md": "x"})

    ended = run_extract(environment(bench))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "Reading 2 of 2 documents in documents/",
        "::group::Documents",
        "Read a.md: 4 blocks, 3 passages that may define a term",
        "::progress current=1,total=2::a.md",
        "Read b.md: 1 blocks, 0 passages that may define a term",
        "::progress current=2,total=2::b.md",
        "::endgroup::",
        "defined: 3, among them run, scope, star party",
        "bold: 2, among them scope, star party",
        "::notice::Found 3 candidate terms; the documents define 3 of them.",
    ]


def test_extract_fails_with_a_sentence(bench: Bench) -> None:
    ended = run_extract(environment(bench))

    assert ended.returncode == 1
    assert ended.stdout.startswith("::error::There are no documents (.markdown, .md,")


def test_no_documents_end_the_command_with_a_failure(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(environment(bench)) == 1
    assert capsys.readouterr().out.startswith("::error::There are no documents")


def test_extract_reads_only_the_documents_it_is_asked_for(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.write({"a.md": RUN, "b.md": SCOPE})

    code = main(environment(bench, SOLORUN_PARAM_DOCUMENTS="a.md"))

    assert code == 0
    assert "Reading 1 of 2 documents" in capsys.readouterr().out


def test_a_document_that_is_too_large_is_a_warning(
    bench: Bench, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write({"a.md": RUN * 20, "b.md": "x"})
    monkeypatch.setattr("solorun_examples.glossary.documents.MAX_DOCUMENT_BYTES", 200)

    code = main(environment(bench))

    out = capsys.readouterr().out
    assert code == 0
    assert "::warning::a.md has 1680 bytes; at most 200 are read." in out
    assert "::warning::The documents hold nothing that looks like a term." in out


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({}, "::error::SOLORUN_WORKSPACE is not set"),
        ({"SOLORUN_WORKSPACE": "w", "GLOSSARY_LIMIT": "0"}, "::error::GLOSSARY_LIMIT is '0'"),
        ({"SOLORUN_WORKSPACE": "w", "GLOSSARY_LIMIT": "many"}, "::error::GLOSSARY_LIMIT is 'many'"),
    ],
)
def test_extract_explains_what_it_needs(
    environ: dict[str, str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(environ) == 2
    assert capsys.readouterr().out.startswith(complaint)


def test_above_the_limit_the_defined_terms_stay(bench: Bench) -> None:
    bench.write({"a.md": RUN + SCOPE + "\nThe `RunManager` and `RunManager` and `RunManager` and `RunManager`.\n"})

    assert [candidate.term for candidate in bench.extract(limit=3)] == ["run", "scope", "star party"]
