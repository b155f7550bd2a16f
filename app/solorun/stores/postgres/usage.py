"""Whether a database is in use, without changing it."""

from typing import Final

import psycopg

from solorun.stores.postgres.connect import complete, connect

_HAS_TABLES: Final = "SELECT to_regclass('runs') IS NOT NULL AND to_regclass('owners') IS NOT NULL"
_IS_IN_USE: Final = """
SELECT EXISTS (SELECT 1 FROM runs) OR EXISTS (SELECT 1 FROM owners WHERE lease_until > clock_timestamp())
"""


def is_in_use(url: str) -> bool:
    """Whether the database has runs, or a process uses it. False if it cannot be read. Raises DatabaseUnusable."""
    try:
        with connect(complete(url)) as connection:
            return all(connection.execute(query).fetchall() == [(True,)] for query in (_HAS_TABLES, _IS_IN_USE))
    except psycopg.Error:
        return False
