"""The route table. The most frequent requests come first: routes are matched in this order."""

from typing import Annotated, Final

from msgspec import Meta

from solorun.api import artifacts, backup, hooks, logs, projects, resources, retention, runs, streams
from solorun.api.notification_routes import NOTIFICATION_OPERATIONS
from solorun.api.schedule_routes import SCHEDULE_OPERATIONS
from solorun.api.service_routes import SERVICE_OPERATIONS
from solorun.api.state import State
from solorun.auth.permissions import Right
from solorun.errors import (
    ArtifactNotFound,
    BackupUnavailable,
    DeliveryNotVerified,
    HookBusy,
    IdempotencyKeyReused,
    InvalidCursor,
    InvalidLastEventId,
    ProjectNotFound,
    QueueFull,
    ResourceBusy,
    RunActive,
    RunNotActive,
    RunNotEnded,
    RunNotFound,
    ServiceDraining,
    StoreUnavailable,
    TooManyProjects,
    TooManyStreams,
)
from solorun.hook import HookDelivery
from solorun.http.operation import Operation, RequestHeader, ResponseSpec
from solorun.idempotency_key import KEY_HEADER, MAX_KEY_CHARACTERS
from solorun.record import LogPage
from solorun.run import Run
from solorun.trace_context import TRACEPARENT
from solorun.wire import (
    ArtifactList,
    CancelRequest,
    ProjectList,
    ProjectSummary,
    PruneReport,
    RerunPreview,
    RerunRequest,
    ResourceList,
    RunPage,
    StartedRun,
    StartRequest,
)

V1: Final = "/api/v1"

_RUN: Final = f"{V1}/runs/{{run_id}}"
_PROJECT: Final = f"{V1}/projects/{{project}}"
_STARTED: Final = (
    ResponseSpec(200, "The active run, which this start joins", model=StartedRun),
    ResponseSpec(
        201,
        "The new run, or with `Idempotent-Replayed: true` the run to which the same request has led before; the"
        " `Location` header has its address",
        model=StartedRun,
    ),
    ResponseSpec(202, "The new run, which is queued", model=StartedRun),
)
_NOT_STARTED: Final = (
    *(ProjectNotFound, RunNotFound, RunActive, ResourceBusy, QueueFull, IdempotencyKeyReused),
    *(ServiceDraining, StoreUnavailable),
)
_EVENT_STREAM: Final = ResponseSpec(200, "Server-sent events", "text/event-stream")
_RUN_PAGE: Final = ResponseSpec(200, "A page of runs; the `Link` header points to the next one", model=RunPage)
_TEXT: Final = "text/plain; charset=utf-8"
_IDEMPOTENCY_KEY: Final = RequestHeader(
    KEY_HEADER,
    "A request that is repeated with this key within 24 hours starts no second run.",
    Annotated[str, Meta(min_length=1, max_length=MAX_KEY_CHARACTERS, pattern="^[!-~]+$")],
)
_TRACEPARENT: Final = RequestHeader(
    TRACEPARENT, "The trace that the run continues (W3C Trace Context), if the service records traces.", str
)

OPERATIONS: Final[tuple[Operation[State], ...]] = (
    Operation(
        f"GET {_RUN}",
        runs.get_run,
        id="getRun",
        summary="Get a run",
        responses=(ResponseSpec(200, "The run", model=Run),),
        problems=(RunNotFound, StoreUnavailable),
    ),
    Operation(
        f"POST {_PROJECT}/runs",
        runs.start_run,
        id="startRun",
        summary="Start a run, or do what `on_conflict` says if its project or a resource is taken",
        responses=_STARTED,
        problems=(*_NOT_STARTED, TooManyProjects),
        body=StartRequest,
        right=Right.START,
        headers=(_IDEMPOTENCY_KEY, _TRACEPARENT),
    ),
    Operation(
        f"GET {_PROJECT}/runs",
        runs.list_project_runs,
        id="listProjectRuns",
        summary="List a project's runs, newest first",
        responses=(_RUN_PAGE,),
        problems=(ProjectNotFound, InvalidCursor, StoreUnavailable),
        query=runs.RunsQuery,
    ),
    Operation(
        f"GET {_PROJECT}/runs/current",
        runs.get_current_run,
        id="getCurrentRun",
        summary="Get a project's active run, or its latest run if none is active",
        responses=(ResponseSpec(200, "The run", model=Run),),
        problems=(ProjectNotFound, RunNotFound, StoreUnavailable),
    ),
    Operation(
        f"POST {_RUN}/cancel",
        runs.cancel_run,
        id="cancelRun",
        summary="Cancel a run",
        responses=(
            ResponseSpec(200, "The run, which was already cancelled", model=Run),
            ResponseSpec(202, "The run, which stays active until its work has stopped", model=Run),
        ),
        problems=(RunNotFound, RunNotActive, StoreUnavailable),
        body=CancelRequest,
        right=Right.CANCEL,
    ),
    Operation(
        f"POST {_RUN}/rerun",
        runs.rerun,
        id="rerun",
        summary="Start a run that repeats an ended one, from its beginning or from a step on",
        responses=(*_STARTED, ResponseSpec(200, "With `preview`: what the rerun would do", model=RerunPreview)),
        problems=(*_NOT_STARTED, RunNotEnded),
        query=runs.RerunQuery,
        body=RerunRequest,
        right=Right.START,
        headers=(_IDEMPOTENCY_KEY, _TRACEPARENT),
    ),
    Operation(
        f"GET {_RUN}/events",
        streams.follow_run,
        id="followRun",
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
        f"GET {V1}/events",
        streams.follow_all,
        id="followAllRuns",
        summary="Follow all active runs and their changes, with the logs of selected runs",
        responses=(_EVENT_STREAM,),
        problems=(RunNotFound, TooManyStreams, StoreUnavailable),
        query=streams.FollowQuery,
    ),
    Operation(
        f"GET {_RUN}/log",
        logs.get_log_page,
        id="getLogPage",
        summary="Get a page of a run's log",
        responses=(ResponseSpec(200, "The page", model=LogPage),),
        problems=(RunNotFound, StoreUnavailable),
        query=logs.LogPageQuery,
    ),
    Operation(
        f"GET {_RUN}/log.ndjson",
        logs.download_ndjson,
        id="downloadLogAsNdjson",
        summary="Download a run's log so far as NDJSON, one record per line",
        responses=(ResponseSpec(200, "The records", "application/x-ndjson"),),
        problems=(RunNotFound, StoreUnavailable),
        query=logs.LogFilterQuery,
    ),
    Operation(
        f"GET {_RUN}/log.txt",
        logs.download_text,
        id="downloadLogAsText",
        summary="Download a run's log so far as plain text",
        responses=(ResponseSpec(200, "The text", _TEXT),),
        problems=(RunNotFound, StoreUnavailable),
        query=logs.LogTextQuery,
    ),
    Operation(
        f"GET {_RUN}/artifacts",
        artifacts.list_artifacts,
        id="listArtifacts",
        summary="List a run's artifacts",
        responses=(ResponseSpec(200, "The page", model=ArtifactList),),
        problems=(RunNotFound, InvalidCursor, StoreUnavailable),
        query=artifacts.ArtifactsQuery,
    ),
    Operation(
        f"GET {_RUN}/artifacts.zip",
        artifacts.download_artifacts,
        id="downloadArtifacts",
        summary="Download all artifacts of a run as a zip",
        responses=(ResponseSpec(200, "The zip", "application/zip"),),
        problems=(RunNotFound, StoreUnavailable),
    ),
    Operation(
        f"GET {_RUN}/artifacts/{{name:any_path}}",
        artifacts.download_artifact,
        id="downloadArtifact",
        summary="Download an artifact",
        responses=(
            ResponseSpec(200, "The file", "*/*"),
            ResponseSpec(206, "The part of the file that `Range` selects", "*/*"),
            ResponseSpec(304, "The file has not changed since the client got it (`If-None-Match`)", "*/*"),
            ResponseSpec(416, "The file ends before the part that `Range` selects", "text/plain"),
        ),
        problems=(RunNotFound, ArtifactNotFound, StoreUnavailable),
    ),
    Operation(
        f"GET {V1}/resources",
        resources.list_resources,
        id="listResources",
        summary="List the resources that runs share, with their holders and the runs that wait",
        responses=(ResponseSpec(200, "The resources", model=ResourceList),),
        problems=(StoreUnavailable,),
    ),
    *SCHEDULE_OPERATIONS,
    Operation(
        f"POST {_RUN}/pin",
        retention.pin_run,
        id="pinRun",
        summary="Pin a run, so that it is never deleted",
        responses=(ResponseSpec(200, "The run", model=Run),),
        problems=(RunNotFound, StoreUnavailable),
        right=Right.START,
    ),
    Operation(
        f"DELETE {_RUN}/pin",
        retention.unpin_run,
        id="unpinRun",
        summary="Unpin a run",
        responses=(ResponseSpec(200, "The run", model=Run),),
        problems=(RunNotFound, StoreUnavailable),
        right=Right.START,
    ),
    Operation(
        f"POST {V1}/prune",
        retention.prune,
        id="prune",
        summary="Delete the ended runs that their projects no longer keep",
        responses=(
            ResponseSpec(200, "With `dry_run`: what would be deleted", model=PruneReport),
            ResponseSpec(202, "What is being deleted", model=PruneReport),
        ),
        problems=(ProjectNotFound, StoreUnavailable),
        query=retention.PruneQuery,
        right=Right.ADMIN,
    ),
    Operation(
        f"GET {V1}/runs",
        runs.list_runs,
        id="listRuns",
        summary="List the runs of all projects, newest first",
        responses=(_RUN_PAGE,),
        problems=(InvalidCursor, StoreUnavailable),
        query=runs.RunsQuery,
    ),
    Operation(
        f"GET {V1}/projects",
        projects.list_projects,
        id="listProjects",
        summary="List the declared projects and project patterns",
        responses=(ResponseSpec(200, "The projects", model=ProjectList),),
        problems=(StoreUnavailable,),
        tag="projects",
    ),
    Operation(
        f"GET {_PROJECT}",
        projects.get_project,
        id="getProject",
        summary="Get a project",
        responses=(ResponseSpec(200, "The project", model=ProjectSummary),),
        problems=(ProjectNotFound, StoreUnavailable),
        tag="projects",
    ),
    *NOTIFICATION_OPERATIONS,
    Operation(
        "POST /hooks/{project}/{hook}",
        hooks.receive_delivery,
        id="receiveDelivery",
        summary="Receive a webhook's delivery, which its signature or its token verifies, and start a run",
        responses=(
            ResponseSpec(200, "The delivery joined a run, was received before, or starts none", model=HookDelivery),
            ResponseSpec(201, "The delivery started a run", model=HookDelivery),
            ResponseSpec(202, "The delivery started a run, which is queued", model=HookDelivery),
        ),
        problems=(
            *(DeliveryNotVerified, HookBusy, ProjectNotFound, QueueFull),
            *(TooManyProjects, ServiceDraining, StoreUnavailable),
        ),
        query=None,
        verifies_itself=True,
        tag="hooks",
    ),
    Operation(
        f"POST {V1}/backup",
        backup.back_up,
        id="backUp",
        summary="Download a copy of the database, with every run that was acknowledged before the request",
        responses=(ResponseSpec(200, "The copy, an SQLite database", "application/vnd.sqlite3"),),
        problems=(BackupUnavailable, StoreUnavailable),
        tag="service",
    ),
    *SERVICE_OPERATIONS,
)
