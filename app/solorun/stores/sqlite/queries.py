"""The statements of `queries.sql`."""

from typing import Final

from solorun.stores.queries import load_queries

QUERIES: Final = load_queries(__package__, "queries.sql")
