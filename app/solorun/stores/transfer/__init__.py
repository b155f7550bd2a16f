"""Copies an SQLite database into an empty PostgreSQL database. Requires the extra `cluster`."""

from solorun.stores.transfer.source import Table
from solorun.stores.transfer.transfer import TransferFailed, transfer

__all__ = ["Table", "TransferFailed", "transfer"]
