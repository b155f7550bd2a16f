"""The handler that sends a copy of the database."""

import os

from solorun.api.artifacts import content_disposition
from solorun.api.route import route
from solorun.api.state import State
from solorun.artifacts.file_chunks import FileChunks
from solorun.errors import BackupUnavailable, StoreUnavailable
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import StreamingResponse


@route(
    "POST /api/v1/backup",
    summary="Download a copy of the database, with every run that was acknowledged before the request",
    responses=(ResponseSpec(200, "The copy, an SQLite database", "application/vnd.sqlite3"),),
    problems=(BackupUnavailable, StoreUnavailable),
    tag="service",
)
async def back_up(state: State, _request: Request) -> StreamingResponse:
    descriptor = await state.service.store.open_backup()
    size = os.fstat(descriptor).st_size
    return StreamingResponse(
        FileChunks(descriptor, size),
        media_type=b"application/vnd.sqlite3",
        headers=[(b"content-length", b"%d" % size), content_disposition("solorun.db")],
        send_timeout_seconds=state.streams.limits.send_timeout_seconds,
    )
