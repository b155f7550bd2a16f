"""Documents without a glossary of their own: plain prose defines, and whatever is dropped says why."""

import json

import pytest

from solorun_examples.glossary.generate import generate
from solorun_examples.glossary.refine import refine
from solorun_examples.glossary.review import review
from tests.examples.conftest import Bench


async def made_of(bench: Bench, name: str, text: str) -> tuple[dict[str, str], dict[str, str]]:
    """The definitions by term, and the reasons of what was dropped."""
    bench.write({name: text})
    bench.extract()
    await bench.run(generate)
    await bench.run(review)
    await bench.run(refine)
    content = json.loads((bench.artifacts / "glossary.json").read_text(encoding="utf-8"))
    entries = {entry["term"]: entry["definition"] for entry in content["entries"]}
    return entries, {gone["term"]: gone["reason"] for gone in content["dropped"]}


@pytest.mark.parametrize(
    ("text", "term", "definition"),
    [
        ("Krausen is the foam that forms on the beer.", "krausen", "The foam that forms on the beer."),
        ("The airlock is a device that lets gas out.", "airlock", "A device that lets gas out."),
        ("The *mash tun* is the vessel in which malt rests.", "mash tun", "The vessel in which malt rests."),
        ("Pitch rate refers to the amount of yeast.", "pitch rate", "The amount of yeast."),
        ("Attenuation is defined as the share of eaten sugar.", "attenuation", "The share of eaten sugar."),
    ],
)
async def test_a_plain_sentence_defines_though_its_term_comes_once(
    bench: Bench, text: str, term: str, definition: str
) -> None:
    entries, _ = await made_of(bench, "notes.txt", text)

    assert entries == {term: definition}


@pytest.mark.parametrize(
    "text",
    [
        "Fermentation is the work of yeast. It takes a week at 19 degrees.",
        "Fermentation is the work of yeast. it takes a week.",
        "Fermentation is the work of yeast, and the airlock is a device that lets gas out.",
        "Fermentation: the work of yeast. Keep it cool.\n",
        "Fermentation is the work of yeast\nThe airlock is a device that lets gas out.",
    ],
)
async def test_the_sentence_after_a_definition_does_not_belong_to_it(bench: Bench, text: str) -> None:
    entries, _ = await made_of(bench, "notes.txt", text)

    assert entries["fermentation"] == "The work of yeast."


async def test_the_unit_at_the_end_of_a_sentence_is_no_initial(bench: Bench) -> None:
    entries, _ = await made_of(bench, "notes.txt", "A rest is a stop of the mash at 66 C. Then heat it up.")

    assert entries == {"rest": "A stop of the mash at 66 C."}


@pytest.mark.parametrize(
    ("name", "text", "term", "reason"),
    [
        ("a.md", "`run` is a line for the shell. A run ends. Each run has an id.", "run", "explains a key"),
        ("a.md", "`active_run` is the run that is in the way.", "active_run", "explains a key"),
        ("a.md", "- `timeout`: the time that a run may take", "timeout", "explains a key"),
        ("a.md", "## Options\n\n- **Retries**: the number of attempts", "retries", "explains a key"),
        ("changelog.md", "- A dashboard: what runs, and what failed", "dashboard", "explains a key"),
        ("a.md", "* Default: the editor of the environment", "default", "names nothing in particular"),
        ("a.md", "* Kinship: the one of us\n\n" * 3 + "Kinship and kinship. A kinship.", "kinship", "as a form does"),
        ("a.md", "| word | meaning | preset |\n|---|---|---|\n| `RUN` | a run's id | |", "RUN", "explains a key"),
        ("a.md", "Saturday is the day on which we brew.", "saturday", "not clearly a definition"),
        ("a.md", "- **Run**: see the page about runs, at the end:", "run", "no clear definition"),
    ],
)
async def test_what_only_looks_defined_is_dropped_with_its_reason(
    bench: Bench, name: str, text: str, term: str, reason: str
) -> None:
    entries, dropped = await made_of(bench, name, text)

    assert entries == {}
    assert reason in dropped[term]


async def test_what_is_said_of_an_argument_does_not_contradict_the_word(bench: Bench) -> None:
    bench.write({"cli.md": "RUN is a number that the shell is given."})

    entries, _ = await made_of(bench, "guide.md", "A run is one execution of a scope.")
    content = (bench.artifacts / "glossary.json").read_text(encoding="utf-8")

    assert entries == {"run": "One execution of a scope."}
    assert "conflicting" not in content


async def test_what_a_limit_or_a_glossary_leaves_out_is_told(bench: Bench) -> None:
    words = "".join(f"- **{letter * 3}**: the thing of that name\n" for letter in "bcdfghjklm")
    bench.write({"glossary.md": words})

    _, remarks = await made_of(bench, "notes.md", "Krausen is the foam that forms on the beer.")
    bench.extract(limit=1)
    candidates = json.loads((bench.workspace / "candidates.json").read_text(encoding="utf-8"))

    assert remarks == {"krausen": "Beside the glossary this is but a remark."}
    assert {"term": "ccc", "reason": "Only 1 candidates are taken."} in candidates["dropped"]
