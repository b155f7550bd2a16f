"""Checks the invariants of the database, and repairs what can be repaired."""

from solorun.stores.sqlite.doctor.checks import check

__all__ = ["check"]
