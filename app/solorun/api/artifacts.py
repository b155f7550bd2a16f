"""Handlers that list and download a run's artifacts. Their contents are untrusted."""

import asyncio
import re
from contextlib import aclosing, suppress
from itertools import islice
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
from msgspec import Meta

from solorun.api.archive import zip_chunks
from solorun.api.cursors import Cursor, decode_cursor, encode_cursor
from solorun.api.path_parameters import RUN_PATH, run_id_of
from solorun.api.route import route
from solorun.api.state import State
from solorun.artifacts import ArtifactStore
from solorun.artifacts.html_page import (
    MAX_EMBEDDED_BYTES,
    MAX_REFERENCES,
    ScriptedPage,
    add_script,
    embed,
    find_references,
)
from solorun.artifacts.scan import media_type_of
from solorun.artifacts.store import OpenArtifact
from solorun.errors import ArtifactNotFound, InvalidCursor, RunNotFound, StoreUnavailable
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import TEXT, Header, Response, StreamingResponse, json_response
from solorun.wire.runs import ArtifactList

_TAG: Final = re.compile(rb'"[^"]*"')
_RANGE: Final = re.compile(rb"bytes=([0-9]{0,18})-([0-9]{0,18})")
_ISOLATED: Final[tuple[Header, ...]] = (
    (
        b"content-security-policy",
        b"sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval' blob: data:; "
        b"style-src 'unsafe-inline' data:; img-src data: blob:; font-src data:; media-src data: blob:; "
        b"base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
    ),
    (b"x-frame-options", b"SAMEORIGIN"),
)
"""A page that runs its own scripts, and reaches neither the service, its cookie, nor the network."""
_SANDBOX: Final = (b"content-security-policy", b"default-src 'none'; sandbox; frame-ancestors 'none'")
_MAX_PAGE_BYTES: Final = 5_000_000
"""A larger page gets none of the other files of its run."""
# The dashboard's content security policy admits scripts and styles of its own origin, which artifacts share.
_ACTIVE: Final = re.compile(r"script|css")


class ArtifactsQuery(msgspec.Struct, forbid_unknown_fields=True):
    limit: Annotated[int, Meta(ge=1, le=1000, description="The maximum number of artifacts.")] = 1000
    cursor: Cursor | None = None


class ArtifactQuery(msgspec.Struct, forbid_unknown_fields=True):
    inline: Annotated[
        bool,
        Meta(
            description="Show an HTML file as a page, which is isolated from the service and the network, and contains"
            " the run's styles, scripts and pictures that it refers to. Other files remain attachments."
        ),
    ] = False


@route(
    f"GET {RUN_PATH}/artifacts",
    summary="List a run's artifacts",
    responses=(ResponseSpec(200, "The page", model=ArtifactList),),
    problems=(RunNotFound, InvalidCursor, StoreUnavailable),
    query=ArtifactsQuery,
)
async def list_artifacts(state: State, request: Request) -> Response:
    query: ArtifactsQuery = request.query
    after = "" if query.cursor is None else decode_cursor(query.cursor)
    run = await state.service.manager.get_run(run_id_of(request))
    page = await state.service.artifacts.list_page(run.id, after=after, limit=query.limit)
    cursor = encode_cursor(page.artifacts[-1].name) if page.has_more else None
    async with state.turns.take(request.scope):
        return json_response(ArtifactList(page.artifacts, cursor, page.truncated))


@route(
    f"GET {RUN_PATH}/artifacts/{{name:any_path}}",
    summary="Download an artifact",
    responses=(
        ResponseSpec(200, "The file", "*/*"),
        ResponseSpec(206, "The part of the file that `Range` selects", "*/*"),
        ResponseSpec(304, "The file has not changed since the client got it (`If-None-Match`)", "*/*"),
        ResponseSpec(416, "The file ends before the part that `Range` selects", "text/plain"),
    ),
    problems=(RunNotFound, ArtifactNotFound, StoreUnavailable),
    query=ArtifactQuery,
)
async def download_artifact(state: State, request: Request) -> Response | StreamingResponse:
    """Sends the file or the part that the client requests, unless the client has the file already."""
    query: ArtifactQuery = request.query
    run = await state.service.manager.get_run(run_id_of(request))
    name = request.path_params["name"]
    artifact = await state.service.artifacts.open(run.id, name)
    size, tag, media_type = artifact.size_bytes, artifact.tag, media_type_of(name)
    if query.inline and media_type == "text/html":
        return await _isolated_page(state, request, run.id, name, artifact)
    if tag in _TAG.findall(request.headers.get(b"if-none-match", b"")):
        artifact.close()
        return Response(status=304, headers=[(b"etag", tag)])
    part = _find_part(request.headers.get(b"range", b""), size)
    if request.headers.get(b"if-range", tag) != tag:
        part = None  # The client has the beginning of an earlier version.
    if part is not None and not part:
        artifact.close()
        return Response(status=416, media_type=TEXT, headers=[(b"content-range", b"bytes */%d" % size)])
    sent = range(size) if part is None else part
    headers = [
        (b"content-length", b"%d" % len(sent)),
        (b"etag", tag),
        (b"accept-ranges", b"bytes"),
        content_disposition(name.rpartition("/")[2]),
        _SANDBOX,
    ]
    if part is not None:
        headers.append((b"content-range", b"bytes %d-%d/%d" % (part.start, part.stop - 1, size)))
    return StreamingResponse(
        artifact.read(sent),
        status=200 if part is None else 206,
        media_type=b"application/octet-stream" if _ACTIVE.search(media_type) else media_type.encode("ascii", "replace"),
        headers=headers,
        send_timeout_seconds=state.streams.limits.send_timeout_seconds,
    )


async def _isolated_page(
    state: State, request: Request, run_id: int, name: str, artifact: OpenArtifact
) -> Response | StreamingResponse:
    if artifact.size_bytes > _MAX_PAGE_BYTES:
        return StreamingResponse(
            ScriptedPage(artifact.read(range(artifact.size_bytes))),
            media_type=b"text/html",
            headers=_ISOLATED,
            send_timeout_seconds=state.streams.limits.send_timeout_seconds,
        )
    page = await _read(artifact)  # Before the turn, since a client that leaves meanwhile must leave no open file.
    async with state.turns.take(request.scope):
        page = await _add_files(state.service.artifacts, run_id, name, page)
        return Response(page, media_type=b"text/html", headers=_ISOLATED)


async def _add_files(artifacts: ArtifactStore, run_id: int, name: str, page: bytes) -> bytes:
    """The page with the files of its run that it refers to, but for those that cannot be read."""
    references = await asyncio.to_thread(lambda: list(islice(find_references(page, name), MAX_REFERENCES)))
    files: dict[str, bytes] = {}
    left = MAX_EMBEDDED_BYTES
    for wanted in dict.fromkeys(reference.name for reference in references):
        with suppress(ArtifactNotFound, OSError):  # A step may be writing it.
            found = await artifacts.open(run_id, wanted)
            if found.size_bytes > left:
                found.close()
                continue
            files[wanted] = await _read(found)
            left -= found.size_bytes
    return await asyncio.to_thread(lambda: add_script(embed(page, references, files)))


async def _read(artifact: OpenArtifact) -> bytes:
    async with aclosing(artifact.read(range(artifact.size_bytes))) as chunks:
        return b"".join([chunk async for chunk in chunks])


@route(
    f"GET {RUN_PATH}/artifacts.zip",
    summary="Download all artifacts of a run as a zip",
    responses=(ResponseSpec(200, "The zip", "application/zip"),),
    problems=(RunNotFound, StoreUnavailable),
)
async def download_artifacts(state: State, request: Request) -> StreamingResponse:
    """Sends all files that can be listed, and those beyond the end of the list."""
    run = await state.service.manager.get_run(run_id_of(request))
    return StreamingResponse(
        zip_chunks(await state.service.artifacts.read_all(run.id)),
        media_type=b"application/zip",
        headers=[content_disposition(f"run-{run.id}.zip"), _SANDBOX],
        send_timeout_seconds=state.streams.limits.send_timeout_seconds,
    )


def _find_part(header: bytes, size: int) -> range | None:
    """The bytes that a Range header selects; None to send all of them, as for several ranges and what is invalid."""
    match = _RANGE.fullmatch(header)
    if match is None:
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, size - int(last)), size) if last else None
    if last and int(last) < int(first):
        return None
    return range(int(first), min(int(last) + 1, size) if last else size)


def content_disposition(name: str) -> Header:
    """An attachment with this name: exact (RFC 5987), and in ASCII for clients that do not support that."""
    plain = "".join(char if " " <= char <= "~" and char not in '"\\%' else "_" for char in name)
    return (b"content-disposition", f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}".encode("ascii"))
