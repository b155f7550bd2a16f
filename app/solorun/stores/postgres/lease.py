"""The lease of an owner, renewed over a connection of its own: it does not wait behind other statements."""

import contextlib
import time
from typing import Final

import psycopg

from solorun.run import Cancel
from solorun.store import Lease, Notice, Renewal, RunNotice, Subject
from solorun.stores.postgres.connect import complete, connect
from solorun.stores.postgres.errors import DRIVER_ERRORS, translate
from solorun.stores.postgres.statements import OWN, Statements
from solorun.stores.postgres.workers import owner_values
from solorun.stores.sql.rows import decode_time
from solorun.worker import Worker

LEASE_SECONDS: Final = 30.0
# A renewal that takes longer is worth another try. `notify_owner` and `notify_workers` notify.
_PREPARATION: Final = "SET statement_timeout = '5s'; LISTEN solorun"
_LISTEN_FOR_WORK: Final = "LISTEN solorun_work"


class PostgresLease(Lease):
    """A row of the table `owners`."""

    def __init__(self, url: str, worker: Worker, *, seconds: float = LEASE_SECONDS) -> None:
        self.seconds = seconds
        self._conninfo = complete(url)
        self._values = owner_values(worker) | {"seconds": seconds}
        self._connection: psycopg.Connection | None = None

    def renew(self) -> Renewal:
        try:
            if self._connection is None:
                self._connection = connect(self._conninfo)
                # It listens before the runs are read, so that no request falls between.
                self._connection.execute(_PREPARATION)
                if self._values["capacity"] != 0:
                    self._connection.execute(_LISTEN_FOR_WORK)
            statements = Statements(self._connection)
            ((is_draining,),) = statements.execute(OWN["renew_lease"], self._values).fetchall()
            rows = statements.execute(OWN["list_runs_of_owner"], self._values).fetchall()
        except DRIVER_ERRORS as error:
            self._disconnect()
            raise translate(error) from error
        runs = {
            run_id: Cancel(decode_time(requested_at), *request) if requested_at is not None else None
            for run_id, requested_at, *request in rows
        }
        return Renewal(runs, is_draining)

    def wait(self, seconds: float) -> list[Notice | RunNotice]:
        if self._connection is None:
            return [Notice.OWN]
        until = time.monotonic() + seconds
        while True:
            left = max(0.0, until - time.monotonic())
            try:
                # All of those that arrive together: leaving the loop would lose the others.
                received = [each.payload for each in self._connection.notifies(timeout=left, stop_after=1)]
            except DRIVER_ERRORS:
                self._disconnect()
                return [Notice.OWN]
            notices = [notice for payload in received if (notice := self._read_notice(payload)) is not None]
            if notices or not left:
                return notices

    def end(self) -> None:
        with contextlib.suppress(*DRIVER_ERRORS):
            if self._connection is not None:
                Statements(self._connection).execute(OWN["end_lease"], self._values)
        self._disconnect()

    def _read_notice(self, payload: str) -> Notice | RunNotice | None:
        """None if it is for another owner, or of a later version."""
        if payload in ("", self._values["owner"]):
            return Notice.OWN if payload else Notice.WORK
        subject, *run_ids = payload.split(" ")
        return RunNotice(Subject(subject), tuple(map(int, run_ids))) if subject in {*Subject} else None

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
