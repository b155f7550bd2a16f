"""The dashboard's stream sends a followed run's states in order, even if they arrive out of order."""

import asyncio

from msgspec.structs import replace

from solorun.api.streams import DashboardStream
from solorun.auth.permissions import Permissions
from solorun.http.event_stream import EventStream
from solorun.status import Status
from solorun.wire.encoding import encode
from tests.fakes.application import OpenServed


class KeptSink(EventStream):
    """Accepts all events immediately."""

    def __init__(self) -> None:
        self.events: list[bytes] = []

    async def emit(self, events: bytes) -> None:
        self.events.append(events)

    async def offer(self, events: bytes) -> int:
        self.events.append(events)
        return len(events)

    def offer_nowait(self, events: bytes) -> bool:
        self.events.append(events)
        return True


async def test_an_older_state_never_follows_the_terminal_one(open_served: OpenServed) -> None:
    sink = KeptSink()

    async with open_served() as served:
        run = await served.complete()
        stream = DashboardStream(served.service, {run.id: run.last_seq}, Permissions(None, {}))

        await stream.follow(run.id, run.last_seq, sink)
        await stream.publish([replace(run, status=Status.RUNNING), run], sink)

    assert sink.events == [b"event: run\ndata: %b\n\n" % encode(run)]


async def test_the_stream_has_only_the_runs_that_its_reader_may_view(open_served: OpenServed) -> None:
    sink = KeptSink()
    permissions = Permissions(lambda request, right, project: project == "handbook", {"type": "http"})

    async with open_served() as served:
        await served.begin("deploy")
        streaming = asyncio.create_task(DashboardStream(served.service, {}, permissions).run(sink))
        await served.until(lambda: len(sink.events) > 0)
        await served.complete("glossary-moon", "extract")
        run_id, step = await served.begin("handbook", "extract")
        step.end(error_message="not found")
        await served.end_of(run_id)
        await served.until(lambda: b'"status":"failed"' in sink.events[-1])
        streaming.cancel()

    assert sink.events[0] == b'event: runs\ndata: {"runs":[]}\n\n'
    assert [event for event in sink.events if b"glossary" in event or b"deploy" in event] == []
