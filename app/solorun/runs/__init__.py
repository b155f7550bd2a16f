"""Control: decides what may start and what has to stop. Execution carries it out.

A start enters at `manager`. `admission` and `parameters` check it. If the project is busy, `conflict` rejects it or
joins the active run, without a query. Otherwise `submission` inserts the row while the start lock is held; `detached`
lets all this outlive its caller. `rerun` turns a repetition of a run into an ordinary start, `repetition` gives a start
with a known idempotency key the run of the first one, and `pipeline` says what the run requires of its worker.

`queue` knows the queued runs, and `resource_declarations` the slots that they wait for. `dispatcher` claims runs whose
turn has come, and those that another process has left to workers. `cancels` records cancels. `reaper` ends rows without
a task, `drain` the work of a process that stops. `pruner` deletes old runs, chosen by `expiry`.

Where several services share a database, `mirror` shows their runs in the hub, woken by `notices`.
"""

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
