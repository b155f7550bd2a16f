"""The promises as a user meets them: a real service process, real commands, real sockets, real kills."""

import asyncio
import contextlib
import resource
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from httpx_sse import aconnect_sse

from solorun import Run, RunClient
from solorun.wire import decode_run
from tests.fakes.process_table import is_alive
from tests.fakes.project_toml import Call, project_toml
from tests.fakes.raw_http import post
from tests.fakes.running_service import ServedService, served

LIMIT_SECONDS = 60
"""For what has to come about: a slow machine takes its time."""
SLEEPER = project_toml("handbook", {"work": "echo begun; exec sleep 600"})

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
    + project_toml("flood", {"flood": ["seq", "1", "100000"]})
    + project_toml("quick", {"work": ["sleep", "0.05"]})
    + project_toml("exiting", {"work": Call("exiting_steps:work")})
    + project_toml("other", {"work": "echo begun; exec sleep 60"})
    + project_toml(
        "leaving",
        {
            "work": "(trap '' TERM; sh -c 'echo $PPID' > $SOLORUN_PARAM_PID; while true; do echo; sleep 0.01; done) & "
            "until [ -s $SOLORUN_PARAM_PID ]; do sleep 0.01; done; echo begun; exit 0"
        },
        params=["pid"],
    )
)

WITH_FEW_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 1000))
from solorun.cli import main
sys.exit(main())
"""

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
    with served(directory, SHARED) as service:
        yield service


def http(service: ServedService) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=service.api, timeout=30, trust_env=False, verify=False)


async def until_logged(client: RunClient, run_id: int, message: str) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        async for record in client.follow(run_id):
            if record.message == message:
                return


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
        await _until(lambda: noted.exists() and noted.read_text())
        pid = int(noted.read_text())

        service.kill()

        await _until(lambda: not is_alive(pid))


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


async def test_a_hundred_thousand_lines_reach_every_kind_of_follower_complete(shared: ServedService) -> None:
    async with RunClient(shared.url) as client, http(shared) as raw:
        run = await client.start_run("flood")

        early, slow, reconnecting, unbatched = await asyncio.gather(
            _follow(client, run.id),
            _follow(client, run.id, pause_every=10_000),
            _follow_by_pieces(client, run.id, 7_001),
            _follow_with_httpx_sse(raw, run.id),
        )
        late = await _follow(client, run.id)

    assert early == slow == reconnecting == unbatched == late
    # Of a machine that stands still in the middle of a line, the line comes in two records.
    assert "".join(early) == "".join(map(str, range(1, 100_001)))


async def test_every_stream_end_equals_the_row(shared: ServedService) -> None:
    async with http(shared) as raw, RunClient(shared.url) as client:
        for delay_seconds in [number / 1000 for number in range(0, 100, 4)]:
            run = await client.start_run("quick")
            await asyncio.sleep(delay_seconds)
            cancel = await raw.post(f"/runs/{run.id}/cancel")

            ended = await _end_of(raw, run.id)

            assert cancel.status_code in {202, 409}
            assert ended == decode_run((await raw.get(f"/runs/{run.id}")).content)
            assert ended.status in {"cancelled", "completed"}


async def test_on_sigterm_runs_are_interrupted_streams_end_with_shutdown_and_the_exit_is_clean(tmp_path: Path) -> None:
    with served(tmp_path, SLEEPER) as service:
        async with http(service) as raw, RunClient(service.url) as client:
            run = await client.start_run("handbook")
            await until_logged(client, run.id, "begun")
            opened = asyncio.Event()
            stream = asyncio.create_task(_events_of(raw, run.id, opened))
            await opened.wait()

            service.signal(signal.SIGTERM)
            events = await stream
            code = await asyncio.to_thread(service.wait)

        assert code == 0
        assert events[-1] in {"shutdown", "end"}
        service.start()
        async with RunClient(service.url) as client:
            assert (await client.get_run(run.id)).status == "interrupted"


async def test_a_coroutine_that_swallows_every_cancellation_does_not_delay_the_exit(tmp_path: Path) -> None:
    (tmp_path / "stubborn_steps.py").write_text(
        "import asyncio\n"
        "async def work(step):\n"
        "    await step.log('begun')\n"
        "    while True:\n"
        "        try:\n"
        "            await asyncio.sleep(60)\n"
        "        except asyncio.CancelledError:\n"
        "            await step.log('no')\n"
    )
    unkillable = '[service]\nshutdown_limit = "3s"\n' + project_toml(
        "handbook", {"work": Call("stubborn_steps:work")}, cancel_grace="200ms"
    )
    with served(tmp_path, unkillable) as service:
        async with RunClient(service.url) as client:
            run = await client.start_run("handbook")
            await until_logged(client, run.id, "begun")

        service.signal(signal.SIGTERM)
        code = await asyncio.to_thread(service.wait)

        service.start()
        async with RunClient(service.url) as client:
            settled = await client.get_run(run.id)
        assert code == 0
        assert settled.status == "interrupted"


async def test_a_thread_that_a_coroutine_left_running_does_not_delay_the_exit(tmp_path: Path) -> None:
    (tmp_path / "threaded_steps.py").write_text(
        "import asyncio, time\n"
        "async def work(step):\n"
        "    await step.log('begun')\n"
        "    await asyncio.to_thread(time.sleep, 600)\n"
    )
    threaded = project_toml("handbook", {"work": Call("threaded_steps:work")}, cancel_grace="200ms")
    with served(tmp_path, threaded) as service:
        async with RunClient(service.url) as client:
            run = await client.start_run("handbook")
            await until_logged(client, run.id, "begun")

        service.signal(signal.SIGTERM)
        code = await asyncio.to_thread(service.wait)

        assert code == 0
        assert "without waiting for threads that steps left running" in service.log_file.read_text()
        service.start()
        async with RunClient(service.url) as client:
            assert (await client.get_run(run.id)).status == "interrupted"


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
        await until_logged(client, run.id, "begun")
        await asyncio.sleep(delay_seconds)
        await raw.post(f"/runs/{run.id}/cancel")

        ended = await client.wait_for_run(run.id)

        assert not is_alive(int(noted.read_text()))
        assert ended.status == "completed"


async def test_the_service_raises_its_file_limit_and_commands_keep_the_original_one(tmp_path: Path) -> None:
    asking = project_toml("handbook", {"ask": "ulimit -Sn; ulimit -Hn"})
    with served(tmp_path, asking, program=("-c", WITH_FEW_FILES)) as service:
        async with RunClient(service.url) as client:
            run = await client.start_run("handbook")
            said = [record.message async for record in client.follow(run.id) if record.stream == "stdout"]

        limits = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
        assert limits == (1000, 1000)
        assert said == ["100", "1000"]


async def test_a_second_service_on_the_same_data_is_refused_by_name(tmp_path: Path) -> None:
    with served(tmp_path, SLEEPER) as service:
        second = ServedService(tmp_path, SLEEPER, {})
        with pytest.raises(AssertionError, match=f"pid {service.pid}"):
            second.start()

        assert second.wait() == 2


async def _follow(client: RunClient, run_id: int, pause_every: int = 10**9) -> list[str]:
    messages = []
    async for record in client.follow(run_id):
        if record.stream == "stdout":
            messages.append(record.message)
            if len(messages) % pause_every == 0:
                await asyncio.sleep(0.05)
    return messages


async def _follow_by_pieces(client: RunClient, run_id: int, size: int) -> list[str]:
    messages: list[str] = []
    after = 0
    ended = False
    while not ended:
        ended = True
        async for record in client.follow(run_id, after=after):
            after = record.seq
            messages += [record.message] if record.stream == "stdout" else []
            if after % size == 0:
                ended = False
                break
    return messages


async def _follow_with_httpx_sse(client: httpx.AsyncClient, run_id: int) -> list[str]:
    messages: list[str] = []
    async with aconnect_sse(client, "GET", f"/runs/{run_id}/events") as source:
        async for event in source.aiter_sse():
            if event.event == "end":
                return messages
            record = event.json()
            messages += [record["message"]] if record["stream"] == "stdout" else []
    raise AssertionError("the stream ended without its end")


async def _end_of(client: httpx.AsyncClient, run_id: int) -> Run:
    async with aconnect_sse(client, "GET", f"/runs/{run_id}/events") as source:
        async for event in source.aiter_sse():
            if event.event == "end":
                return decode_run(event.data)
    raise AssertionError("the stream ended without its end")


async def _events_of(client: httpx.AsyncClient, run_id: int, opened: asyncio.Event) -> list[str]:
    """The kinds of all events; `opened` is set with the first."""
    kinds = []
    async with aconnect_sse(client, "GET", f"/runs/{run_id}/events") as source:
        async for event in source.aiter_sse():
            kinds.append(event.event)
            opened.set()
    return kinds


async def _until(predicate) -> None:  # type: ignore[no-untyped-def]
    async with asyncio.timeout(LIMIT_SECONDS):
        while not predicate():
            await asyncio.sleep(0.02)
