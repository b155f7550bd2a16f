"""The lease of an owner, renewed over a connection of its own: it does not wait behind other statements."""

import contextlib
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import psycopg

from solorun.lease import Lease
from solorun.run import Cancel
from solorun.stores.postgres.connect import complete, connect
from solorun.stores.postgres.errors import DRIVER_ERRORS, translate
from solorun.stores.postgres.statements import OWN, Statements
from solorun.stores.sql.rows import EPOCH

LEASE_SECONDS: Final = 30.0
"""The interval in `renew_lease`."""
# A renewal that takes longer is worth another try. `notify_owner` notifies.
_PREPARATION: Final = "SET statement_timeout = '5s'; LISTEN solorun"


class PostgresLease(Lease):
    """A row of the table `owners`."""

    seconds = LEASE_SECONDS

    def __init__(self, url: str, owner: str) -> None:
        self._conninfo = complete(url)
        self._values = {"owner": owner}
        self._connection: psycopg.Connection | None = None

    def renew(self) -> Mapping[int, Cancel | None]:
        try:
            if self._connection is None:
                self._connection = connect(self._conninfo)
                # It listens before the runs are read, so that no request falls between.
                self._connection.execute(_PREPARATION)
            statements = Statements(self._connection)
            statements.execute(OWN["renew_lease"], self._values)
            rows = statements.execute(OWN["list_runs_of_owner"], self._values).fetchall()
        except DRIVER_ERRORS as error:
            self._disconnect()
            raise translate(error) from error
        return {
            run_id: Cancel(EPOCH + timedelta(microseconds=requested_at), *request) if requested_at is not None else None
            for run_id, requested_at, *request in rows
        }

    def wait(self, seconds: float) -> bool:
        if self._connection is None:
            return True
        try:
            # Other owners' notifications arrive here too.
            notified = self._connection.notifies(timeout=seconds)
            return any(notification.payload == self._values["owner"] for notification in notified)
        except DRIVER_ERRORS:
            self._disconnect()
            return True

    def end(self) -> None:
        with contextlib.suppress(*DRIVER_ERRORS):
            if self._connection is not None:
                Statements(self._connection).execute(OWN["end_lease"], self._values)
        self._disconnect()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
