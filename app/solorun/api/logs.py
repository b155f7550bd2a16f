"""Handlers that read logs: a page with filters, or the whole log as a download."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated

import msgspec
from msgspec import Meta

from solorun.http.request import Request
from solorun.http.responses import NDJSON, TEXT, Header, Response, StreamingResponse, json_response
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
    level: Annotated[Level, Meta(description="Only records of at least this level.")] | None = None
    q: (
        Annotated[str, Meta(max_length=1000, description="Only messages that hold this; case does not matter.")] | None
    ) = None
    event: Annotated[
        tuple[Event, ...], Meta(description="Only records that tell one of these events; repeatable.")
    ] = ()


class LogPageQuery(LogFilterQuery, forbid_unknown_fields=True):
    after: Annotated[_Seq, Meta(description="Only records after this seq.")] | None = None
    before: Annotated[_Seq, Meta(description="Only records before this seq.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="How many records at most.")] = 1000


async def get_log_page(request: Request) -> Response:
    query: LogPageQuery = request.query
    page = await request.service.store.read_log(
        request.run_id,
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


async def download_ndjson(request: Request) -> StreamingResponse:
    run = await request.service.manager.get_run(request.run_id)
    return StreamingResponse(
        _payloads(request.service.tail, run, request.query), media_type=NDJSON, headers=_attachment(run, "ndjson")
    )


async def download_text(request: Request) -> StreamingResponse:
    run = await request.service.manager.get_run(request.run_id)
    texts = _texts(request.service.tail, run, request.query)
    return StreamingResponse(texts, media_type=TEXT, headers=_attachment(run, "txt"))


def _attachment(run: Run, suffix: str) -> list[Header]:
    name = f"{run.project}-{run.id}.{suffix}"
    return [(b"content-disposition", f'attachment; filename="{name}"'.encode("ascii"))]


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
    """The segment's records that the filters let through."""
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
