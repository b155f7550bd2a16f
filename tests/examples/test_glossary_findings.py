"""Each kind of fault is found, and mended in its own way."""

from collections.abc import Sequence

import pytest

from solorun_examples.glossary.entries import Context, Definition, Entry, Fault, Finding, Manner, Origin, Source
from solorun_examples.glossary.findings import find_findings, is_circular
from solorun_examples.glossary.mending import Mended, mend


def definition(text: str, document: str = "a.md", score: int = 80) -> Definition:
    return Definition(text, Source(document, 1), Manner.TABLE, score)


def entry(term: str, *texts: str | Definition, count: int = 1, origin: Origin = Origin.DOCUMENT) -> Entry:
    known = tuple(text if isinstance(text, Definition) else definition(text) for text in texts)
    contexts = (Context(f"Here {term} is used.", Source("b.md", 2)),)
    return Entry(term, known[0].text if known else "", origin, known, contexts, count)


def faults(*entries: Entry) -> list[tuple[Fault, str, tuple[str, ...]]]:
    return [(finding.fault, finding.term, finding.others) for finding in find_findings(entries)]


def mended(entries: Sequence[Entry], *findings: Finding, rewritten: dict[str, str] | None = None) -> Mended:
    return mend(entries, findings or find_findings(entries), rewritten or {})


def test_a_term_without_a_definition_is_missing_and_dropped() -> None:
    entries = [entry("run"), entry("scope", "Which steps are executed.")]

    result = mended(entries)

    assert faults(*entries) == [(Fault.MISSING, "run", ())]
    assert [kept.term for kept in result.entries] == ["scope"]
    assert [gone.term for gone in result.dropped] == ["run"]


@pytest.mark.parametrize(
    ("first", "second"),
    [("log file", "Log File"), ("log file", "log files"), ("log file", "log-file"), ("サーバー", "サーバ")],
)
def test_spellings_are_duplicates_and_merged(first: str, second: str) -> None:
    entries = [entry(first, "Where a service writes."), entry(second, count=9)]

    result = mended(entries)

    assert (Fault.DUPLICATE, first, (second,)) in faults(*entries)
    assert [(kept.term, kept.aliases, kept.definition) for kept in result.entries] == [
        (first, (second,), "Where a service writes.")
    ]


def test_of_two_defined_spellings_the_singular_is_kept_with_the_best_definition() -> None:
    entries = [
        entry("runs", definition("What is executed, all of it.", score=90), count=9),
        entry("run", definition("One execution of a scope.", score=70)),
    ]

    [kept] = mended(entries).entries

    assert (kept.term, kept.definition) == ("run", "What is executed, all of it.")


def test_a_merge_keeps_what_a_model_worded() -> None:
    entries = [entry("run", "One execution."), entry("Run", "The model's words.", origin=Origin.MODEL)]

    [kept] = mended(entries, Finding(Fault.DUPLICATE, "run", "", ("Run",))).entries

    assert kept.definition == "The model's words."


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("star party", "A star party of friends."),
        ("run", "Runs that are run."),
        ("fencing token", "The token that is for fencing."),
        ("光害", "光害による現象。"),
    ],
)
def test_a_definition_that_repeats_its_term_is_circular(term: str, text: str) -> None:
    assert is_circular(term, text)


@pytest.mark.parametrize(
    ("term", "text"),
    [
        ("run", ""),
        ("run", "One execution of a scope, with an id for each run."),
        ("光害", "街の明かりによる光害のこと。"),
    ],
)
def test_a_definition_that_only_mentions_its_term_is_not_circular(term: str, text: str) -> None:
    assert not is_circular(term, text)


def test_a_circular_definition_is_replaced_by_the_second_best() -> None:
    entries = [entry("star party", "A star party of friends.", definition("Friends who observe together.", "b.md", 60))]

    [kept] = mended(entries).entries

    assert faults(*entries) == [(Fault.CIRCULAR, "star party", ())]
    assert (kept.definition, kept.sources[0]) == ("Friends who observe together.", Source("b.md", 1))


def test_a_circular_definition_without_another_is_dropped() -> None:
    result = mended([entry("star party", "A star party of friends.")])

    assert result.entries == ()
    assert result.actions == ("dropped star party: It is explained by itself.",)


def test_two_terms_explained_by_each_other_are_circular_and_marked() -> None:
    entries = [entry("signal", "A message to a process."), entry("message", "A signal to a person.")]

    result = mended(entries)

    assert faults(*entries) == [(Fault.CIRCULAR, "message", ("signal",)), (Fault.CIRCULAR, "signal", ("message",))]
    assert [kept.marks for kept in result.entries] == [("circular",), ("circular",)]


def test_different_definitions_in_different_documents_conflict_and_both_are_shown() -> None:
    rival = definition("A property of optical glass.", "b.md", 75)
    entries = [entry("transparency", "The clearness of the air.", rival)]

    [kept] = mended(entries).entries

    assert faults(*entries) == [(Fault.CONFLICTING, "transparency", ())]
    assert (kept.marks, kept.rivals) == (("conflicting",), (rival,))


@pytest.mark.parametrize(
    "rival",
    [
        definition("A property of optical glass.", "a.md", 75),
        definition("A property of optical glass.", "b.md", 60),
        definition("How clear the air is: the clearness of all the air.", "b.md", 75),
    ],
)
def test_the_same_document_a_remark_or_other_words_for_it_do_not_conflict(rival: Definition) -> None:
    assert faults(entry("transparency", "The clearness of the air.", rival)) == []


def test_beside_a_glossary_only_sentences_contradict_it() -> None:
    master = Definition("One execution of a scope.", Source("glossary.md", 1), Manner.IS, 99, True)
    setting = Definition("A line for the shell.", Source("a.md", 1), Manner.CODE, 75)
    sentence = Definition("A small hill of snow.", Source("b.md", 1), Manner.IS, 75)

    [kept] = mended([entry("run", master, setting, sentence)]).entries

    assert faults(entry("run", master, setting)) == []
    assert kept.rivals == (sentence,)


def test_a_models_words_for_a_conflicting_term_show_what_the_documents_say() -> None:
    entries = [entry("run", definition("One execution."), definition("A hill.", "b.md"))]
    worded = [Entry("run", "New words.", Origin.MODEL, entries[0].definitions, ())]

    [kept] = mended(worded, Finding(Fault.CONFLICTING, "run", "")).entries

    assert [rival.text for rival in kept.rivals] == ["One execution.", "A hill."]


def test_what_a_model_calls_no_term_is_dropped_with_its_reason() -> None:
    result = mended([entry("run", "One execution.")], Finding(Fault.NOT_A_TERM, "run", "It is a verb."))

    assert [(gone.term, gone.reason) for gone in result.dropped] == [("run", "It is a verb.")]


def test_an_unclear_definition_is_rewritten_by_the_model() -> None:
    finding = Finding(Fault.UNCLEAR, "run", "Vague.")

    [kept] = mended([entry("run", "Some thing.")], finding, rewritten={"run": "One execution of a scope."}).entries

    assert (kept.definition, kept.origin, kept.marks) == ("One execution of a scope.", Origin.MODEL, ())


def test_an_unclear_definition_that_nobody_rewrites_is_marked() -> None:
    [kept] = mended([entry("run", "Some thing.")], Finding(Fault.UNCLEAR, "run", "Vague.")).entries

    assert (kept.definition, kept.marks) == ("Some thing.", ("unclear",))


def test_an_unclear_definition_of_a_model_gives_way_to_the_documents() -> None:
    worded = Entry("run", "Some thing.", Origin.MODEL, (definition("One execution."),), ())

    [kept] = mended([worded], Finding(Fault.UNCLEAR, "run", "Vague.")).entries

    assert (kept.definition, kept.origin) == ("One execution.", Origin.DOCUMENT)


def test_a_circular_definition_of_a_merged_spelling_does_not_touch_the_good_one() -> None:
    entries = [entry("star party", "Friends who observe together."), entry("star-parties", "Star parties.", count=9)]

    [kept] = mended(entries).entries

    assert (kept.definition, kept.aliases) == ("Friends who observe together.", ("star-parties",))


def test_findings_about_unknown_terms_change_nothing() -> None:
    unknown = [Finding(fault, "gone", "", ("too",)) for fault in Fault]

    result = mended([entry("run", "One execution.")], *unknown)

    assert ([kept.term for kept in result.entries], result.actions) == (["run"], ())


def test_terms_that_a_definition_mentions_are_cross_referenced() -> None:
    entries = [
        entry("run", "One execution of a scope by log files."),
        entry("scope", "Which steps are executed."),
        entry("log file", "Where a service writes."),
        entry("暗順応", "光害のない場所で目が慣れること。"),
        entry("光害", "夜空を照らす街の明かり。"),
    ]

    kept = {one.term: one.see_also for one in mended(entries).entries}

    assert kept == {"run": ("scope", "log file"), "scope": (), "log file": (), "暗順応": ("光害",), "光害": ()}
