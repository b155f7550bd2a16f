"""`start`, `follow`, `cancel` and `log` against a real service."""

import asyncio
import json
import re
import signal
from pathlib import Path

import pytest

from solorun.cli import main
from solorun.client import RunClient
from solorun.status import Status
from tests.fakes.project_toml import project_toml
from tests.fakes.scripted_service import events, scripted_service
from tests.fakes.solorun_process import serving, serving_here, solorun

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
