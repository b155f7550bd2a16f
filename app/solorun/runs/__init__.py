"""Control: decides what may start and what has to stop. Execution carries it out."""

from solorun.runs.admission import Admission
from solorun.runs.dispatcher import Dispatcher
from solorun.runs.drain import Drain
from solorun.runs.manager import RunManager
from solorun.runs.mirror import Mirror
from solorun.runs.notices import RunNotices
from solorun.runs.pruner import Pruner
from solorun.runs.queue import RunQueue
from solorun.runs.reaper import Reaper
from solorun.runs.repetition import submit_once
from solorun.runs.resource_declarations import ResourceDeclarations
from solorun.runs.submission import Submission

__all__ = [
    "Admission",
    "Dispatcher",
    "Drain",
    "Mirror",
    "Pruner",
    "Reaper",
    "ResourceDeclarations",
    "RunManager",
    "RunNotices",
    "RunQueue",
    "Submission",
    "submit_once",
]
