"""Handlers that read logs: a filtered page, or the whole log as a download."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import aclosing, nullcontext
from typing import Annotated, Any, TypeVar

import anyio
import msgspec
from msgspec import Meta

from solorun.api.path_parameters import RUN_PATH, run_id_of
from solorun.api.route import route
from solorun.api.state import State
from solorun.errors import FieldError, InvalidRequest, RunNotFound, StoreUnavailable
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request, address_of
from solorun.http.responses import NDJSON, TEXT, Response, StreamingResponse, json_response
from solorun.logs import Tail
from solorun.record import Event, Level, LogPage, Record, StoredLogPage, Stream
from solorun.run import MAX_RUN_ID, Run
from solorun.segment import Segment
from solorun.store import LogQuery
from solorun.text.line_joiner import Line, LineJoiner
from solorun.text.log_filter import LogFilter, find_range
from solorun.text.pattern import InvalidPattern, SearchOptions, matcher_of
from solorun.wire.encoding import decode_records

Filters = TypeVar("Filters", bound="LogFilterQuery")
_Seq = Annotated[int, Meta(ge=0, le=MAX_RUN_ID)]


class LogFilterQuery(msgspec.Struct, forbid_unknown_fields=True):
    step: Annotated[str, Meta(description="Only this step's records.")] | None = None
    attempt: Annotated[int, Meta(ge=1, le=MAX_RUN_ID, description="Only this attempt of the step.")] | None = None
    stream: Annotated[Stream, Meta(description="Only records from this stream.")] | None = None
    level: Annotated[Level, Meta(description="Only records of this level or above.")] | None = None
    q: Annotated[str, Meta(max_length=1000, description="Only lines that contain this text.")] | None = None
    match_case: Annotated[bool, Meta(description="`q` is case-sensitive.")] = False
    whole_word: Annotated[bool, Meta(description="`q` matches whole words only.")] = False
    regex: Annotated[bool, Meta(description="`q` is a regular expression in the syntax of RE2.")] = False
    event: Annotated[tuple[Event, ...], Meta(description="Only records with one of these events; repeatable.")] = ()


class LogTextQuery(LogFilterQuery, forbid_unknown_fields=True):
    raw: Annotated[bool, Meta(description="Keep escape sequences and other control characters.")] = False


class LogPageQuery(LogFilterQuery, forbid_unknown_fields=True):
    after: Annotated[_Seq, Meta(description="Only records after this seq.")] | None = None
    before: Annotated[_Seq, Meta(description="Only records before this seq.")] | None = None
    limit: Annotated[int, Meta(ge=1, le=1000, description="The maximum number of records.")] = 1000
    scan: Annotated[int, Meta(ge=1, le=MAX_RUN_ID, description="The maximum number of records to read.")] | None = None
    context: Annotated[int, Meta(ge=0, le=100, description="How many records around the nearest match to add.")] = 0


@route(
    f"GET {RUN_PATH}/log",
    summary="Get a page of a run's log",
    responses=(ResponseSpec(200, "The page", model=LogPage),),
    problems=(RunNotFound, StoreUnavailable),
    query=LogPageQuery,
)
async def get_log_page(state: State, request: Request) -> Response:
    query: LogPageQuery = request.query
    turn = state.turns.take(request.scope)
    if query.q or query.level or query.stream or query.event:  # This may read the whole log: other pages do not wait.
        page = await request.while_connected(_read_page(state, request))
        async with turn:
            return json_response(page)
    async with turn:
        return json_response(await request.while_connected(_read_page(state, request)))


async def _read_page(state: State, request: Request) -> StoredLogPage:
    query: LogPageQuery = _checked(request.query)
    client = address_of(request.scope), request.headers.get(b"cookie", b"")
    # A search takes long: it waits for the client's other searches, and nothing waits for it.
    async with state.searches.setdefault(client, anyio.Lock()) if query.q else nullcontext():
        return await state.service.store.read_log(
            run_id_of(request),
            LogQuery(
                after=query.after,
                before=query.before,
                limit=query.limit,
                scan=query.scan,
                context=query.context,
                step=query.step,
                attempt=query.attempt,
                stream=query.stream,
                level=query.level,
                text=query.q or None,
                options=_options_of(query),
                events=frozenset(query.event),
            ),
        )


@route(
    f"GET {RUN_PATH}/log.ndjson",
    summary="Download a run's log so far as NDJSON, one record per line",
    responses=(ResponseSpec(200, "The records", "application/x-ndjson"),),
    problems=(RunNotFound, StoreUnavailable),
    query=LogFilterQuery,
)
async def download_log_as_ndjson(state: State, request: Request) -> StreamingResponse:
    return await _download(state, request, _payloads, NDJSON, "ndjson")


@route(
    f"GET {RUN_PATH}/log.txt",
    summary="Download a run's log so far as plain text",
    responses=(ResponseSpec(200, "The text", TEXT.decode()),),
    problems=(RunNotFound, StoreUnavailable),
    query=LogTextQuery,
)
async def download_log_as_text(state: State, request: Request) -> StreamingResponse:
    return await _download(state, request, _texts, TEXT, "txt")


def _checked(query: Filters) -> Filters:
    if query.attempt is not None and query.step is None:
        raise InvalidRequest(errors=[FieldError("?attempt", "requires step, because attempts belong to a step")])
    try:
        matcher_of(query.q or "", _options_of(query))
    except InvalidPattern as error:
        raise InvalidRequest(errors=[FieldError("?q", f"is not a valid regular expression: {error}")]) from None
    return query


def _options_of(query: LogFilterQuery) -> SearchOptions:
    return SearchOptions(query.match_case, query.whole_word, query.regex)


async def _download(
    state: State,
    request: Request,
    read: Callable[[Tail, Run, Any], AsyncGenerator[bytes, None]],
    media_type: bytes,
    extension: str,
) -> StreamingResponse:
    query = _checked(request.query)
    run = await state.service.manager.get_run(run_id_of(request))
    # A part of a log must not pass for the whole: both end up in the same folder.
    part = "" if _filter_of(run, query).selects_everything else "-filtered"
    name = f"{run.project}-{run.id}{part}.{extension}"
    return StreamingResponse(
        read(state.service.tail, run, query),
        media_type=media_type,
        headers=[(b"content-disposition", f'attachment; filename="{name}"'.encode("ascii"))],
        send_timeout_seconds=state.streams.limits.send_timeout_seconds,
    )


async def _payloads(tail: Tail, run: Run, query: LogFilterQuery) -> AsyncGenerator[bytes, None]:
    log_filter = _filter_of(run, query)
    async with aclosing(tail.read_stored(run)) as segments:
        async for segment in segments:
            yield segment.payload if log_filter.selects_everything else await _select(log_filter, segment)


async def _texts(tail: Tail, run: Run, query: LogTextQuery) -> AsyncGenerator[bytes, None]:
    log_filter, joiner = _filter_of(run, query), LineJoiner(raw=query.raw)
    async with aclosing(tail.read_stored(run)) as segments:
        async for segment in segments:
            records = decode_records(await _select(log_filter, segment))
            yield render_lines(line for record in records for line in joiner.add(record))
    yield render_lines(joiner.finish())


def _filter_of(run: Run, query: LogFilterQuery) -> LogFilter:
    after, upto = (0, MAX_RUN_ID) if query.attempt is None else find_range(run, query.step, query.attempt)
    return LogFilter(
        level=query.level,
        step=query.step,
        stream=query.stream,
        text=query.q,
        options=_options_of(query),
        events=query.event,
        after=after,
        upto=upto,
    )


async def _select(log_filter: LogFilter, segment: Segment) -> bytes:
    """The selected records as NDJSON. A regular expression may take a second: it is matched on a thread."""
    select = log_filter.select
    found = await asyncio.to_thread(select, segment) if log_filter.is_slow else select(segment)
    return b"".join(line + b"\n" for _, line in found)


def render_lines(lines: Iterable[Line]) -> bytes:
    """These lines as UTF-8, each after its time, level and step."""
    return "".join(f"{_prefix(record)}{text}\n" for record, text in lines).encode()


def _prefix(record: Record) -> str:
    time = record.time.isoformat(timespec="milliseconds")
    return f"{time[:23]}Z {record.level.value:<7} {record.step or 'solorun'}: "
