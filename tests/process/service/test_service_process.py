"""The process of a service: its clean exit, its file limit, and its claim on its data."""

import asyncio
import resource
import signal
from pathlib import Path

import httpx
import pytest
from httpx_sse import aconnect_sse

from solorun import RunClient
from tests.fakes.project_toml import Call, project_toml
from tests.fakes.running_service import ServedService, served
from tests.process.service.clients import http, until_logged

SLEEPER = project_toml("handbook", {"work": "echo begun; exec sleep 600"})

WITH_FEW_FILES = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 1000))
from solorun.cli import main
sys.exit(main())
"""

WITH_TIME_TO_CLOSE = """
import sys
from solorun.cli import main
from solorun.server import server
server.CLOSING_SECONDS = 60
sys.exit(main())
"""
"""A service that keeps the last minute of its shutdown limit, not only the last second, for what follows the runs."""


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
    unkillable = '[service]\nshutdown_limit = "62s"\n' + project_toml(
        "handbook", {"work": Call("stubborn_steps:work")}, cancel_grace="200ms"
    )
    with served(tmp_path, unkillable, program=("-c", WITH_TIME_TO_CLOSE)) as service:
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


async def _events_of(client: httpx.AsyncClient, run_id: int, opened: asyncio.Event) -> list[str]:
    """The kinds of all events; `opened` is set with the first."""
    kinds = []
    async with aconnect_sse(client, "GET", f"/runs/{run_id}/events") as source:
        async for event in source.aiter_sse():
            kinds.append(event.event)
            opened.set()
    return kinds
