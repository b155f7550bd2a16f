"""The engine: starts runs exactly once, carries them to their end, stops them, and settles what a crash left behind."""

from solorun.execution.executor import RunExecutor
from solorun.execution.supervisor import Supervisor
from solorun.runs.manager import RunManager
from solorun.runs.recovery import recover

__all__ = ["RunExecutor", "RunManager", "Supervisor", "recover"]
