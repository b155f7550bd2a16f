"""The two event streams: one run's log as it grows, and for the dashboard all changes of runs with some logs."""

import asyncio
import re
from collections.abc import Callable
from contextlib import aclosing, suppress
from operator import attrgetter
from typing import Annotated, Final

import anyio
import msgspec
from msgspec import Meta

from solorun.api.path_parameters import RUN_PATH, parse_id, run_id_of
from solorun.api.rights import make_stream_check
from solorun.api.route import route
from solorun.api.state import State
from solorun.auth.permissions import Permissions
from solorun.errors import FieldError, InvalidLastEventId, InvalidRequest, RunNotFound, StoreUnavailable, TooManyStreams
from solorun.http.event_stream import EventStream
from solorun.http.operation import RequestHeader, ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import MAX_PIECE_BYTES
from solorun.logs import FeedOverflow
from solorun.right import Right
from solorun.run import MAX_RUN_ID, Run
from solorun.segment import Segment
from solorun.service import Service
from solorun.store import MAX_PAGE_RECORDS
from solorun.wire.encoding import encode

_EVENT_STREAM: Final = ResponseSpec(200, "Server-sent events", "text/event-stream")
_SEQ: Final = re.compile(r"[0-9]+", re.ASCII)
_FOLLOW: Final = re.compile(r"([0-9]{1,19}):([0-9]{1,19})", re.ASCII)
# Parsed by hand, since a malformed value has its own problem. As an alternative, this type replaces that of the text.
_SEQ_SCHEMA: Final = {"anyOf": [{"type": "integer", "minimum": 0}]}

_END: Final = b"id: %d\nevent: end\ndata: %b\nretry: 60000\n\n"
"""An EventSource reconnects when a stream ends. `retry` makes it wait a minute, but not after a connection that is lost
before the end."""

Form = Callable[[Segment], bytes]
_EVENTS: Final[Form] = attrgetter("sse")
_BATCH: Final[Form] = attrgetter("sse_batch")
_EVENTS_OF_RUN: Final[Form] = attrgetter("sse_of_run")


class EventsQuery(msgspec.Struct, forbid_unknown_fields=True):
    after: Annotated[
        str,
        Meta(
            description="Start after this seq. The Last-Event-ID header takes precedence.",
            extra_json_schema=_SEQ_SCHEMA,
        ),
    ] = ""
    tail: (
        Annotated[
            int,
            Meta(ge=0, le=MAX_RUN_ID, description="Start this many records before the end. `after` takes precedence."),
        ]
        | None
    ) = None
    batch: Annotated[bool, Meta(description="Send batches: `event: records` with a JSON array of records as data.")] = (
        False
    )


class FollowQuery(msgspec.Struct, forbid_unknown_fields=True):
    follow: Annotated[
        tuple[str, ...],
        Meta(description="`<run>:<after>`: also send this run's records after that seq; repeatable.", max_length=20),
    ] = ()


@route(
    f"GET {RUN_PATH}/events",
    summary="Follow a run's log from any point until the run ends",
    responses=(_EVENT_STREAM,),
    problems=(RunNotFound, InvalidLastEventId, TooManyStreams, StoreUnavailable),
    query=EventsQuery,
    headers=(
        RequestHeader(
            "Last-Event-ID",
            "Start after this seq. Takes precedence over the query parameters `after` and `tail`.",
            Annotated[int, Meta(ge=0)],
        ),
    ),
)
async def follow_run(state: State, request: Request) -> EventStream:
    """Streams one run's records from any point, live, and finally its end."""
    service, query = state.service, request.query
    run = await service.manager.get_run(run_id_of(request))
    after = _parse_seq(request.headers.get(b"last-event-id", b"").decode("latin-1"))
    if after is None:
        after = _parse_seq(query.after)
    if after is None:
        after = 0 if query.tail is None else service.tail.find_after(run, tail=query.tail)

    async def source(sink: EventStream) -> None:
        # Without an end, the client asks again, and learns that the run has been deleted.
        with suppress(RunNotFound):
            ended = await _send_log(service, run.id, after, sink, _BATCH if query.batch else _EVENTS)
            await sink.emit(_END % (ended.last_seq, encode(ended)))

    return EventStream(state.streams, source, is_still_authorized=await make_stream_check(state, request))


@route(
    "GET /api/v1/events",
    summary="Follow all active runs and their changes, with the logs of selected runs",
    responses=(_EVENT_STREAM,),
    problems=(RunNotFound, TooManyStreams, StoreUnavailable),
    query=FollowQuery,
)
async def follow_all_runs(state: State, request: Request) -> EventStream:
    """Streams all active runs, then every change of a run, and the records of the followed runs."""
    follows = _parse_follows(request.query.follow)
    permissions = state.permissions_of(request)
    for run_id in follows:
        run = await state.service.manager.get_run(run_id)
        await permissions.check(Right.VIEW, run.project)
    source = DashboardStream(state.service, follows, permissions).run
    return EventStream(state.streams, source, is_still_authorized=await make_stream_check(state, request))


async def _send_log(service: Service, run_id: int, after: int, sink: EventStream, form: Form) -> Run:
    """Send a run's records up to its end, and return the ended run. A stalled reader costs only its position."""
    page_records = MAX_PAGE_RECORDS
    while True:
        reached = await _send_while_accepted(service, run_id, after, page_records, sink, form)
        if isinstance(reached, Run):
            return reached
        # A slow reader accepts a piece at a time: do not read a whole page for each.
        after, page_records = reached, 1
        await sink.emit(b"")


async def _send_while_accepted(
    service: Service, run_id: int, after: int, page_records: int, sink: EventStream, form: Form
) -> int | Run:
    """Returns the ended run, or the last seq that was sent to a reader that does not keep up."""

    def parts_of(segment: Segment) -> tuple[Segment, ...]:
        return segment.parts if form is _BATCH else (segment,)

    def take(segment: Segment) -> bool:
        if len(segment.payload) > MAX_PIECE_BYTES:
            return False  # Encoded as events it is larger still.
        parts = parts_of(segment)
        return len(parts) == 1 and sink.offer_nowait(form(parts[0]))

    items = service.tail.follow(run_id, after=after, page_records=page_records, receiver=take)
    async with aclosing(items):
        async for item in items:
            if isinstance(item, Run):
                return item
            for part in parts_of(item):
                events = form(part)
                sent = await sink.offer(events)
                if sent == 0:
                    return part.first_seq - 1
                if sent < len(events):
                    return part.last_seq - events.count(b"\n\n", sent)
    raise AssertionError("a log is followed to its end")


class DashboardStream:
    """The dashboard's stream. A followed run's terminal state comes after its last record, as its last event."""

    def __init__(self, service: Service, follows: dict[int, int], permissions: Permissions) -> None:
        self._service = service
        self._permissions = permissions
        self._follows = follows
        self._ended: set[int] = set()
        # Choosing and sending a run's state must not be interleaved, or an older state could overtake a newer one.
        self._publishing = asyncio.Lock()

    async def run(self, sink: EventStream) -> None:
        with self._service.hub.open_feed() as feed:
            snapshot = await self._select_visible(feed.snapshot())
            await sink.emit(b"event: runs\ndata: %b\n\n" % encode({"runs": snapshot}))
            async with anyio.create_task_group() as following:
                for run_id, after in self._follows.items():
                    following.start_soon(self.follow, run_id, after, sink)
                try:
                    while True:
                        await self.publish(await self._select_visible(await feed.changes()), sink)
                except FeedOverflow:
                    # The stream ends; the client reconnects for a new snapshot.
                    following.cancel_scope.cancel()

    async def _select_visible(self, runs: list[Run]) -> list[Run]:
        visible = await self._permissions.find_visible({run.project for run in runs})
        return [run for run in runs if run.project in visible]

    async def publish(self, runs: list[Run], sink: EventStream) -> None:
        """Send the states of these runs, except those that `follow` sends."""
        async with self._publishing:
            events = [
                _run_event(run)
                for run in runs
                if run.id not in self._ended and not (run.id in self._follows and run.has_ended)
            ]
            if events:
                await sink.emit(b"".join(events))

    async def follow(self, run_id: int, after: int, sink: EventStream) -> None:
        """Send a run's records after `after`, then its terminal state. Stops if the run is deleted."""
        try:
            run = await _send_log(self._service, run_id, after, sink, _EVENTS_OF_RUN)
        except RunNotFound:
            return
        async with self._publishing:
            self._ended.add(run_id)
            await sink.emit(_run_event(run))


def _run_event(run: Run) -> bytes:
    return b"event: run\ndata: %b\n\n" % encode(run)


def _parse_seq(text: str) -> int | None:
    """A seq; None for an empty text, which an EventSource sends for none. Raises InvalidLastEventId."""
    if not text:
        return None
    if _SEQ.fullmatch(text) is None:
        raise InvalidLastEventId
    return min(int(text), MAX_RUN_ID) if len(text) < 20 else MAX_RUN_ID


def _parse_follows(texts: tuple[str, ...]) -> dict[int, int]:
    """The followed runs, each with the seq to start after. Raises InvalidRequest."""
    follows: dict[int, int] = {}
    for text in texts:
        match = _FOLLOW.fullmatch(text)
        if match is None:
            raise InvalidRequest(errors=[FieldError("?follow", 'must be "<run>:<after>", two integers')])
        run_id = parse_id(match[1], RunNotFound)
        if run_id in follows:
            raise InvalidRequest(errors=[FieldError("?follow", f"names run {run_id} more than once")])
        follows[run_id] = min(int(match[2]), MAX_RUN_ID)
    return follows
