"""The structures on the wire that concern workers."""

import msgspec

from solorun.run import Run
from solorun.worker import WorkerStatus


class WorkerList(msgspec.Struct, frozen=True):
    """The processes that execute runs, by id.

    `waiting` are the pending runs that none of them has begun, oldest first. Without `shares_database`, the service is
    the only worker.
    """

    workers: tuple[WorkerStatus, ...]
    waiting: tuple[Run, ...]
    shares_database: bool
