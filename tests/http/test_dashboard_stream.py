"""What the dashboard's stream tells of a followed run, whatever the order in which it is heard."""

from msgspec.structs import replace

from solorun.api.streams import DashboardStream
from solorun.status import Status
from solorun.wire import encode
from tests.fakes.application import OpenServed


class KeptSink:
    """Takes everything at once."""

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


async def test_an_older_state_that_is_heard_late_does_not_follow_the_end(open_served: OpenServed) -> None:
    sink = KeptSink()

    async with open_served() as served:
        run = await served.complete()
        stream = DashboardStream(served.service, {run.id: run.last_seq})

        await stream.follow(run.id, run.last_seq, sink)
        await stream.publish([replace(run, status=Status.RUNNING), run], sink)

    assert sink.events == [b"event: run\ndata: %b\n\n" % encode(run)]
