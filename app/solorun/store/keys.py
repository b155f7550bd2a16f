"""The part of the store's contract that is about idempotency keys. Keys are inserted with their runs (`runs.py`)."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from solorun.idempotency_key import IdempotencyKey
from solorun.queueing import StartResult
from solorun.run import Run


@dataclass(frozen=True, slots=True)
class KeyedRun:
    """The run to which the first start with an idempotency key has led, and how."""

    run: Run
    result: StartResult


class KeyStore(Protocol):
    """To which run each idempotency key has led."""

    async def find_run_by_key(self, project: str, key: IdempotencyKey, *, at: datetime) -> KeyedRun | None:
        """The run of the project to which the key has led less than KEY_LIFETIME before `at`.

        Cheap if the key is new, because starts that are refused ask for it. Raises IdempotencyKeyReused if the request
        was another one, and RunNotFound if the run has been deleted: even then, the key starts no second run.
        """

    async def record_key(self, project: str, key: IdempotencyKey, run_id: int, *, at: datetime) -> None:
        """Record that a start with this key has joined a run. Raises StartRepeated if the key has led to a run."""

    async def acknowledge_start(self, project: str, key: IdempotencyKey, *, at: datetime) -> bool:
        """Record that a repeated start is answered with the run of its key: the run is no longer given up.

        False if the key leads to no run.
        """
