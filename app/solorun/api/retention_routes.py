"""The routes that keep and delete ended runs."""

from typing import Final

from solorun.api import retention
from solorun.api.state import State
from solorun.errors import ProjectNotFound, RunNotFound
from solorun.http.operation import Operation, ResponseSpec
from solorun.right import Right
from solorun.run import Run
from solorun.wire import PruneReport

_RUN: Final = "/api/v1/runs/{run_id}"

RETENTION_OPERATIONS: Final[tuple[Operation[State], ...]] = (
    Operation(
        f"POST {_RUN}/pin",
        retention.pin_run,
        summary="Pin a run, so that it is never deleted",
        responses=(ResponseSpec(200, "The run", model=Run),),
        problems=(RunNotFound,),
        right=Right.START,
    ),
    Operation(
        f"DELETE {_RUN}/pin",
        retention.unpin_run,
        summary="Unpin a run",
        responses=(ResponseSpec(200, "The run", model=Run),),
        problems=(RunNotFound,),
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
        problems=(ProjectNotFound,),
        query=retention.PruneQuery,
        right=Right.ADMIN,
    ),
)
