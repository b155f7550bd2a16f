"""Shortens the leases of a forked process, so that trials need not wait for 30 s."""

from solorun.runs import reaper
from solorun.stores.postgres import PostgresRunStore, connect
from solorun.stores.postgres.lease import LEASE_SECONDS


def shorten_leases(seconds: float) -> None:
    """Waits for locks become shorter in proportion, and orphaned runs are looked for more often."""
    share = seconds / LEASE_SECONDS
    PostgresRunStore.lease_seconds = seconds
    connect.LOCK_SECONDS *= share  # type: ignore[misc]
    connect.STALLED_SECONDS *= share  # type: ignore[misc]
    reaper.WATCH_SECONDS *= share  # type: ignore[misc]
