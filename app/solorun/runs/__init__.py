"""Control: decides what may start and what has to stop. Execution carries it out."""

from solorun.runs.admission import Admission
from solorun.runs.dispatcher import Dispatcher
from solorun.runs.manager import RunManager
from solorun.runs.queue import RunQueue
from solorun.runs.reaper import Reaper
from solorun.runs.repetition import submit_once

__all__ = ["Admission", "Dispatcher", "Reaper", "RunManager", "RunQueue", "submit_once"]
