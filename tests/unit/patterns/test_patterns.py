"""No regular expression of the package takes more than linear time, whatever text it meets."""

import ast
import importlib
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Final

import pytest

import solorun
from tests.unit.patterns.backtracking import Backtracking, examples_of

PACKAGE: Final = Path(solorun.__file__).parent
LENGTH: Final = 48
BUDGET: Final = 40_000
ANCHORED: Final = {"match", "fullmatch"}


def find_patterns() -> Iterator[tuple[str, str, int, bool]]:
    """Each pattern with its place, its flags, and whether it is matched at the beginning of a text only."""
    for file in sorted(PACKAGE.rglob("*.py")):
        source = file.read_text()
        if "import re\n" not in source:
            continue
        name = ".".join(file.relative_to(PACKAGE.parent).with_suffix("").parts)
        module = importlib.import_module(name)
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or not ast.unparse(node.func).startswith("re."):
                continue
            function = ast.unparse(node.func).removeprefix("re.")
            if function == "escape":
                continue
            found = eval(compile(ast.Expression(node.args[0]), name, "eval"), vars(module))
            compiled = re.compile(found)
            if function == "compile":
                compiled = eval(compile(ast.Expression(node), name, "eval"), vars(module))
            text = compiled.pattern if isinstance(compiled.pattern, str) else compiled.pattern.decode("latin-1")
            flags = compiled.flags & ~re.UNICODE
            yield f"{name}:{node.lineno}", text, flags, _is_anchored(function, node, tree)


def _is_anchored(function: str, call: ast.Call, tree: ast.Module) -> bool:
    if function != "compile":
        return function in ANCHORED
    names = [
        ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        for node in tree.body
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is call
    ]
    uses = {
        node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) in names
    }
    return bool(uses) and uses <= ANCHORED


def hostile_texts(pattern: str, flags: int, length: int) -> Iterator[str]:
    """Beginnings of a match, then a word many times, then an end that no match has."""
    example, alphabet = examples_of(pattern, flags)
    chars = sorted(alphabet)[:6]
    words = {*map("".join, product(chars, repeat=1)), *map("".join, product(chars, repeat=2))}
    words |= {
        example[begin:end]
        for begin in range(len(example))
        for end in range(begin + 1, len(example) + 1)
        if end - begin <= 12
    }
    for beginning in {example[:end] for end in range(min(len(example), 24))}:
        for word in sorted(filter(None, words)):
            for end in ("", "\0"):
                yield beginning + word * (length // len(word)) + end


def find_slow_text(pattern: str, flags: int, *, anchored: bool) -> str | None:
    """A text whose double takes much more than twice as many steps."""
    matcher = Backtracking(pattern, flags, max_steps=BUDGET)
    for short, long in zip(
        hostile_texts(pattern, flags, LENGTH), hostile_texts(pattern, flags, 2 * LENGTH), strict=True
    ):
        few = matcher.count_steps(short, anchored=anchored)
        many = matcher.count_steps(long, anchored=anchored)
        if many >= 3 * few + 50 or many > BUDGET:
            return long
    return None


@pytest.mark.parametrize(
    ("pattern", "flags", "anchored"), [pytest.param(*rest, id=place) for place, *rest in find_patterns()]
)
def test_a_pattern_takes_linear_time(pattern: str, flags: int, anchored: bool) -> None:
    assert find_slow_text(pattern, flags, anchored=anchored) is None


@pytest.mark.parametrize(
    "pattern", [r"(a+)+b", r"::([a-z-]+)(?: +((?:(?!::).)*))?::(.*)", r"(a|ab|b)*c", r"\w+\s*\w+!"]
)
def test_a_pattern_that_takes_longer_is_found(pattern: str) -> None:
    assert find_slow_text(pattern, 0, anchored=True) is not None


@pytest.mark.parametrize("pattern", [r"x+y", r"\(.*\)"])
def test_a_search_that_begins_often_is_found(pattern: str) -> None:
    assert find_slow_text(pattern, 0, anchored=False) is not None
