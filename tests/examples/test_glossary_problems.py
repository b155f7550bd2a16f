"""What the review finds, what the refinement fixes, and how the glossary is rendered."""

from collections.abc import Sequence

from solorun_examples.glossary.checks import check
from solorun_examples.glossary.fixes import Fixes
from solorun_examples.glossary.models import Definition, Entry, Glossary
from solorun_examples.glossary.rendering import render

STAR = Entry("star", 3, (Definition("A ball of hot gas.", "sky.md:1", 2),))


def entry(term: str, *texts: str, count: int = 1) -> Entry:
    return Entry(term, count, tuple(Definition(text, f"{at}.md:1", 2) for at, text in enumerate(texts)))


def fix(*entries: Entry) -> tuple[Glossary, list[str]]:
    fixes = Fixes(entries, check(entries))
    return fixes.glossary(), fixes.actions


def terms(entries: Sequence[Entry]) -> list[str]:
    return [one.term for one in entries]


def test_an_undefined_term_is_dropped_silently() -> None:
    glossary, actions = fix(STAR, entry("comet"))

    assert (terms(glossary.entries), actions) == (["star"], [])
    assert (glossary.dropped[0].term, glossary.dropped[0].reason) == ("comet", "No document says what it is.")


def test_spellings_are_merged_into_the_defined_one() -> None:
    glossary, actions = fix(entry("dark-adaptation", count=9), entry("dark adaptation", "A slow change in the eye."))

    (merged,) = glossary.entries
    assert (merged.term, merged.aliases, merged.count) == ("dark adaptation", ("dark-adaptation",), 10)
    assert actions == ["merged dark-adaptation into dark adaptation"]


def test_a_circular_definition_is_dropped() -> None:
    glossary, actions = fix(entry("star party", "A star party of friends."), entry("光害", "光害のこと。"))

    assert terms(glossary.entries) == []
    assert actions == ["dropped star party: It is defined by itself.", "dropped 光害: It is defined by itself."]


def test_a_circular_definition_gives_way_to_another_one() -> None:
    glossary, actions = fix(entry("star party", "A star party of friends.", "A night of shared observing."))

    assert glossary.entries[0].definitions[0].text == "A night of shared observing."
    assert actions == ["took the definition of star party from 1.md:1"]


def test_definitions_that_disagree_are_kept_and_marked() -> None:
    glossary, actions = fix(entry("transparency", "The clearness of the air.", "A property of optical glass."))

    assert terms(glossary.entries) == ["transparency"]
    assert [rival.source for rival in glossary.entries[0].rivals] == ["1.md:1"]
    assert actions == ["marked transparency as conflicting"]


def test_definitions_that_agree_are_no_conflict() -> None:
    assert check([entry("等級", "星の明るさを表す数。", "明るさを表す星の数。")]) == ()


def test_an_entry_refers_to_the_terms_in_its_definition() -> None:
    glossary, _ = fix(STAR, entry("double star", "Two stars that appear close together."))

    assert [one.see_also for one in glossary.entries] == [(), ("star",)]


def test_the_page_shows_definitions_spellings_rivals_and_sources() -> None:
    rival = Definition("A *famous* person.", "people.md:4", 2)
    star = Entry("star", 3, (*STAR.definitions, rival), ("stella",), (rival,), ("gas_ball",))

    assert render([star]) == (
        "# Glossary\n\n[star](#star)\n\n## star\n\nA ball of hot gas.\n\n"
        "> Elsewhere: A \\*famous\\* person. (people.md:4)\n\n"
        "Also: stella. See also: [gas\\_ball](#gas_ball). Source: sky.md:1, people.md:4.\n"
    )
