"""The dashboard's stream sends a followed run's states in order, even if they arrive out of order."""

from msgspec.structs import replace

from solorun.api.streams import DashboardStream
from solorun.http.event_stream import EventStream
from solorun.status import Status
from solorun.wire import encode
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
        stream = DashboardStream(served.service, {run.id: run.last_seq})

        await stream.follow(run.id, run.last_seq, sink)
        await stream.publish([replace(run, status=Status.RUNNING), run], sink)

    assert sink.events == [b"event: run\ndata: %b\n\n" % encode(run)]
