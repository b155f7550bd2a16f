"""Markdown is cut into blocks with their lines, and freed of its marks."""

import pytest

from solorun_examples.glossary.markdown import Shape, parse_markdown, parse_text, plain, split_cells


def test_every_kind_of_block_is_found_with_its_line() -> None:
    text = "\n".join(
        [
            "# Title #",
            "",
            "A paragraph",
            "over two lines.",
            "",
            "- an item",
            "  goes on",
            "1. another",
            "",
            "Below",
            "-----",
            "| a | b |",
            "|---|---|",
            "| 1 | 2 |",
            "",
            "Term",
            ": its meaning",
            "  goes on",
            "",
            "> quoted",
        ]
    )

    blocks = [(block.shape, block.line, block.text) for block in parse_markdown(text)]

    assert blocks == [
        (Shape.HEADING, 1, "Title"),
        (Shape.PARAGRAPH, 3, "A paragraph\nover two lines."),
        (Shape.ITEM, 6, "an item\ngoes on"),
        (Shape.ITEM, 8, "another"),
        (Shape.HEADING, 10, "Below"),
        (Shape.ROW, 14, "| 1 | 2 |"),
        (Shape.DEFINITION, 17, "its meaning\ngoes on"),
        (Shape.PARAGRAPH, 20, "quoted"),
    ]


@pytest.mark.parametrize(
    "hidden",
    [
        "---\ntitle: hidden\n---\n",
        "```python\nhidden = 1\n```\n",
        "~~~~\nhidden\n```\nhidden\n~~~~\n",
        "- ```\n  hidden\n  ```\n",
        "    hidden = indented\n",
        "<!-- hidden\n\nhidden -->\n",
        "<div class='hidden'>\n",
        "[hidden]: https://example.org\n",
        "!!! hidden\n",
        "***\n",
        "```\nhidden, for the fence is never closed",
    ],
)
def test_what_is_not_prose_is_left_out(hidden: str) -> None:
    assert [block.text for block in parse_markdown(hidden)] == []


def test_lines_are_counted_over_what_is_left_out() -> None:
    blocks = parse_markdown("---\na: b\n---\n<!-- one\ntwo -->\nText\n")

    assert [(block.line, block.text) for block in blocks] == [(6, "Text")]


def test_a_paragraph_within_a_list_is_no_code() -> None:
    blocks = parse_markdown("- item\n\n    more of it\n\nText\n\n    code\n")

    assert [block.text for block in blocks] == ["item", "more of it", "Text"]


def test_a_term_is_found_above_its_meaning_also_for_a_second_meaning() -> None:
    blocks = parse_markdown("Run\n: one meaning\n\n: another\n")

    assert [(block.cells, block.text) for block in blocks] == [(("Run",), "one meaning"), (("Run",), "another")]


def test_what_is_too_long_to_be_prose_is_cut() -> None:
    blocks = parse_markdown("x" * 30_000 + "\n\n" + "word\n" * 10_000)

    assert [len(block.text) for block in blocks] == [20_000, 20_000]


def test_indented_lines_of_a_text_are_text() -> None:
    assert [block.text for block in parse_text("    indented\n")] == ["indented"]


@pytest.mark.parametrize(
    ("marked", "shown"),
    [
        ("**bold** and *slanted* and __both__ and _more_", "bold and slanted and both and more"),
        ("`code *as it is*`", "code *as it is*"),
        ("``a ` b``", "a ` b"),
        ("[a link](https://example.org/a_(b)) and [another][ref]", "a link and another"),
        ("![a picture](x.png)seen", "seen"),
        ("<b>tag</b> and <https://example.org>", "tag and"),
        ("a note[^1]", "a note"),
        (r"\*no mark\* and snake_case_name", "*no mark* and snake_case_name"),
        ("2 * 3 * 4 &amp; ~~gone~~", "2 * 3 * 4 & gone"),
        ("{py:class}`Run` and :class:`Step`", "Run and Step"),
        ("`from:<step>`", "from:<step>"),
    ],
)
def test_marks_are_removed_and_text_stays(marked: str, shown: str) -> None:
    assert plain(marked) == shown


def test_bars_in_code_or_behind_a_backslash_do_not_separate_cells() -> None:
    assert split_cells(r"| `a|b` | c \| d |") == ("`a|b`", "c | d")
