"""JSON pointers (RFC 6901)."""

import pytest

from solorun.triggers.hooks import resolve

DOCUMENT = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "m~n": 8, "~1": 9, "01": {"deep": None}, "text": "ab"}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/foo/1", "baz"),
        ("/", 0),
        ("/a~1b", 1),
        ("/m~0n", 8),
        ("/~01", 9),
        ("/01", {"deep": None}),
    ],
)
def test_a_pointer_finds_a_value(pointer: str, value: object) -> None:
    assert resolve(DOCUMENT, pointer) == value


@pytest.mark.parametrize(
    "pointer",
    ["/none", "/foo/2", "/foo/-", "/foo/-1", "/foo/01", "/foo/²", "/foo/" + "9" * 5000, "/text/0", "/01/deep/x", "/ "],
)
def test_a_pointer_to_nothing_finds_none(pointer: str) -> None:
    assert resolve(DOCUMENT, pointer) is None


@pytest.mark.parametrize("document", [None, 1, "text", True])
def test_a_document_without_members_has_no_values(document: object) -> None:
    assert resolve(document, "/a") is None
