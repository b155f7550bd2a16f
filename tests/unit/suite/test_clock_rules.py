"""No test judges by the clock. Only the benchmarks measure time."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from tests.unit.suite.clock_rules import constants_of, find_clock_judgments

_TESTS: Final = Path(__file__).parents[2]
_MEASURED: Final = {
    "benchmarks": "they measure time",
    "faults/loop_monitor.py": "it measures CPU time, which other programs do not consume",
}
_MODULES: Final = [
    path.relative_to(_TESTS).as_posix()
    for path in sorted(_TESTS.rglob("*.py"))
    if not any(path.is_relative_to(_TESTS / name) for name in _MEASURED)
]


@pytest.mark.parametrize("name", _MODULES)
def test_a_module_does_not_judge_by_the_clock(name: str) -> None:
    assert list(_find(name)) == []


@pytest.mark.parametrize(
    "lines",
    [
        "began = time.monotonic()\nassert time.monotonic() - began < 2",
        "began = loop.time()\nspent = loop.time() - began\nassert spent < 2 + idle",
        "began = perf_counter()\nviolations += ['late'] * (perf_counter() - began > 11)",
        "all_spent = []\nbegan = time.time()\nall_spent.append(time.time() - began)\nassert min(all_spent) < 1",
        "waits = []\nwaits.extend(time.time() - sent for sent in all_sent)\nassert sorted(waits)[9] < 1",
        "assert (run.finished_at - run.created_at).total_seconds() < 2",
        "assert await measure() < 2",
        "assert response.p99 < 2 and took_seconds < 5",
        "(code, seconds), _ = await gather(measure(), work())\nassert seconds < 4",
    ],
)
def test_a_comparison_of_elapsed_time_is_found(lines: str) -> None:
    assert _kinds_in(lines) == ["compares elapsed time"]


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        ("async with asyncio.timeout(5):\n    pass", "limits a wait to 5 s"),
        ("await asyncio.wait_for(event.wait(), 2)", "limits a wait to 2 s"),
        ("await asyncio.wait([task], timeout=0.1)", "limits a wait to 0.1 s"),
        ("with anyio.fail_after(SHORT):\n    pass", "limits a wait to 20 s"),
        ("process.wait(SHORT / 2)", "limits a wait to 10 s"),
        ("process.communicate(timeout=10)", "limits a wait to 10 s"),
        ("await engine.manager.drain(5)", "limits a wait to 5 s"),
        ("def wait(seconds: float = 15) -> None: ...", "limits a wait to 15 s"),
        ("def wait(*, timeout: float = SHORT) -> None: ...", "limits a wait to 20 s"),
        ("page.set_default_timeout(10_000)", "limits a wait to 10 s"),
        ("httpx.Client(base_url=url)", "has httpx's limit of 5 s"),
        ("httpx.post(url, headers=headers)", "has httpx's limit of 5 s"),
        ("end = time.monotonic() + 9\nassert time.monotonic() < end", "compares the clock with 9 s"),
        ("began = time.monotonic()\nassert time.monotonic() < began + SHORT", "compares the clock with 20 s"),
    ],
)
def test_a_short_limit_is_found(lines: str, kind: str) -> None:
    assert _kinds_in(lines) == [kind]


@pytest.mark.parametrize(
    "lines",
    [
        "async with asyncio.timeout(30):\n    await event.wait()",
        "end = time.monotonic() + 60\nassert time.monotonic() < end",
        "took = time.monotonic() - began\nprint(took)",
        "delays.append(time.time() - began)\nassert len(delays) == 3",
        "assert record.time == earlier.time",
        "await event.wait()\nawait asyncio.wait([task])",
        "page.set_default_timeout(60_000)",
        "await engine.manager.drain(0.05)",
        "await writer.drain()",
        "httpx.Client(base_url=url, timeout=60)",
        "httpx.AsyncClient(transport=transport)",
        "thaw_at = time.monotonic() + 9\nwait_until(lambda: time.monotonic() > thaw_at)",
        "moment = earlier + timedelta(seconds=3)",
    ],
)
def test_a_hang_guard_and_a_report_are_allowed(lines: str) -> None:
    assert _kinds_in(lines) == []


def _kinds_in(lines: str) -> list[str]:
    body = "\n".join(f"    {line}" for line in lines.splitlines())
    measure = "def measure():\n    began = time.monotonic()\n    return time.monotonic() - began\n"
    return [kind for _, kind in find_clock_judgments(ast.parse(f"SHORT = 20\n{measure}async def test():\n{body}\n"))]


def _find(name: str) -> Iterator[str]:
    """Each judgment as `file:line: kind`."""
    tree = _parse(name)
    imported: dict[str, float] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests."):
            source = f"{'/'.join((node.module or '').split('.')[1:])}.py"
            # A package has no constants of its own.
            constants = constants_of(_parse(source)) if (_TESTS / source).is_file() else {}
            imported |= {
                alias.asname or alias.name: constants[alias.name] for alias in node.names if alias.name in constants
            }
    for line, kind in find_clock_judgments(tree, imported):
        yield f"tests/{name}:{line}: {kind}"


@cache
def _parse(name: str) -> ast.Module:
    return ast.parse((_TESTS / name).read_text(encoding="utf-8"))
