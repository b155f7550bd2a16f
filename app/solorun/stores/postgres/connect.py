"""Connects to PostgreSQL, with settings that end every wait: for a lock, a statement, or a server that has vanished."""

import logging
import re
from contextlib import suppress
from typing import Any, Final

import psycopg
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from solorun.errors import DatabaseUnusable
from solorun.stores.postgres.statements import OWN, Statements, register_types

# The URL overrides these. The server may vanish without closing the connection.
_DEFAULTS: Final[dict[str, Any]] = {
    "application_name": "solorun",
    "client_encoding": "utf8",
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}
LOCK_SECONDS: Final = 5.0
STALLED_SECONDS: Final = 15.0
"""A session that waits for its client for longer within a transaction is ended, because it may hold locks."""

_PARAMETERS: Final = re.compile(r"\w+://(?:.*@)?(?:[\w.,%-]|\[[\w:.%]*\]|:\d+(?!\w))*(?:/[^@?]*)?\?([^@]*)")
"""The parameters of a URL. They can be no part of a password that is not percent-encoded."""
_SECRET: Final = re.compile(r"password|secret|scram")

_logger = logging.getLogger("solorun.stores")


def complete(url: str) -> str:
    """The URL, or another form of connection string, with the defaults. Raises DatabaseUnusable."""
    try:
        given = conninfo_to_dict(url)
    except psycopg.ProgrammingError:
        # The driver quotes what it does not understand, which may be the password.
        raise DatabaseUnusable(_explain(url)) from None
    return make_conninfo(url, **{name: _DEFAULTS[name] for name in _DEFAULTS if name not in given})


def connect(conninfo: str) -> psycopg.Connection:
    """A connection without an implicit transaction. Raises the driver's errors."""
    connection = psycopg.connect(conninfo, autocommit=True)
    register_types(connection)
    connection.execute(f"""
        SET statement_timeout = '30s';
        SET lock_timeout = '{LOCK_SECONDS}s';
        SET idle_in_transaction_session_timeout = '{STALLED_SECONDS}s';
    """)
    return connection


def end_stalled_sessions(connection: psycopg.Connection) -> None:
    """End the sessions of processes that stand still, on any host. They may hold a lock that could not be taken."""
    with suppress(psycopg.Error):
        ended = Statements(connection).execute(OWN["end_stalled_sessions"], {"seconds": STALLED_SECONDS}).fetchall()
        if ended:
            _logger.warning("Ended %d database sessions that stood still within a transaction", len(ended))


def _explain(url: str) -> str:
    """Why the driver refuses a URL. What follows a secret may belong to it."""
    found = _PARAMETERS.fullmatch(url)
    known = [option.keyword.decode() for option in pq.Conninfo.get_defaults()]
    for parameter in found[1].split("&") if found else []:
        name, _, _ = parameter.partition("=")
        if _SECRET.search(name) or not name.isidentifier():
            break
        if name not in (*known, "ssl"):
            return (
                f'The database URL has the parameter "{name}", which PostgreSQL does not know. '
                f"It knows: {', '.join(sorted(known))}."
            )
    return "The database URL is invalid. Is the password percent-encoded?"
