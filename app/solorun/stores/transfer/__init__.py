"""Copies an SQLite database into an empty PostgreSQL database. Requires the extra `cluster`."""

from solorun.stores.transfer.source import Table
from solorun.stores.transfer.transfer import TransferFailed, list_abandoned_runs, transfer

__all__ = ["Table", "TransferFailed", "list_abandoned_runs", "transfer"]
