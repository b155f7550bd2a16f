"""The secrets among a queued run's parameters, which its row has masked: kept until the run ends, then erased."""

from collections.abc import Callable, Mapping

from solorun.parameter import ParamValue
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.rows import decode_params, encode_object, storable_id

Encrypt = Callable[[int, str], str]
"""Encrypts what is kept for a run, or the reverse. A store that leaves nothing of a deleted value does neither."""


def keep_unmasked(connection: Connection, run_id: int, params: Mapping[str, ParamValue], encrypt: Encrypt) -> None:
    if params:
        text = encrypt(run_id, encode_object(params))
        connection.execute(QUERIES["insert_unmasked_params"], {"run_id": run_id, "params": text})


def read_unmasked(connection: Connection, run_id: int, decrypt: Encrypt) -> dict[str, ParamValue]:
    """{} if nothing is kept."""
    row = connection.execute(QUERIES["select_unmasked_params"], {"run_id": storable_id(run_id)}).fetchone()
    return decode_params(decrypt(run_id, row[0])) if row else {}


def count_unmasked(connection: Connection) -> int:
    """How many runs have some."""
    ((count,),) = connection.execute(QUERIES["count_unmasked_params"]).fetchall()
    return int(count)


def erase_unmasked(connection: Connection, run_id: int) -> None:
    """In a transaction that starts and ends of runs share in turn."""
    rows = dict(connection.execute(QUERIES["list_unmasked_params"]))
    if rows.pop(run_id, None) is None:
        return
    # SQLite may have moved a row within its page and left a copy. Only pages that become empty are surely cleared.
    connection.execute(QUERIES["delete_unmasked_params"])
    connection.executemany(
        QUERIES["insert_unmasked_params"], [{"run_id": run, "params": params} for run, params in rows.items()]
    )
