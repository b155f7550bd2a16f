"""The promises as a user meets them: a real service process, real commands, real sockets, real kills."""

import asyncio
import contextlib
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from solorun import RunClient
from tests.fakes.patience import PATIENT_PROGRAM
from tests.fakes.process_table import is_alive
from tests.fakes.project_toml import Call, project_toml
from tests.fakes.raw_http import post
from tests.fakes.running_service import ServedService, served
from tests.process.service.clients import http, until_logged
from tests.process.steps.processes import eventually

SHARED = (
    project_toml("handbook", {"work": "echo begun; exec sleep 60"})
    + project_toml("glossary-*", {"work": ["sleep", "60"]})
    + project_toml(
        "unkillable",
        {
            "work": "trap '' TERM; echo begun; until [ -e $SOLORUN_PARAM_UNTIL ]; do "
            'echo at $SOLORUN_RUN_ID >> "$SOLORUN_PARAM_MARKS"; sleep 0.01; done'
        },
        cancel_grace="60s",
        params=["marks", "until"],
    )
    + project_toml("exiting", {"work": Call("exiting_steps:work")})
    + project_toml("other", {"work": "echo begun; exec sleep 60"})
    + project_toml(
        "leaving",
        {
            "work": "(trap '' TERM; sh -c 'echo $PPID' > $SOLORUN_PARAM_PID; while true; do echo; sleep 0.01; done) & "
            "until [ -s $SOLORUN_PARAM_PID ]; do sleep 0.01; done; echo command $$; exit 0"
        },
        params=["pid"],
    )
)

EXITING = """
import asyncio, sys

async def leave():
    sys.exit(3)

async def work(step):
    async with asyncio.TaskGroup() as group:
        group.create_task(leave())
"""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    """One service for those who leave it running; each has its own projects in it."""
    directory = tmp_path_factory.mktemp("shared")
    (directory / "exiting_steps.py").write_text(EXITING)
    with served(directory, SHARED, program=PATIENT_PROGRAM) as service:
        yield service


async def test_a_thousand_simultaneous_posts_give_one_run_and_999_conflicts_that_name_it(shared: ServedService) -> None:
    starts = [post(shared.port, "/api/v1/projects/handbook/runs") for _ in range(1000)]

    answers = await asyncio.gather(*starts)

    assert Counter(status for status, _ in answers) == {201: 1, 409: 999}
    (winner,) = (answer["id"] for status, answer in answers if status == 201)
    named = {answer["active_run"]["id"] for status, answer in answers if status == 409}
    assert named == {winner}
    with contextlib.closing(sqlite3.connect(shared.data_dir / "solorun.db")) as database:
        rows = database.execute("SELECT id FROM runs WHERE project = 'handbook'").fetchall()
    assert rows == [(winner,)]


async def test_fifty_projects_have_fifty_winners(shared: ServedService) -> None:
    names = [f"glossary-{number}" for number in range(50)]
    starts = [post(shared.port, f"/api/v1/projects/{name}/runs") for _ in range(20) for name in names]

    answers = await asyncio.gather(*starts)

    winners = [answer["project"] for status, answer in answers if status == 201]
    assert sorted(winners) == sorted(names)
    assert Counter(status for status, _ in answers) == {201: 50, 409: 950}


async def test_after_a_kill_the_run_is_interrupted_and_every_record_a_follower_received_is_kept(tmp_path: Path) -> None:
    counting = project_toml("handbook", {"count": "i=0; while true; do i=$((i+1)); echo $i; sleep 0.002; done"})
    with served(tmp_path, counting) as service:
        async with RunClient(service.url) as client:
            run = await client.start_run("handbook")
            seen = []
            async for record in client.follow(run.id):
                seen.append(record)
                if len(seen) == 200:
                    break
            service.kill()

        service.start()

        async with RunClient(service.url) as client:
            settled = await client.get_run(run.id)
            stored = [record async for record in client.follow(run.id)]
            following = await client.start_run("handbook")
        assert settled.status == "interrupted"
        assert settled.finished_at is not None
        assert stored[: len(seen)] == seen
        assert [record.seq for record in stored] == list(range(1, settled.last_seq + 1))
        assert following.id > run.id


async def test_a_killed_service_leaves_no_process_behind(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    leaf = f"trap '' TERM; echo \\$\\$ > {noted}; sleep 600; sleep 600"
    working = project_toml("handbook", {"work": f'setsid sh -c "{leaf}" & wait'})
    with served(tmp_path, working) as service:
        async with RunClient(service.url) as client:
            await client.start_run("handbook")
        await eventually(lambda: noted.exists() and noted.read_text())
        pid = int(noted.read_text())

        service.kill()

        await eventually(lambda: not is_alive(pid))


async def test_no_second_run_overlaps_with_a_first_that_ignores_its_cancel(
    shared: ServedService, tmp_path: Path
) -> None:
    marks = tmp_path / "marks"
    let_go = [tmp_path / "first", tmp_path / "second"]
    params = [{"marks": str(marks), "until": str(until)} for until in let_go]
    async with http(shared) as raw, RunClient(shared.url) as client:
        first = await client.start_run("unkillable", params=params[0])
        await until_logged(client, first.id, "begun")
        await client.cancel_run(first.id)
        refused = await raw.post("/projects/unkillable/runs")
        let_go[0].touch()
        cancelled = await client.wait_for_run(first.id)
        second = await client.start_run("unkillable", params=params[1])
        await until_logged(client, second.id, "begun")
        await client.cancel_run(second.id)
        let_go[1].touch()
        await client.wait_for_run(second.id)

    working = [int(line.split()[1]) for line in marks.read_text().splitlines()]
    assert refused.status_code == 409
    assert cancelled.status == "cancelled"
    assert set(working) == {first.id, second.id}
    assert working == sorted(working)


async def test_a_task_of_a_coroutine_that_exits_fails_its_run_and_not_the_service(shared: ServedService) -> None:
    async with RunClient(shared.url) as client:
        other = await client.start_run("other")
        await until_logged(client, other.id, "begun")
        run = await client.start_run("exiting")

        failed = await client.wait_for_run(run.id)

        assert failed.status == "failed"
        assert (await client.get_run(other.id)).status == "running"


@pytest.mark.parametrize("delay_seconds", [0.05, 0.3])
async def test_a_cancel_after_the_command_exited_waits_for_the_processes_it_left(
    shared: ServedService, tmp_path: Path, delay_seconds: float
) -> None:
    noted = tmp_path / "pid"
    async with http(shared) as raw, RunClient(shared.url) as client:
        run = await client.start_run("leaving", params={"pid": str(noted)})
        command = await until_logged(client, run.id, "command ")
        await eventually(lambda: not is_alive(command.removeprefix("command ")))
        await asyncio.sleep(delay_seconds)
        await raw.post(f"/runs/{run.id}/cancel")

        ended = await client.wait_for_run(run.id)

        assert not is_alive(int(noted.read_text()))
        assert ended.status == "completed"
