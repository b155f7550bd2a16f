"""The client while its service is stopped, killed and restarted, or an answer is lost."""

import asyncio
import signal
from pathlib import Path

import httpx
import pytest

from solorun.client import LogStream, RunClient
from solorun.errors import ServiceUnreachable, SolorunError
from solorun.record import Event, Record
from solorun.status import Status
from tests.fakes.cutting_proxy import cutting_proxy
from tests.fakes.patience import PATIENCE_SECONDS
from tests.fakes.project_toml import project_toml
from tests.fakes.solorun_process import serving, serving_here

TOML = (
    project_toml("count", {"count": "seq 1 $SOLORUN_PARAM_TO"}, params=["to"])
    + project_toml("wait", {"wait": "echo waiting; sleep 60"}, cancel_grace="2s")
    + project_toml("endless", {"tick": "n=0; while true; do n=$((n+1)); echo tick $n; sleep 0.01; done"})
)


@pytest.mark.parametrize(
    "number", [pytest.param(signal.SIGTERM, id="stopped"), pytest.param(signal.SIGKILL, id="killed")]
)
async def test_stream_survives_a_restart_of_the_service(tmp_path: Path, number: signal.Signals) -> None:
    async with serving(tmp_path, TOML) as service, RunClient(service.url) as client:
        run = await client.start_run("endless")
        stream = client.follow(run.id)
        half = asyncio.Event()
        reading = asyncio.create_task(_read(stream, half))
        await half.wait()
        await service.end(number)
        await service.begin()
        seen = await asyncio.wait_for(reading, 60)
        stored = [record async for batch in client.stream_log(run.id) for record in batch]

    assert stream.run is not None
    assert stream.run.status is Status.INTERRUPTED
    assert [record.seq for record in seen] == list(range(1, stream.run.last_seq + 1))
    assert seen == stored


async def _read(stream: LogStream, half: asyncio.Event) -> list[Record]:
    seen = []
    async for record in stream:
        seen.append(record)
        if record.message == "tick 50":
            half.set()
    return seen


async def test_waiting_survives_a_restart_of_the_service(tmp_path: Path) -> None:
    async with serving(tmp_path, TOML) as service, RunClient(service.url) as client:
        run = await client.start_run("wait")
        waiting = asyncio.create_task(client.wait_for_run(run.id))
        await _open_stream(service.url)
        await service.end(signal.SIGTERM)
        await service.begin()
        ended = await asyncio.wait_for(waiting, 60)

    assert ended.status is Status.INTERRUPTED


async def _open_stream(url: str) -> None:
    """Wait until a stream is open. Without one, a client reports immediately that the service is down."""
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE_SECONDS) as client, asyncio.timeout(60):
        while "solorun_open_streams 1.0" not in (await client.get(f"{url}/metrics")).text:
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    "bytes_of_the_answer", [pytest.param(1, id="at its first byte"), pytest.param(400, id="in its middle")]
)
async def test_a_start_whose_answer_is_cut_off_starts_one_run(tmp_path: Path, bytes_of_the_answer: int) -> None:
    async with serving_here(tmp_path, TOML) as url, cutting_proxy(httpx.URL(url).port or 0) as proxy:
        proxy.cut_after = bytes_of_the_answer
        async with RunClient(f"http://127.0.0.1:{proxy.port}") as client:
            causes: list[SolorunError] = []
            run = await client.start_run("count", params={"to": "3"}, on_retry=causes.append)
            runs = [found.id async for found in client.list_runs()]

    assert len(causes) == 1
    assert run.replayed
    assert runs == [run.id]


async def test_a_start_that_the_service_did_not_answer_before_it_was_killed_is_repeated(tmp_path: Path) -> None:
    async with serving(tmp_path, TOML) as service, cutting_proxy(httpx.URL(service.url).port or 0) as proxy:
        proxy.cut_after = 1
        async with RunClient(f"http://127.0.0.1:{proxy.port}") as client:
            lost = asyncio.Event()
            start = asyncio.create_task(client.start_run("wait", on_retry=lambda _: lost.set()))
            await lost.wait()
            await service.end(signal.SIGKILL)
            await service.begin()
            run = await asyncio.wait_for(start, 60)
            runs = [found.id async for found in client.list_runs()]

    assert runs == [run.id]


async def test_stream_gives_up_if_the_service_stays_down(tmp_path: Path) -> None:
    async with serving(tmp_path, TOML) as service, RunClient(service.url, reconnect_seconds=0.5) as client:
        run = await client.start_run("wait")
        stream = client.follow(run.id)
        records = aiter(stream)
        first = await anext(records)
        await service.end(signal.SIGTERM)
        with pytest.raises(ServiceUnreachable, match="the last record received was"):
            [record async for record in records]

    assert first.event is Event.STEP
