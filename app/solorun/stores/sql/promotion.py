"""Gives what was released to those that wait: queued runs become pending, and waiting steps receive their slots.

Functions for a connection's thread, in the transaction of their caller.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from solorun.errors import StoreFailure
from solorun.queueing import Slots, Waiter, choose
from solorun.run import Run
from solorun.stores.sql.connection import Connection
from solorun.stores.sql.queries import QUERIES
from solorun.stores.sql.reads import get_run
from solorun.stores.sql.rows import decode_resources, encode_array, encode_object, to_microseconds

_ALL: Final = 1_000_000


def promote(connection: Connection, at: int | None) -> None:
    """Let begin what can begin now. Call it whenever a project or a slot was released."""
    waiters = read_waiters(connection)
    for waiter, slots in choose_now(connection, waiters):
        if waiter.step:
            _give_to_step(connection, waiter, slots, at)
        else:
            connection.execute(QUERIES["promote_run"], {"run_id": waiter.run_id, "slots": encode_object(slots)})
            insert_holds(connection, waiter.run_id, slots, at)


def claim_runs(
    connection: Connection,
    *,
    owner: str,
    labels: Collection[str] | None = None,
    limit: int | None = None,
    refused: Collection[int] = (),
) -> list[Run]:
    values = {
        "owner": owner,
        "labels": None if labels is None else encode_array(sorted(labels)),
        "limit": _ALL if limit is None else limit,
        "refused": encode_array(sorted(refused)),
    }
    rows = connection.execute(QUERIES["claim_runs"], values).fetchall()
    return [get_run(connection, run_id) for (run_id,) in sorted(rows)]


def declare_resources(connection: Connection, slots: Mapping[str, int]) -> None:
    connection.execute(QUERIES["delete_resources"])
    connection.executemany(
        QUERIES["insert_resource"], [{"name": name, "slots": count} for name, count in slots.items()]
    )
    promote(connection, _now())


def take_step_slots(connection: Connection, run_id: int, step: str, *, owner: str) -> Slots | None:
    """Raises StoreFailure if the run is not active, or not ours."""
    values = {"run_id": run_id, "step": step, "owner": owner}
    row = connection.execute(QUERIES["select_step_resources"], values).fetchone()
    if row is None:
        raise StoreFailure(f"Step {step} of run {run_id} cannot take resources: the run is not active.")
    if (held := _read_slots(connection, values)) or not (needs := decode_resources(row[0])):
        return held
    own = Waiter(run_id, needs, step=step)
    waiters = [own, *(waiter for waiter in read_waiters(connection) if (waiter.run_id, waiter.step) != (run_id, step))]
    chosen = {id(waiter): slots for waiter, slots in choose_now(connection, waiters)}
    if id(own) not in chosen:
        connection.execute(QUERIES["insert_wait"], values | {"resources": row[0]})
        return None
    _give_to_step(connection, own, chosen[id(own)], _now())
    return chosen[id(own)]


def release_step_slots(connection: Connection, run_id: int, step: str) -> None:
    connection.execute(QUERIES["release_step"], {"run_id": run_id, "step": step})
    promote(connection, _now())


def read_waiters(connection: Connection) -> list[Waiter]:
    """The first queued run of each project, and the steps that wait."""
    heads = connection.execute(QUERIES["select_queue_heads"]).fetchall()
    steps = connection.execute(QUERIES["list_waiting_steps"]).fetchall()
    return [
        *(Waiter(run_id, decode_resources(needs), bool(is_free)) for run_id, needs, is_free in heads),
        *(Waiter(run_id, decode_resources(needs), step=step) for run_id, step, needs in steps),
    ]


def choose_now(connection: Connection, waiters: Sequence[Waiter]) -> list[tuple[Waiter, dict[str, list[int]]]]:
    """Those that can begin now, each with its slots."""
    if not any(waiter.needs for waiter in waiters):
        return choose(waiters, {}, ())
    declared = dict(connection.execute(QUERIES["list_resources"]).fetchall())
    return choose(waiters, declared, connection.execute(QUERIES["list_held_slots"]).fetchall())


def insert_holds(connection: Connection, run_id: int, slots: Slots, at: int | None, *, step: str = "") -> None:
    connection.executemany(
        QUERIES["insert_hold"],
        [
            {"resource": name, "slot": slot, "run_id": run_id, "step": step, "held_since": at}
            for name, numbers in slots.items()
            for slot in numbers
        ],
    )


def _give_to_step(connection: Connection, waiter: Waiter, slots: Slots, at: int | None) -> None:
    values = {"run_id": waiter.run_id, "step": waiter.step, "slots": encode_object(slots)}
    insert_holds(connection, waiter.run_id, slots, at, step=waiter.step)
    connection.execute(QUERIES["delete_wait"], values)
    connection.execute(QUERIES["give_slots_to_step"], values)


def _read_slots(connection: Connection, values: Mapping[str, object]) -> dict[str, list[int]]:
    slots: dict[str, list[int]] = {}
    for name, slot in sorted(connection.execute(QUERIES["list_slots_of_step"], values).fetchall()):
        slots.setdefault(name, []).append(slot)
    return slots


def _now() -> int | None:
    return to_microseconds(datetime.now(UTC))
