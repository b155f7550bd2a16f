"""Execution: carries a run from its row to its release. Which runs may start or stop is decided in `runs/`.

`executor` claims a run, which creates its `handle` with a log channel, a `cancel_scope` and a `clock`, and executes it
in one of its `tasks`. There the `supervisor` executes the steps in order: it takes their `resources`, makes their
`attempts`, watches for stalls (`stall_watch`), logs the files they leave (`run_artifacts`) and how they are stopped
(`stop_log`), and returns an outcome. `lease` renews this process's ownership of its runs on a thread, and stops their
work if that fails; it also passes on cancels that another service has recorded.
"""

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
