"""The engine: starts runs exactly once, carries them to their end, stops them, and settles what a crash left behind."""

from solorun.runs.lifecycle import Lifecycle
from solorun.runs.manager import RunManager
from solorun.runs.recovery import recover
from solorun.runs.supervisor import Supervisor

__all__ = ["Lifecycle", "RunManager", "Supervisor", "recover"]
