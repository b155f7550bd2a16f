"""The page that readers get: escaped, cross-referenced, with sources and notes."""

from html import unescape

import pytest
from markdown_it import MarkdownIt

from solorun_examples.glossary.entries import Definition, GlossaryEntry, Manner, Origin, Source
from solorun_examples.glossary.markdown import plain
from solorun_examples.glossary.rendering import escape, render


def test_an_entry_shows_everything_that_is_known_of_it() -> None:
    entry = GlossaryEntry(
        "log file",
        "Where a service writes.",
        Origin.MODEL,
        (Source("a.md", 3), Source("b_c.md", 4)),
        aliases=("log files", "Log-File", "journal"),
        see_also=("log file",),
        marks=("conflicting", "circular"),
        rivals=(Definition("A tree.", Source("b.md", 1), Manner.TABLE, 80),),
        note="Ours is *old*.",
    )

    page = render([entry], ["a.md"], {"other": "A note without an entry."})

    assert page == (
        "# Glossary\n\n1 term from 1 document.\n\n[log file](#log-file)\n\n## log file\n\nWhere a service writes.\n\n"
        "> The documents do not agree on this term.\n\n> This term and another are explained by each other.\n\n"
        "> Elsewhere: A tree. (b.md:1)\n\nNote: Ours is *old*.\n\n"
        "Also: Log-File, journal. See also: [log file](#log-file). Source: a.md:3, b_c.md:4 (worded by a model).\n\n"
        "## Notes on other terms\n\n**other**: A note without an entry.\n"
    )


def test_an_empty_glossary_says_so() -> None:
    assert render([], ["a.md", "b.md"], {}) == "# Glossary\n\n0 terms from 2 documents.\n"


def test_anchors_are_those_of_the_headings_also_when_terms_look_alike() -> None:
    entries = [GlossaryEntry(term, "x", Origin.DOCUMENT, ()) for term in ("a.b", "ab", "glossary", "光害")]

    index = render(entries, [], {}).split("\n\n")[2]

    assert index == "[a.b](#ab) · [ab](#ab-1) · [glossary](#glossary-1) · [光害](#光害)"


@pytest.mark.parametrize(
    "text",
    [
        "a *b* `c` <d> [e](f) | g",
        "_a_ snake_case b_",
        "# no heading",
        "- no item",
        "1. no list",
        r"back\slash",
        "a & b &amp; c",
    ],
)
def test_escaped_text_is_shown_as_it_is(text: str) -> None:
    shown = MarkdownIt("commonmark").render(escape(text))

    assert unescape(shown) == f"<p>{text}</p>\n"
    assert plain(escape(text)) == text
