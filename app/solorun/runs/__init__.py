"""Control: decides what may start and what has to stop. Execution carries it out."""

from solorun.runs.manager import RunManager
from solorun.runs.reaper import Reaper

__all__ = ["Reaper", "RunManager"]
