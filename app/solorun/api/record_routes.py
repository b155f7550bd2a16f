"""The routes of what runs leave: logs, live and stored, and artifacts."""

from typing import Annotated, Final

from msgspec import Meta

from solorun.api import artifacts, logs, streams
from solorun.api.state import State
from solorun.errors import (
    ArtifactNotFound,
    InvalidCursor,
    InvalidLastEventId,
    RunNotFound,
    StoreUnavailable,
    TooManyStreams,
)
from solorun.http.operation import Operation, RequestHeader, ResponseSpec
from solorun.record import LogPage
from solorun.wire import ArtifactList

_RUN: Final = "/api/v1/runs/{run_id}"
_EVENT_STREAM: Final = ResponseSpec(200, "Server-sent events", "text/event-stream")
_TEXT: Final = "text/plain; charset=utf-8"

RECORD_OPERATIONS: Final[tuple[Operation[State], ...]] = (
    Operation(
        f"GET {_RUN}/events",
        streams.follow_run,
        summary="Follow a run's log from any point until the run ends",
        responses=(_EVENT_STREAM,),
        problems=(RunNotFound, InvalidLastEventId, TooManyStreams, StoreUnavailable),
        query=streams.EventsQuery,
        headers=(
            RequestHeader(
                "Last-Event-ID",
                "Start after this seq. Takes precedence over the query parameters `after` and `tail`.",
                Annotated[int, Meta(ge=0)],
            ),
        ),
    ),
    Operation(
        "GET /api/v1/events",
        streams.follow_all_runs,
        summary="Follow all active runs and their changes, with the logs of selected runs",
        responses=(_EVENT_STREAM,),
        problems=(RunNotFound, TooManyStreams, StoreUnavailable),
        query=streams.FollowQuery,
    ),
    Operation(
        f"GET {_RUN}/log",
        logs.get_log_page,
        summary="Get a page of a run's log",
        responses=(ResponseSpec(200, "The page", model=LogPage),),
        problems=(RunNotFound, StoreUnavailable),
        query=logs.LogPageQuery,
    ),
    Operation(
        f"GET {_RUN}/log.ndjson",
        logs.download_log_as_ndjson,
        summary="Download a run's log so far as NDJSON, one record per line",
        responses=(ResponseSpec(200, "The records", "application/x-ndjson"),),
        problems=(RunNotFound, StoreUnavailable),
        query=logs.LogFilterQuery,
    ),
    Operation(
        f"GET {_RUN}/log.txt",
        logs.download_log_as_text,
        summary="Download a run's log so far as plain text",
        responses=(ResponseSpec(200, "The text", _TEXT),),
        problems=(RunNotFound, StoreUnavailable),
        query=logs.LogTextQuery,
    ),
    Operation(
        f"GET {_RUN}/artifacts",
        artifacts.list_artifacts,
        summary="List a run's artifacts",
        responses=(ResponseSpec(200, "The page", model=ArtifactList),),
        problems=(RunNotFound, InvalidCursor, StoreUnavailable),
        query=artifacts.ArtifactsQuery,
    ),
    Operation(
        f"GET {_RUN}/artifacts.zip",
        artifacts.download_artifacts,
        summary="Download all artifacts of a run as a zip",
        responses=(ResponseSpec(200, "The zip", "application/zip"),),
        problems=(RunNotFound, StoreUnavailable),
    ),
    Operation(
        f"GET {_RUN}/artifacts/{{name:any_path}}",
        artifacts.download_artifact,
        summary="Download an artifact",
        responses=(
            ResponseSpec(200, "The file", "*/*"),
            ResponseSpec(206, "The part of the file that `Range` selects", "*/*"),
            ResponseSpec(304, "The file has not changed since the client got it (`If-None-Match`)", "*/*"),
            ResponseSpec(416, "The file ends before the part that `Range` selects", "text/plain"),
        ),
        problems=(RunNotFound, ArtifactNotFound, StoreUnavailable),
        query=artifacts.ArtifactQuery,
    ),
)
