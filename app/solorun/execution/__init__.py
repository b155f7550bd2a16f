"""Execution: carries a run from its row to its release. Which runs may start or stop is decided in `runs/`."""

from solorun.execution.executor import RunExecutor
from solorun.execution.handle import AdmittedStart, RunHandle, RunRegistry
from solorun.execution.lease import LeaseKeeper
from solorun.execution.resources import StepResources
from solorun.execution.supervisor import Supervisor
from solorun.execution.tasks import TaskSet

__all__ = [
    "AdmittedStart",
    "LeaseKeeper",
    "RunExecutor",
    "RunHandle",
    "RunRegistry",
    "StepResources",
    "Supervisor",
    "TaskSet",
]
