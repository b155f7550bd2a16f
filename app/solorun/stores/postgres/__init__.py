"""The store for several machines: PostgreSQL, accessed through psycopg."""

from solorun.stores.postgres.param_cipher import ParamCipher
from solorun.stores.postgres.store import PostgresRunStore

__all__ = ["ParamCipher", "PostgresRunStore"]
