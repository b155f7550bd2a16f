"""The store for several machines: PostgreSQL, accessed through psycopg."""

from solorun.stores.postgres.store import PostgresRunStore

__all__ = ["PostgresRunStore"]
