"""Handlers that read logs: a filtered page, or the whole log as a download."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import msgspec
from msgspec import Meta

from solorun.api.path_parameters import run_id_of
from solorun.api.state import State
from solorun.http.request import Request
from solorun.http.responses import NDJSON, TEXT, Response, StreamingResponse, json_response
from solorun.logs import Tail
from solorun.logs.plain_text import PlainTextRenderer
from solorun.record import Event, Level, Record
from solorun.run import MAX_RUN_ID, Run
from solorun.segment import Segment
from solorun.store import LogQuery
from solorun.wire import decode_records, encode_records

_Seq = Annotated[int, Meta(ge=0, le=MAX_RUN_ID)]


class LogFilterQuery(msgspec.Struct, forbid_unknown_fields=True):
    step: Annotated[str, Meta(description="Only this step's records.")] | None = None
    level: Annotated[Level, Meta(description="Only records of this level or above.")] | None = None
    q: (
        Annotated[str, Meta(max_length=1000, description="Only messages that contain this text, ignoring case.")] | None
    ) = None
    event: Annotated[tuple[Event, ...], Meta(description="Only records with one of these events; repeatable.")] = ()


class LogPageQuery(LogFilterQuery, forbid_unknown_fields=True):
    after: Annotated[_Seq, Meta(description="Only records after this seq.")] | None = None
    before: Annotated[_Seq, Meta(description="Only records before this seq.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="The maximum number of records.")] = 1000


async def get_log_page(state: State, request: Request) -> Response:
    query: LogPageQuery = request.query
    page = await state.service.store.read_log(
        run_id_of(request),
        LogQuery(
            after=query.after,
            before=query.before,
            limit=query.limit,
            step=query.step,
            level=query.level,
            text=query.q or None,
            events=frozenset(query.event),
        ),
    )
    return json_response(page)


async def download_ndjson(state: State, request: Request) -> StreamingResponse:
    run = await state.service.manager.get_run(run_id_of(request))
    return _download(state, _payloads(state.service.tail, run, request.query), NDJSON, f"{run.project}-{run.id}.ndjson")


async def download_text(state: State, request: Request) -> StreamingResponse:
    run = await state.service.manager.get_run(run_id_of(request))
    return _download(state, _texts(state.service.tail, run, request.query), TEXT, f"{run.project}-{run.id}.txt")


def _download(state: State, chunks: AsyncGenerator[bytes, None], media_type: bytes, name: str) -> StreamingResponse:
    return StreamingResponse(
        chunks,
        media_type=media_type,
        headers=[(b"content-disposition", f'attachment; filename="{name}"'.encode("ascii"))],
        send_timeout_seconds=state.streams.limits.send_timeout_seconds,
    )


async def _payloads(tail: Tail, run: Run, query: LogFilterQuery) -> AsyncGenerator[bytes, None]:
    async with aclosing(tail.read_stored(run)) as segments:
        async for segment in segments:
            yield segment.payload if query == LogFilterQuery() else encode_records(_matching(segment, query))


async def _texts(tail: Tail, run: Run, query: LogFilterQuery) -> AsyncGenerator[bytes, None]:
    text = PlainTextRenderer()
    async with aclosing(tail.read_stored(run)) as segments:
        async for segment in segments:
            yield text.add(_matching(segment, query))
    yield text.finish()


def _matching(segment: Segment, query: LogFilterQuery) -> list[Record]:
    """The segment's records that match the filters."""
    if query.event and not segment.has_events:
        return []
    records = decode_records(segment.payload)
    if query.event:
        records = [record for record in records if record.event in query.event]
    if query.step is not None:
        records = [record for record in records if record.step == query.step]
    if query.level is not None:
        levels = query.level.at_least
        records = [record for record in records if record.level in levels]
    if query.q:
        folded = query.q.casefold()
        records = [record for record in records if folded in record.message.casefold()]
    return records
