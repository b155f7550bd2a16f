"""The routes that start, repeat, cancel, get, list, keep and delete runs. The most frequent come first."""

from typing import Annotated, Final

from msgspec import Meta

from solorun.api import retention, runs
from solorun.api.caller_trace import TRACEPARENT_HEADER
from solorun.api.state import State
from solorun.errors import (
    IdempotencyKeyReused,
    InvalidCursor,
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
)
from solorun.http.operation import Operation, RequestHeader, ResponseSpec
from solorun.idempotency_key import KEY_HEADER, MAX_KEY_CHARACTERS
from solorun.right import Right
from solorun.run import Run
from solorun.wire import CancelRequest, PruneReport, RerunPreview, RerunRequest, RunPage, StartedRun, StartRequest

_RUN: Final = "/api/v1/runs/{run_id}"
_PROJECT: Final = "/api/v1/projects/{project}"
STARTED: Final = (
    ResponseSpec(200, "The active run, which this start joins", model=StartedRun),
    ResponseSpec(
        201,
        "The new run, or with `Idempotent-Replayed: true` the run that an earlier request with the same key led to; the"
        " `Location` header has its address",
        model=StartedRun,
    ),
    ResponseSpec(202, "The new run, which is queued", model=StartedRun),
)
NOT_STARTED: Final = (
    *(ProjectNotFound, RunNotFound, RunActive, ResourceBusy),
    *(QueueFull, IdempotencyKeyReused, ServiceDraining, StoreUnavailable),
)
_RUN_PAGE: Final = ResponseSpec(200, "A page of runs; the `Link` header points to the next one", model=RunPage)
_IDEMPOTENCY_KEY: Final = RequestHeader(
    KEY_HEADER,
    "Repeating a request with the same key within 24 hours does not start a second run.",
    Annotated[str, Meta(min_length=1, max_length=MAX_KEY_CHARACTERS, pattern="^[!-~]+$")],
)
START_HEADERS: Final = (_IDEMPOTENCY_KEY, TRACEPARENT_HEADER)


RUN_OPERATIONS: Final[tuple[Operation[State], ...]] = (
    Operation(
        f"GET {_RUN}",
        runs.get_run,
        summary="Get a run",
        responses=(ResponseSpec(200, "The run", model=Run),),
        problems=(RunNotFound, StoreUnavailable),
    ),
    Operation(
        f"POST {_PROJECT}/runs",
        runs.start_run,
        summary="Start a run, or do what `on_conflict` says if its project or a resource is taken",
        responses=STARTED,
        problems=(*NOT_STARTED, TooManyProjects),
        body=StartRequest,
        right=Right.START,
        headers=START_HEADERS,
    ),
    Operation(
        f"GET {_PROJECT}/runs",
        runs.list_project_runs,
        summary="List a project's runs, newest first",
        responses=(_RUN_PAGE,),
        problems=(ProjectNotFound, InvalidCursor, StoreUnavailable),
        query=runs.RunsQuery,
    ),
    Operation(
        f"GET {_PROJECT}/runs/current",
        runs.get_current_run,
        summary="Get a project's active run, or its latest run if none is active",
        responses=(ResponseSpec(200, "The run", model=Run),),
        problems=(ProjectNotFound, RunNotFound, StoreUnavailable),
    ),
    Operation(
        f"POST {_RUN}/cancel",
        runs.cancel_run,
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
        summary="Start a run that repeats an ended one, from its beginning or from a step on",
        responses=(*STARTED, ResponseSpec(200, "With `preview`: what the rerun would do", model=RerunPreview)),
        problems=(*NOT_STARTED, RunNotEnded),
        query=runs.RerunQuery,
        body=RerunRequest,
        right=Right.START,
        headers=START_HEADERS,
    ),
    Operation(
        "GET /api/v1/runs",
        runs.list_runs,
        summary="List the runs of all projects, newest first",
        responses=(_RUN_PAGE,),
        problems=(InvalidCursor, StoreUnavailable),
        query=runs.RunsQuery,
    ),
)

RETENTION_OPERATIONS: Final[tuple[Operation[State], ...]] = (
    Operation(
        f"POST {_RUN}/pin",
        retention.pin_run,
        summary="Pin a run, so that it is never deleted",
        responses=(ResponseSpec(200, "The run", model=Run),),
        problems=(RunNotFound, StoreUnavailable),
        right=Right.START,
    ),
    Operation(
        f"DELETE {_RUN}/pin",
        retention.unpin_run,
        summary="Unpin a run",
        responses=(ResponseSpec(200, "The run", model=Run),),
        problems=(RunNotFound, StoreUnavailable),
        right=Right.START,
    ),
    Operation(
        "POST /api/v1/prune",
        retention.prune,
        summary="Delete the ended runs that their projects no longer keep",
        responses=(
            ResponseSpec(200, "With `dry_run`: what would be deleted", model=PruneReport),
            ResponseSpec(202, "What is being deleted", model=PruneReport),
        ),
        problems=(ProjectNotFound, StoreUnavailable),
        query=retention.PruneQuery,
        right=Right.ADMIN,
    ),
)
