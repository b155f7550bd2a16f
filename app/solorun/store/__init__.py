"""The contract of the store: runs and logs that survive a crash. `stores/` implements it, once per database.

A write is one statement or one transaction, and is on disk when its call returns. A cancelled caller leaves nothing
half done, but does not learn whether its write was committed. Disk and lock errors are raised as StoreUnavailable,
damage as StoreCorrupted, and all other errors of the driver as StoreFailure. `tests/contracts` runs against every
implementation.

One module per subject: `runs` with their logs, idempotency `keys`, `leases` and workers, `schedules`, `hooks`, browser
`sessions`, the `outbox` of notifications, `retention`, and the `maintenance` of the database.
"""

from typing import Protocol

from solorun.store.hooks import HookStore
from solorun.store.keys import KeyedRun, KeyStore
from solorun.store.leases import Lease, Notice, Renewal, RunNotice, Subject, WorkerStore
from solorun.store.maintenance import Finding, StoreMaintenance
from solorun.store.outbox import GIVE_UP_AFTER, AttemptResult, ClaimedDelivery, DeliveryFilter, Outbox
from solorun.store.retention import DeletedRun, Deletion, EndedRun, RetentionStore
from solorun.store.runs import (
    MAX_PAGE_BYTES,
    MAX_PAGE_RECORDS,
    Batch,
    FinalState,
    LogQuery,
    NewRun,
    RunStore,
)
from solorun.store.schedules import ScheduleStore
from solorun.store.sessions import SessionStore

__all__ = [
    "GIVE_UP_AFTER",
    "MAX_PAGE_BYTES",
    "MAX_PAGE_RECORDS",
    "AttemptResult",
    "Batch",
    "ClaimedDelivery",
    "DeletedRun",
    "Deletion",
    "DeliveryFilter",
    "EndedRun",
    "FinalState",
    "Finding",
    "HookStore",
    "KeyStore",
    "KeyedRun",
    "Lease",
    "LogQuery",
    "NewRun",
    "Notice",
    "Outbox",
    "Renewal",
    "RetentionStore",
    "RunNotice",
    "RunStore",
    "ScheduleStore",
    "SessionStore",
    "Store",
    "StoreMaintenance",
    "Subject",
    "WorkerStore",
]


class Store(
    RunStore, WorkerStore, HookStore, ScheduleStore, SessionStore, Outbox, RetentionStore, StoreMaintenance, Protocol
):
    """A complete store."""
