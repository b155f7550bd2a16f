"""Sentences that define are found in every notation, and what only looks like one is not taken."""

from collections.abc import Mapping

import pytest

from solorun_examples.glossary.definitions import choose, find_passages, judge
from solorun_examples.glossary.documents import Document
from solorun_examples.glossary.entries import Manner, Passage, Source
from solorun_examples.glossary.markdown import parse_markdown


def definitions_in(text: str, name: str = "guide.md") -> Mapping[str, str]:
    document = Document(name, tuple(parse_markdown(text)))
    passages: dict[str, list[Passage]] = {}
    for term, passage in find_passages(document):
        passages.setdefault(term, []).append(passage)
    chosen = {term: choose(tuple(found)) for term, found in passages.items()}
    return {term: found[0].text for term, found in chosen.items() if found}


@pytest.mark.parametrize(
    ("text", "term", "definition"),
    [
        ("| term | meaning |\n|---|---|\n| **run** | one execution of a scope |", "run", "One execution of a scope."),
        ("| x | y | means |\n|---|---|---|\n| **run** | 1 | one execution of it |", "run", "One execution of it."),
        ("| **word** | |\n|---|---|\n| **run** | one execution of a scope |", "run", "One execution of a scope."),
        ("Run\n: one execution of a scope", "Run", "One execution of a scope."),
        ("**Run**\n: A run is one execution of a scope.", "Run", "One execution of a scope."),
        ("Queue\n: This is the place where jobs wait for workers.", "Queue", "The place where jobs wait for workers."),
        ("- **Run**: one execution of a scope", "Run", "One execution of a scope."),
        ("- **Run:** one execution of a scope", "Run", "One execution of a scope."),
        ("**Run** — one execution of a scope", "Run", "One execution of a scope."),
        ("**Run.** One execution of a scope.", "Run", "One execution of a scope."),
        ("- `RunManager`: the one place that starts runs", "RunManager", "The one place that starts runs."),
        ("Focal length: the way from lens to image.", "Focal length", "The way from lens to image."),
        ("**Open cluster**: a loose group of young stars", "Open cluster", "A loose group of young stars."),
        ("A segment is a committed batch of records.", "segment", "A committed batch of records."),
        ("Draining means the refusal of anything new.", "Draining", "The refusal of anything new."),
        ("A process that ends the others is called a reaper.", "reaper", "A process that ends the others."),
        ("## Fencing token\n\nA number that only ever rises.", "Fencing token", "A number that only ever rises."),
        ("- **Scope**: (of a run) which steps a run executes", "Scope", "Which steps a run executes."),
        ("「シーイング」とは、大気による星像の安定度のことです。", "シーイング", "大気による星像の安定度。"),
        ("光害とは夜空を照らす街の明かりである。", "光害", "夜空を照らす街の明かり。"),
        ("目が暗さに慣れることを「暗順応」と呼びます。", "暗順応", "目が暗さに慣れること。"),
        ("星の光を集める鏡を主鏡と呼ぶ。", "主鏡", "星の光を集める鏡。"),
        ("**等級**は、星の明るさを表す数です。", "等級", "星の明るさを表す数。"),
        ("FITS は天文学で広く使われる画像の形式です。", "FITS", "天文学で広く使われる画像の形式。"),
        ("- 赤道儀（せきどうぎ）：星を一つの軸で追える架台。", "赤道儀", "星を一つの軸で追える架台。"),
        ("| 用語 | 意味 |\n|---|---|\n| 露出 | 光を当てる時間の長さ |", "露出", "光を当てる時間の長さ。"),
    ],
)  # fmt: skip
def test_a_definition_is_found_and_cleaned(text: str, term: str, definition: str) -> None:
    assert definitions_in(text) == {term: definition}


@pytest.mark.parametrize(
    "text",
    [
        "This is a sentence about nothing in particular.",
        "A good run is the same as the last one.",
        "The answer is the following.",
        "There is a lock that every start must take.",
        "**Add tests**: put them beside the code that they try.",
        "**Errors.** Errors from the database are wrapped and raised again.",
        "**Dependencies**: you should keep them few, and pin them.",
        "**How does it work?** A run is started.",
        "| name | default |\n|---|---|\n| `host` | the loopback address of this machine |",
        "| term |\n|---|\n| run |",
        "| term | meaning |\n|---|---|\n| run |",
        "## Getting started\n\nA first run must be started from the dashboard.",
        "シーイングは重要です。",
        "これは星の明るさを表す数です。",
        "極軸合わせには北極星が便利です。",
        "- **Why**: the reason that somebody gives for it",
        "- **Run**: --",
        "- **Run**: yes",
        "- **Run**: is it one execution or many of them?",
        "- **Run**: see the page about runs, at the end:",
        "- **Run**: https://example.org/runs/and/more is the place",
        "- **Run**: a (badly [broken {set of} <signs> 123 == 456 !!",
        "- **Run**:",
        "- **Readers.** A flush costs each stream about 30 µs.",
        "- **Prefixes**: The compiler accepts a list of browsers, and adds what they want.",
        "- **Typed values**: Many other parsers treat the values of a rule as text.",
        "- **Flush policy**: The first record of an idle run goes at once.",
        "- **Signing**: The key may be used to make signatures.",
        "- **Parser update**: The caching layer was broken.",
        "## ERR_LOCKED\n\nAn error occurred with the database.",
        "## ERR_LOCKED\n\nA call with a socket received an invalid value.",
        "## ERR_LOCKED\n\nA string that contained unescaped characters was received.",
        "## ERR_LOCKED\n\nA file descriptor (`fd`) was not valid.",
        "## Security model\n\nA clear model, with features like permissions and policies, is a priority.",
        "When a channel exists, and the child process is a Node instance, it waits.",
        "The batch library is a small tool enabling:\n\n- batches",
        "The third argument is the base class that the error will extend.",
        "Five minutes is the smallest number accepted by the scheduler.",
        "The optional field is an array of patterns that describes the files.",
        "The tree shown is the logical tree of packages.",
        "The key is the lifecycle event.",
        "- **Required**: a line that names the page of the request",
        "| **License** | meaning |\n|---|---|\n| **Limitations** | the things that it cannot do |",
        "- `opts.alias`: an object that holds the other names of a key",
        "- hasScript: a flag to say that the package has a script",
    ],
)
def test_what_does_not_define_is_not_taken(text: str) -> None:
    assert definitions_in(text) == {}


@pytest.mark.parametrize(
    ("text", "term", "definition"),
    [
        ("A gyp is a build tool of the shell and comes bundled with it.", "gyp", "A build tool of the shell."),
        ("A gyp is a tool that reads files and is bundled.", "gyp", "A tool that reads files and is bundled."),
        ("Scopes are a way of grouping, and also affect naming.", "Scopes", "A way of grouping."),
        ("The closed state is a final state of work and the client is gone.", "closed state", "A final state of work."),
        ("- `all.mjs`: A script run after all files are made", "all.mjs", "A script run after all files are made."),
        ("- **cpu**: An array of kinds this package is made for", "cpu", "An array of kinds this package is made for."),
        ("## Lock\n\nA file (it is empty) of the owner.", "Lock", "A file (it is empty) of the owner."),
    ],
)  # fmt: skip
def test_a_definition_is_the_kind_and_its_mark_alone(text: str, term: str, definition: str) -> None:
    assert definitions_in(text) == {term: definition}


def test_a_definition_says_its_document_and_line() -> None:
    document = Document(
        "a/guide.md", tuple(parse_markdown("# Title\n\nWords come\nfirst. A segment is a batch of records."))
    )

    [(term, passage)] = find_passages(document)

    assert (term, str(passage.source)) == ("segment", "a/guide.md:4")


def test_words_that_are_explained_together_each_name_the_others() -> None:
    text = "| word | meaning |\n|---|---|\n| **writer, hub, tail** | the stations of the log path. |"

    assert definitions_in(text) == {
        "writer": "The stations of the log path (with hub, tail).",
        "hub": "The stations of the log path (with writer, tail).",
        "tail": "The stations of the log path (with writer, hub).",
    }


def test_in_a_glossary_a_heading_is_a_term() -> None:
    text = "## Fencing token\n\nThe id that outside systems are given. They refuse anything older."

    assert definitions_in(text, "glossary.md") == {"Fencing token": "The id that outside systems are given."}
    assert definitions_in(text, "guide.md") == {}


@pytest.mark.parametrize(
    ("text", "term", "definition"),
    [
        ("A **family** is one declaration for many projects.", "family", "One declaration for many projects."),
        ("A **start** is the request for a new run.", "start", "The request for a new run."),
        ("A **status** is where a run stands, of four.", "status", "Where a run stands, of four."),
        ("To **drain** means to admit nothing more.", "drain", "To admit nothing more."),
        ("A **follower** is anybody who reads a log.", "follower", "Anybody who reads a log."),
        ("A **token** is the one that callers need.", "token", "The one that callers need."),
        ("## Logs\n\nA **record** is one entry of a log.", "record", "One entry of a log."),
    ],
)
def test_a_glossary_may_say_it_in_its_own_way(text: str, term: str, definition: str) -> None:
    assert definitions_in(text, "glossary.md") == {term: definition}


@pytest.mark.parametrize("text", ["# Glossary\n\nEach word means one thing.", "## What you do\n\nThe things you do."])
def test_the_frame_of_a_glossary_is_no_entry(text: str) -> None:
    assert definitions_in(text, "glossary.md") == {}


def test_what_is_said_of_code_is_told_from_what_is_said_of_a_word() -> None:
    text = "`run` is a line for the shell. `RunManager` is a place. A segment is a batch of records."

    found = find_passages(Document("a.md", tuple(parse_markdown(text))))

    assert [(term, passage.manner) for term, passage in found] == [
        ("run", Manner.KEY),
        ("RunManager", Manner.CODE),
        ("segment", Manner.IS),
    ]


def test_a_long_remark_is_no_definition() -> None:
    remark = f"A segment is a batch of records{' and of others' * 16}."

    assert definitions_in(remark) == {}


def test_the_glossary_beats_a_remark_elsewhere() -> None:
    label = "- **Run**: one execution of a scope"
    [(_, remark)] = find_passages(Document("guide.md", tuple(parse_markdown(label))))
    [(_, master)] = find_passages(Document("glossary.md", tuple(parse_markdown(label))))

    assert judge(master).score > judge(remark).score


def test_a_long_definition_is_cut_where_it_can_be() -> None:
    clause = "a part that is long enough to be cut at its end, "

    found = definitions_in(f"- **Run**: {clause * 12}and so on")["Run"]

    assert len(found) <= 321
    assert found.endswith("its end…")


def test_a_text_without_any_edge_is_cut_hard() -> None:
    assert definitions_in(f"「長文」とは、{'星' * 500}のことです。")["長文"] == "星" * 320 + "…"


def test_a_second_sentence_is_kept_while_it_is_short_and_about_the_term() -> None:
    text = "- **Run**: one execution of a scope. Its id only ever rises. A third one is too much."

    assert definitions_in(text) == {"Run": "One execution of a scope. Its id only ever rises."}


def test_repeated_definitions_are_one() -> None:
    passages = tuple(Passage("One execution of a scope.", Source(name, 1), Manner.LABEL) for name in ("b", "a"))

    assert [known.source.document for known in choose(passages)] == ["a"]
