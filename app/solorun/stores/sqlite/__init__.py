"""The embedded store: one SQLite file in the data directory, accessed through aiosqlite."""

from solorun.stores.sqlite.store import SqliteRunStore

__all__ = ["SqliteRunStore"]
