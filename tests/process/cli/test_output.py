"""The output of commands on pipes and terminals."""

import asyncio
import os
import pty
import re
import sys
from pathlib import Path

import pytest

from solorun.client import RunClient
from tests.fakes.project_toml import project_toml
from tests.fakes.solorun_process import run_solorun, serving_here, solorun

TOML = (
    project_toml(
        "good",
        {"greet": "printf '\\033[31mhello\\033[0m\\033]0;title\\007\\n'; echo ::progress current=1,total=2::half"},
    )
    + project_toml("bad", {"break": "exit 3"})
    + project_toml("hostile", {"print": "printf 'a\\302\\2331mbc\\342\\200\\256d\\177e\\n'"})
    + project_toml("flood", {"flood": "seq 1 50000"})
)


async def test_output_on_a_pipe_is_plain(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url:
        finished = await run_solorun("start", "good", "--follow", "--url", url, cwd=tmp_path)

    assert re.sub(r"\d\d:\d\d:\d\d", "TIME", re.sub(r"after .*", "after TIME", finished.out)) == (
        "Run 1 of good, scope full, triggered by cli\n"
        "TIME greet  ▶ greet started\n"
        "TIME greet  hello\n"
        "TIME greet  1/2 half\n"
        "TIME greet  ✔ greet completed\n"
        "Run 1 completed after TIME\n"
    )


@pytest.mark.parametrize(
    ("env", "has_colour", "has_bar"),
    [
        pytest.param({"TERM": "xterm"}, True, True, id="a terminal"),
        pytest.param({"TERM": "xterm", "NO_COLOR": "1"}, False, True, id="without colour"),
        pytest.param({"TERM": "dumb"}, False, False, id="a dumb terminal"),
    ],
)
async def test_output_on_a_terminal_depends_on_its_abilities(
    tmp_path: Path, env: dict[str, str], has_colour: bool, has_bar: bool
) -> None:
    async with serving_here(tmp_path, TOML) as url:
        code, shown = await _on_a_terminal("start", "good", "--follow", "--url", url, env=env, cwd=tmp_path)

    assert code == 0
    assert "hello" in shown
    assert ("\x1b[31mhello" in shown) is has_colour
    assert ("1/1" in shown and "\x1b[2K" in shown) is has_bar
    assert "title" not in shown
    assert "\r\n\r\n" not in shown


@pytest.mark.parametrize(
    ("arguments", "shown", "hidden"),
    [
        (["log", "hostile"], ["bc<U+202E>de"], ["\x9b", "\u202e"]),
        (["follow", "hostile"], ["bc<U+202E>de"], ["\x9b", "\u202e"]),
        (["log", "hostile", "--json"], ["a\\u009b1mbc\\u202ed\\u007fe"], ["\x9b", "\u202e", "\x7f"]),
        (["follow", "hostile", "--json"], ["a\\u009b1mbc\\u202ed\\u007fe"], ["\x9b", "\u202e", "\x7f"]),
    ],
)
async def test_output_cannot_control_the_terminal(
    tmp_path: Path, arguments: list[str], shown: list[str], hidden: list[str]
) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        await client.wait_for_run((await client.start_run("hostile")).id)
        _, text = await _on_a_terminal(*arguments, "--url", url, env={"TERM": "xterm"}, cwd=tmp_path)

    assert [each for each in shown if each not in text] == []
    assert [each for each in hidden if each in text] == []


async def test_json_on_a_pipe_is_as_the_service_sent_it(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        await client.wait_for_run((await client.start_run("hostile")).id)
        finished = await run_solorun("log", "hostile", "--json", "--url", url, cwd=tmp_path)

    assert "a\x9b1mbc\u202ed\x7fe" in finished.out


async def test_tables_on_a_terminal_have_colours(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url:
        await run_solorun("start", "bad", "--follow", "--url", url, cwd=tmp_path)
        _, runs = await _on_a_terminal("runs", "--url", url, env={"TERM": "xterm"}, cwd=tmp_path)
        _, shown = await _on_a_terminal("show", "bad", "--url", url, env={"TERM": "xterm"}, cwd=tmp_path)

    assert "bad" in runs
    assert "\x1b[31mfailed" in runs
    assert "exit code 3" in shown


@pytest.mark.parametrize(
    "arguments",
    [["log", "flood"], ["follow", "flood", "--json"]],
)
async def test_a_closed_pipe_ends_the_command_silently(tmp_path: Path, arguments: list[str]) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        await client.wait_for_run((await client.start_run("flood")).id)
        async with solorun(*arguments, "--url", url, cwd=tmp_path) as command:
            await command.until_stdout_shows("flood started")
            finished = await command.finish_unread()

    assert finished.code == 141
    assert finished.err == ""


async def _on_a_terminal(*arguments: str, env: dict[str, str], cwd: Path) -> tuple[int, str]:
    """Run a command on a terminal; return its exit code and output."""
    outside, inner = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "solorun", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=inner,
        stderr=inner,
        env={**os.environ, **env},
        cwd=cwd,
    )
    os.close(inner)
    try:
        shown = await asyncio.wait_for(asyncio.to_thread(_read_terminal, outside), 60)
        return await process.wait(), shown
    finally:
        os.close(outside)


def _read_terminal(terminal: int) -> str:
    shown = b""
    try:
        while data := os.read(terminal, 65536):
            shown += data
    except OSError:
        pass  # Linux raises EIO when the other side is closed
    return shown.decode()
