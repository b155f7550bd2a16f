"""`start`, `follow`, `cancel` and `log` against a real service."""

import asyncio
import json
import os
import pty
import re
import signal
import sys
from pathlib import Path

import pytest

from solorun.cli import main
from solorun.client import RunClient
from solorun.status import Status
from tests.fakes.project_toml import project_toml
from tests.fakes.scripted_service import events, scripted_service
from tests.fakes.solorun_process import run_solorun, serving, serving_here, solorun

TOML = (
    project_toml(
        "good",
        {"greet": "printf '\\033[31mhello\\033[0m\\033]0;title\\007\\n'; echo ::progress current=1,total=2::half"},
    )
    + project_toml("bad", {"break": "exit 3"})
    + project_toml("long", {"wait": "echo waiting; sleep 60"}, cancel_grace="1s")
    + project_toml("tick", {"tick": "n=0; while true; do n=$((n+1)); echo tick $n; sleep 0.01; done"})
    + project_toml(
        "ignore", {"wait": "trap '' TERM; echo ignoring; until [ -e release ]; do sleep 0.01; done"}, cancel_grace="60s"
    )
    + project_toml("hostile", {"print": "printf 'a\\302\\2331mbc\\342\\200\\256d\\177e\\n'"})
    + project_toml("flood", {"flood": "seq 1 50000"})
)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["start", "good", "--follow"], 0, "Run 1 completed"),
        (["start", "bad", "--follow"], 1, "Run 1 failed"),
        (["start", "good", "--scope", "all"], 2, "--scope: "),
        (["start", "good", "--param", "x=1"], 2, "--param x: "),
        (["start"], 2, "Usage"),
        (["start", "nothing"], 6, "nothing"),
        (["follow", "4711"], 6, "4711"),
        (["cancel", "good"], 6, "good"),
        (["runs", "nothing"], 6, "nothing"),
    ],
)
async def test_each_outcome_has_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    async with serving_here(tmp_path, TOML) as url:
        exit_code = await asyncio.to_thread(main, [*arguments, "--url", url])

    captured = capsys.readouterr()
    assert exit_code == code
    assert message in captured.out + captured.err


async def test_a_conflict_names_the_active_run_which_can_then_be_cancelled(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with serving_here(tmp_path, TOML) as url:
        async with solorun("start", "long", "--follow", "--url", url, cwd=tmp_path) as following:
            await following.until_stdout_shows("waiting")
            conflict = await asyncio.to_thread(main, ["start", "long", "--url", url])
            conflict_message = capsys.readouterr().err
            cancelled = await asyncio.to_thread(main, ["cancel", "long", "--reason", "enough", "--url", url])
            followed = await following.finish()
        again = await asyncio.to_thread(main, ["start", "long", "--url", url])

    assert (conflict, cancelled, followed.code, again) == (3, 0, 130, 0)
    assert "solorun follow 1" in conflict_message
    assert "Run 1 was cancelled" in capsys.readouterr().out
    assert "cancel requested by cli: enough" in followed.out


async def test_ctrl_c_while_following_leaves_the_run_alone(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        env = {"SOLORUN_URL": url}
        async with solorun("start", "long", "--follow", env=env, cwd=tmp_path) as following:
            await following.until_stdout_shows("waiting")
            following.interrupt()
            finished = await following.finish()
        run = await client.get_run(1)

    assert finished.code == 7
    assert (
        finished.err
        == f"{url}/p/long/runs/1\nStopped following. Run 1 continues.\n  solorun follow 1\n  solorun cancel 1\n"
    )
    assert run.status is Status.RUNNING
    assert run.cancel_requested_at is None


async def test_ctrl_c_while_waiting_leaves_the_run_alone(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        run = await client.start_run("ignore")
        await _wait_until_it_ignores_sigterm(client, run.id)
        async with (
            solorun("wait", "ignore", "--url", url, cwd=tmp_path) as waiting,
            solorun("wait", "ignore", "--url", url, cwd=tmp_path) as interrupted,
        ):
            await waiting.until_stderr_shows("Waiting for run 1…")
            await interrupted.until_stderr_shows("Waiting for run 1…")
            interrupted.interrupt()
            stopped = await interrupted.finish()
            (tmp_path / "release").touch()
            finished = await waiting.finish()

    assert (stopped.code, stopped.out) == (7, "")
    assert stopped.err == "Waiting for run 1…\nStopped waiting. Run 1 continues.\n  solorun wait 1\n"
    assert finished.code == 0
    assert re.fullmatch(r"Run 1 completed after \S+ s\n", finished.out)


async def test_ctrl_c_during_a_start_says_that_the_outcome_is_unknown(tmp_path: Path) -> None:
    async with (
        scripted_service([events(hang=True)]) as service,
        solorun("start", "long", "--url", service.url, cwd=tmp_path) as starting,
    ):
        await asyncio.wait_for(service.asked.wait(), 60)
        starting.interrupt()
        finished = await starting.finish()

    assert finished.code == 7
    assert finished.err == "The run may or may not have been started. Check with:\n  solorun runs long\n"


async def test_following_across_a_restart_shows_every_line_once(tmp_path: Path) -> None:
    async with serving(tmp_path, TOML) as service, RunClient(service.url) as client:
        async with solorun("start", "tick", "--follow", "--json", "--url", service.url, cwd=tmp_path) as following:
            await following.until_stdout_shows("tick 50")
            await service.end(signal.SIGKILL)
            await service.begin()
            finished = await following.finish()
        run = await client.get_run(1)

    documents = [json.loads(line) for line in finished.out.splitlines()]
    assert finished.code == 4
    assert finished.err.count("Reconnecting…") == 1
    assert [document["seq"] for document in documents[1:-1]] == list(range(1, run.last_seq + 1))
    assert documents[-1]["run"]["status"] == "interrupted"


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


async def test_ctrl_c_during_a_cancel_says_that_the_run_is_still_active(tmp_path: Path) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        run = await client.start_run("ignore")
        await _wait_until_it_ignores_sigterm(client, run.id)
        async with solorun("cancel", "ignore", "--url", url, cwd=tmp_path) as command:
            await command.until_stderr_shows("Cancelling run 1")
            command.interrupt()
            finished = await command.finish()
        (tmp_path / "release").touch()
        ended = await client.wait_for_run(run.id)

    assert finished.code == 7
    assert finished.err == ("Cancelling run 1…\nStopped waiting. Run 1 is still being cancelled.\n  solorun follow 1\n")
    assert ended.status is Status.CANCELLED


async def _wait_until_it_ignores_sigterm(client: RunClient, run_id: int) -> None:
    async for record in client.follow(run_id):
        if record.message == "ignoring":
            return


async def test_a_log_can_be_filtered_and_read_from_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with serving_here(tmp_path, TOML) as url, RunClient(url) as client:
        await client.wait_for_run((await client.start_run("flood")).id)
        await asyncio.to_thread(main, ["log", "flood", "--json", "--url", url])
        whole = capsys.readouterr().out.splitlines()
        await asyncio.to_thread(main, ["log", "flood", "--json", "-n", "2500", "--url", url])
        tail = capsys.readouterr().out.splitlines()
        await asyncio.to_thread(main, ["log", "flood", "--search", "4999", "--url", url])
        found = capsys.readouterr().out.splitlines()

    assert [json.loads(line)["message"] for line in whole][1:-1] == [str(number) for number in range(1, 50_001)]
    assert tail == whole[-2500:]
    assert [line.split()[-1] for line in found] == [
        *("4999", "14999", "24999", "34999", "44999"),
        *(str(number) for number in range(49990, 50000)),
    ]


async def test_a_token_gives_access_to_a_protected_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "token").write_text("correct-horse-battery-staple\n")
    (tmp_path / "token").chmod(0o600)

    async with serving(tmp_path, f'[service]\ntoken_file = "token"\n{TOML}') as service:
        refused = await asyncio.to_thread(main, ["runs", "--url", service.url])
        monkeypatch.setenv("SOLORUN_TOKEN", "x" * 32)
        wrong = await asyncio.to_thread(main, ["runs", "--url", service.url])
        token_file = str(tmp_path / "token")
        admitted = await asyncio.to_thread(main, ["runs", "--url", service.url, "--token-file", token_file])

    err = capsys.readouterr().err
    assert (refused, wrong, admitted) == (2, 2, 0)
    assert "SOLORUN_TOKEN" in err
    assert "x" * 32 not in err


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
