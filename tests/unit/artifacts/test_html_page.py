"""The files that an HTML page refers to become parts of the page."""

from base64 import b64encode

import pytest

from solorun.artifacts.html_page import add_script, embed, find_references

STYLE = b64encode(b"p {}").decode()


def complete(page: str, files: dict[str, bytes], name: str = "htmlcov/index.html") -> str:
    return embed(page.encode(), find_references(page.encode(), name), files).decode()


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ('<link rel="stylesheet" href="style.css">', f'<link rel="stylesheet" href="data:text/css;base64,{STYLE}">'),
        ("<LINK REL=stylesheet HREF=./style.css>", f'<LINK REL=stylesheet HREF="data:text/css;base64,{STYLE}">'),
        (
            '<link rel="stylesheet" href="style.css?v=2">',
            f'<link rel="stylesheet" href="data:text/css;base64,{STYLE}">',
        ),
        ("<script src='a.js' defer></script>", f'<script src="data:text/javascript;base64,{STYLE}" defer></script>'),
        ('<img\nsrc="../one%20two.png">', f'<img\nsrc="data:image/png;base64,{STYLE}">'),
    ],
)
def test_a_style_a_script_or_a_picture_is_embedded(tag: str, expected: str) -> None:
    files = dict.fromkeys(["htmlcov/style.css", "htmlcov/a.js", "one two.png"], b"p {}")

    assert complete(f"<p>{tag}</p>", files) == f"<p>{expected}</p>"


@pytest.mark.parametrize(
    "tag",
    [
        '<link rel="stylesheet" href="https://example.org/style.css">',
        '<link rel="stylesheet" href="//example.org/style.css">',
        '<link rel="stylesheet" href="/style.css">',
        '<link rel="stylesheet" href="../../style.css">',
        '<link rel="stylesheet" href="missing.css">',
        '<link rel="next" href="style.css">',
        '<img src="data:image/png;base64,AA==">',
        '<a href="#top">',
        '<a href="style.css">',
        '<a href="http://[">',
        "<link",
    ],
)
def test_anything_else_stays_as_it_is(tag: str) -> None:
    assert complete(tag, {"htmlcov/style.css": b"p {}", "style.css": b"p {}"}) == tag


def test_all_references_of_a_page_are_found_in_order() -> None:
    page = b'<link rel=stylesheet href=a.css><img src=b.png><a href=c.html>c</a><script src="d.js"></script>'

    assert [reference.name for reference in find_references(page, "index.html")] == ["a.css", "b.png", "d.js"]


def test_a_file_that_is_referred_to_very_often_is_embedded_up_to_a_limit() -> None:
    page = b"<img src=a.png>" * 50

    complete_page = embed(page, find_references(page, "index.html"), {"a.png": bytes(1_000_000)})

    assert complete_page.count(b"data:image/png") == 20
    assert complete_page.count(b"src=a.png") == 30


@pytest.mark.parametrize(
    ("head", "rest"),
    [
        ('<!DOCTYPE html>\n<html lang="de">\n<head>\n<meta charset="utf-8">\n<meta name="a">', "<title>t</title>"),
        ("\ufeff<!-- one --><!-- two -->\n<!doctype html>", "<script>first()</script>"),
        ("<!--><!---><!-- - --!>", "<script>first()</script>-->"),
        ("<html title='>' lang=\"a>b\">", "<p>"),
        ("", "<html title='><script>first()</script>"),
        ("<head>", "</head><header><meta>"),
        ("", "<p>text"),
        ("", ""),
    ],
)
def test_the_script_comes_after_the_type_and_the_encoding_and_before_all_other_scripts(head: str, rest: str) -> None:
    page = add_script((head + rest).encode()).decode()

    assert page.startswith(head + "<script>//")
    assert page.endswith("</script>" + rest)


def test_a_page_in_utf_16_gets_no_script() -> None:
    page = "<p>text".encode("utf-16")

    assert add_script(page) == page
