"""Logs through the whole service: arbitrary bytes, huge output, streams cut anywhere, stalled readers."""

import asyncio
import contextlib
import json
import random
from itertools import pairwise
from pathlib import Path

import pytest

from tests.fakes.cutting_proxy import cutting_proxy
from tests.faults.conftest import MakeTrials
from tests.faults.raw_stream import complete_events, has_received, open_stream, read_to_end, status_of
from tests.faults.service_trial import IN_BOTH_FORMS, Form, ServiceTrial, service_trial
from tests.faults.trial import until

HOSTILE = [
    b"", b"\r", b"\r\n", b"\n\n", b"\x00", b"\xff\xfe", b"\xc3", b"\xe2\x80\xa8", b"\rid: 9\n", b"\n\ndata: x\n\n",
    b"\x1b]8;;http://x\x07y", b"::warning", b"::", b"\xf0\x9f\x98\x80", b"a" * 17_000, b"\xe2\x82" * 9_000, b"data: ",
]  # fmt: skip


@pytest.mark.needs(minutes=0.7)
@IN_BOTH_FORMS
async def test_any_bytes_are_logged_unchanged(trials: MakeTrials, tmp_path: Path, form: Form) -> None:
    tried = trials("P13", "chunks of arbitrary bytes through a command's stdout", short=2, goal=20_000)
    async with service_trial(tmp_path / "trial", {"bytes": 'cat "$WITNESS/../bytes"'}, form=form) as trial:
        for _ in tried:
            pieces = [random.choice(HOSTILE) + random.randbytes(random.randrange(8)) for _ in range(400)]
            # Two colons at the start of a line may be a workflow command. Those are tested elsewhere.
            content = b"".join(pieces).replace(b"::", b":.")
            (trial.directory / "bytes").write_bytes(content)
            run = await trial.run_to_end("bytes")
            actual = await _stdout_of(trial, run.id)
            assert actual == _normalised(content)
            tried.judge([], tried=len(pieces))
        tried.judge(await trial.audit(), tried=0)
    assert not tried.violations, tried.violations


@pytest.mark.needs(minutes=0.5)
@pytest.mark.parametrize("kind", ["a line", "lines"])
@IN_BOTH_FORMS
async def test_huge_output_is_kept_complete_in_little_memory(
    trials: MakeTrials, tmp_path: Path, kind: str, form: Form
) -> None:
    tried = trials("P13", "a line of 100 MB" if kind == "a line" else "a million lines", short=1, goal=1)
    scale = 10 if tried.is_long else 1
    scripts = {"a line": f"head -c {scale * 10_000_000} /dev/zero | tr '\\0' x", "lines": f"seq {scale * 100_000}"}
    async with service_trial(tmp_path / "trial", {"huge": scripts[kind]}, form=form) as trial:
        for _ in tried:
            run_id = await trial.start("huge")
            assert run_id is not None
            before = peak = _resident_bytes(trial.service.pid)
            async with asyncio.timeout(200):
                while (await trial.client.get(f"{trial.service.api}/runs/{run_id}")).json()["status"] != "completed":
                    peak = max(peak, _resident_bytes(trial.service.pid))
                    assert (await trial.client.get(f"{trial.service.url}/livez")).status_code == 200
                    await asyncio.sleep(0.1)
            received = 0
            async with trial.client.stream("GET", f"{trial.service.api}/runs/{run_id}/log.txt") as answer:
                async for chunk in answer.aiter_raw():
                    received += len(chunk)

            assert received >= scale * (10_000_000 if kind == "a line" else 588_895)
            assert peak < before + 50 * 2**20
            tried.notes = f"the service grew by {(peak - before) // 2**20} MiB"
            tried.judge([])


@pytest.mark.needs(minutes=1)
@IN_BOTH_FORMS
async def test_a_stream_cut_at_any_byte_is_resumed_exactly(trials: MakeTrials, tmp_path: Path, form: Form) -> None:
    tried = trials(
        "P14", "streams cut by a proxy after a number of bytes, resumed by Last-Event-ID", short=1, goal=10_000
    )
    projects = {"talk": "seq 1 40; printf 'caf\\303\\251\\r\\n\\n'"}
    async with service_trial(tmp_path / "trial", projects, form=form) as trial:
        run = await trial.run_to_end("talk")
        path = f"/api/v1/runs/{run.id}/events"
        answer = await read_to_end(await open_stream(trial.service.port, path))
        whole = complete_events(answer)
        async with cutting_proxy(trial.service.port) as proxy:
            for number in tried:
                for offset in range(1 + number % 53, len(answer), 1 if tried.is_long else 53):
                    proxy.cut_after = offset
                    actual = await _read_with_reconnects(proxy.port, path)
                    tried.judge([] if actual == whole else [f"a cut at {offset}: {len(actual)} of {len(whole)} events"])
        assert [first[0] + 1 for first, _ in pairwise(whole[:-1])] == [second[0] for _, second in pairwise(whole[:-1])]


@pytest.mark.needs(minutes=0.4)
async def test_a_garbled_last_event_id_never_causes_a_server_error(trials: MakeTrials, tmp_path: Path) -> None:
    tried = trials("P14", "garbage as Last-Event-ID", short=1, goal=10_000)
    async with service_trial(tmp_path / "trial", {"talk": "echo done"}) as trial:
        run = await trial.run_to_end("talk")
        for _ in tried:
            for _ in range(60):
                garbage = bytes(
                    random.choice(b"0123456789-+eE. \t_\x80\xff\xc3aZ\"'") for _ in range(random.randrange(1, 30))
                )
                path = f"/api/v1/runs/{run.id}/events"
                answer = await read_to_end(await open_stream(trial.service.port, path, last_event_id=garbage))
                status = status_of(answer)
                tried.judge([] if status in {200, 400} else [f"{garbage!r} was answered {status}"])


@pytest.mark.needs(minutes=1.2)
@IN_BOTH_FORMS
async def test_a_reader_receives_each_record_beside_stalled_and_reconnecting_ones(
    trials: MakeTrials, tmp_path: Path, form: Form
) -> None:
    tried = trials("P15", "500 stalled readers, 100 that reconnect every 200 ms, and a fast one", short=1, goal=500)
    short = (200, 40, 200) if form == "serve" else (50, 10, 60)
    stalled_readers, reconnecting, records = (500, 100, 3_000) if tried.is_long else short
    scripts = {"flood": "exec seq 100000000", "beat": "while true; do echo beat; sleep 0.02; done"}
    async with service_trial(tmp_path / "trial", scripts, form=form) as trial:
        flood = await trial.start("flood")
        beat = await trial.start("beat")
        assert beat is not None
        port = trial.service.port
        before = _resident_bytes(trial.service.pid)
        stalled = [
            await open_stream(port, f"/api/v1/runs/{flood}/events", receive_buffer=4096) for _ in range(stalled_readers)
        ]
        for sock in stalled:
            await until(lambda: has_received(sock))  # noqa: B023
        over = asyncio.Event()
        reconnects = asyncio.create_task(_reconnect(port, f"/api/v1/runs/{beat}/events", reconnecting, over))
        received = await _read_next(trial, beat, records)
        over.set()
        await reconnects
        growth = _resident_bytes(trial.service.pid) - before
        for sock in stalled:
            sock.close()
        tried.notes = f"fast reader: {len(received):,} records; memory + {growth / 2**20:.0f} MiB"
        tried.judge([], tried=stalled_readers)
        assert received == list(range(received[0], received[0] + len(received)))
        assert growth < 100 * 2**20


async def _stdout_of(trial: ServiceTrial, run_id: int) -> str:
    """The run's stdout, joined from its records."""
    text, after, more = "", 0, True
    while more:
        page = (await trial.client.get(f"{trial.service.api}/runs/{run_id}/log?after={after}&limit=1000")).json()
        for record in page["records"]:
            after = record["seq"]
            if record["stream"] == "stdout":
                text += record["message"] + ("" if record.get("partial") else "\n")
        more = page["more_after"]
    return text


def _normalised(content: bytes) -> str:
    """As documented: CR LF becomes LF, invalid UTF-8 becomes U+FFFD, and the last line is terminated."""
    text = content.decode("utf-8", "replace").replace("\r\n", "\n")
    return text if text.endswith("\n") or not text else text + "\n"


async def _read_with_reconnects(port: int, path: str) -> list[tuple[int, bytes, bytes]]:
    """Reconnects with the last id until the end event, as an EventSource does."""
    events: list[tuple[int, bytes, bytes]] = []
    async with asyncio.timeout(120):
        while not events or events[-1][1] != b"end":
            last = b"%d" % events[-1][0] if events else b""
            events += complete_events(await read_to_end(await open_stream(port, path, last_event_id=last)))
    return events


async def _read_next(trial: ServiceTrial, run_id: int, count: int) -> list[int]:
    """The seqs of the next records of a run, as a fast reader receives them."""
    last_seq = (await trial.client.get(f"{trial.service.api}/runs/{run_id}")).json()["last_seq"]
    reader = trial.follow(run_id, after=last_seq)
    await asyncio.sleep(0)
    reading = trial.history.readings[-1]
    async with asyncio.timeout(240):
        while len(reading.lines) < count:
            await asyncio.sleep(0.005)
    reader.cancel()
    return [json.loads(line)["seq"] for line in reading.lines]


async def _reconnect(port: int, path: str, readers: int, over: asyncio.Event) -> None:
    """Readers that reconnect repeatedly with the last id they saw, as an EventSource does."""
    last = [b""] * readers
    while not over.is_set():
        sockets = [await open_stream(port, path, last_event_id=seen) for seen in last]
        await asyncio.sleep(0.2)
        for number, sock in enumerate(sockets):
            with sock, contextlib.suppress(BlockingIOError):
                # Searched from the end: parsing everything here would delay the fast reader, which shares this loop.
                received = sock.recv(1 << 20)
                head = received.rfind(b"id: ", 0, received.rfind(b"\n\n") + 1)
                if head >= 0:
                    last[number] = received[head + 4 :].split(b"\n", 1)[0]


def _resident_bytes(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * 4096
