"""The route table. The most frequent requests come first: routes are matched in this order."""

from typing import Final

from solorun.api import backup, hooks, projects, resources, workers
from solorun.api.caller_trace import TRACEPARENT_HEADER
from solorun.api.notification_routes import NOTIFICATION_OPERATIONS
from solorun.api.record_routes import RECORD_OPERATIONS
from solorun.api.run_routes import RETENTION_OPERATIONS, RUN_OPERATIONS
from solorun.api.schedule_routes import SCHEDULE_OPERATIONS
from solorun.api.service_routes import SERVICE_OPERATIONS
from solorun.api.state import State
from solorun.errors import (
    BackupUnavailable,
    DeliveryNotVerified,
    HookBusy,
    ProjectNotFound,
    QueueFull,
    ServiceDraining,
    StoreUnavailable,
    TooManyProjects,
    WorkerNotDrainable,
    WorkerNotFound,
)
from solorun.hook import HookDelivery
from solorun.http.operation import Operation, ResponseSpec
from solorun.right import Right
from solorun.wire import ProjectList, ProjectSummary, ResourceList
from solorun.worker import WorkerStatus
from solorun.worker_wire import WorkerList

OPERATIONS: Final[tuple[Operation[State], ...]] = (
    *RUN_OPERATIONS,
    *RECORD_OPERATIONS,
    Operation(
        "GET /api/v1/resources",
        resources.list_resources,
        summary="List the resources that runs share, with their holders and the runs that wait",
        responses=(ResponseSpec(200, "The resources", model=ResourceList),),
        problems=(StoreUnavailable,),
    ),
    Operation(
        "GET /api/v1/workers",
        workers.list_workers,
        summary="List the processes that execute runs, and the runs that wait for one",
        responses=(ResponseSpec(200, "The workers", model=WorkerList),),
        problems=(StoreUnavailable,),
        tag="workers",
    ),
    Operation(
        "POST /api/v1/workers/{worker}/drain",
        workers.drain_worker,
        summary="Drain a worker, so that it begins no more runs",
        responses=(ResponseSpec(200, "The worker", model=WorkerStatus),),
        problems=(WorkerNotFound, WorkerNotDrainable, StoreUnavailable),
        right=Right.ADMIN,
        tag="workers",
    ),
    *SCHEDULE_OPERATIONS,
    *RETENTION_OPERATIONS,
    Operation(
        "GET /api/v1/projects",
        projects.list_projects,
        summary="List the declared projects and project patterns",
        responses=(ResponseSpec(200, "The projects", model=ProjectList),),
        problems=(StoreUnavailable,),
        tag="projects",
    ),
    Operation(
        "GET /api/v1/projects/{project}",
        projects.get_project,
        summary="Get a project",
        responses=(ResponseSpec(200, "The project", model=ProjectSummary),),
        problems=(ProjectNotFound, StoreUnavailable),
        tag="projects",
    ),
    *NOTIFICATION_OPERATIONS,
    Operation(
        "POST /hooks/{project}/{hook}",
        hooks.receive_delivery,
        summary="Receive a webhook's delivery, verify its signature or token, and start a run",
        responses=(
            ResponseSpec(200, "The delivery joined a run, was received before, or starts none", model=HookDelivery),
            ResponseSpec(201, "The delivery started a run", model=HookDelivery),
            ResponseSpec(202, "The delivery started a run, which is queued", model=HookDelivery),
        ),
        problems=(
            DeliveryNotVerified,
            HookBusy,
            ProjectNotFound,
            QueueFull,
            TooManyProjects,
            ServiceDraining,
            StoreUnavailable,
        ),
        query=None,
        headers=(TRACEPARENT_HEADER,),
        verifies_itself=True,
        tag="hooks",
    ),
    Operation(
        "POST /api/v1/backup",
        backup.back_up,
        summary="Download a copy of the database, with every run that was acknowledged before the request",
        responses=(ResponseSpec(200, "The copy, an SQLite database", "application/vnd.sqlite3"),),
        problems=(BackupUnavailable, StoreUnavailable),
        tag="service",
    ),
    *SERVICE_OPERATIONS,
)
