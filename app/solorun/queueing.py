"""What a start does when what it needs is taken, and which of the queued runs may begin. Values only."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import msgspec

Slots = Mapping[str, Sequence[int]]
"""The numbers of a run's slots, ascending, by resource."""


class ConflictPolicy(StrEnum):
    """What a start does when its project or a resource is taken."""

    REJECT = "reject"
    JOIN = "join"
    QUEUE = "queue"
    REPLACE = "replace"


class StartResult(StrEnum):
    """What a start has led to. A replacement is started, not queued: it begins next."""

    STARTED = "started"
    QUEUED = "queued"
    JOINED = "joined"


class Hold(msgspec.Struct, frozen=True):
    """One slot of a resource, held by a run, or by one of its steps (`step` is "" for the run itself)."""

    resource: str
    slot: int
    run_id: int
    project: str
    step: str
    held_since: datetime


class JoinChoice(msgspec.Struct, frozen=True):
    """What `join` would do: return the run `run_id`, if that is possible."""

    possible: bool
    run_id: int | None
    reason: str | None = None


class QueueChoice(msgspec.Struct, frozen=True):
    """What `queue` would do: wait at `position`, and begin at about `estimated_start_at` (None if unknown)."""

    possible: bool
    position: int | None
    estimated_start_at: datetime | None
    reason: str | None = None


class ReplaceChoice(msgspec.Struct, frozen=True):
    """What `replace` would do: cancel the run `cancels` (None if only resources are taken), then begin."""

    cancels: int | None
    possible: bool = True


class Choices(msgspec.Struct, frozen=True):
    """What the other conflict policies would do with a refused start."""

    join: JoinChoice
    queue: QueueChoice
    replace: ReplaceChoice


@dataclass(frozen=True, slots=True)
class Waiter:
    """The first queued run of a project, or a step that waits. `is_free` is False while its project has an active run.

    `needs` is how many slots of each resource it needs.
    """

    run_id: int
    needs: Mapping[str, int]
    is_free: bool = True
    step: str = ""


def find_free_slots(declared: Mapping[str, int], held: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    """The free slots of each declared resource, ascending."""
    taken = set(held)
    return {name: [slot for slot in range(count) if (name, slot) not in taken] for name, count in declared.items()}


def choose(
    waiters: Iterable[Waiter], declared: Mapping[str, int], held: Iterable[tuple[str, int]]
) -> list[tuple[Waiter, dict[str, list[int]]]]:
    """Those that begin now, each with its slots: all that it needs, or none.

    The smallest run id goes first. A waiter that lacks only slots keeps later ones from every resource it needs, or a
    run that needs two slots would wait for ever behind runs that need one. One that needs more than is declared does
    not: its turn comes when the declaration changes.
    """
    left = find_free_slots(declared, held)
    chosen = []
    for waiter in sorted(waiters, key=lambda waiter: (waiter.run_id, waiter.step)):
        if not waiter.is_free or any(declared.get(name, 0) < count for name, count in waiter.needs.items()):
            continue
        if all(len(left[name]) >= count for name, count in waiter.needs.items()):
            slots = {name: left[name][:count] for name, count in sorted(waiter.needs.items())}
            for name, taken in slots.items():
                left[name] = left[name][len(taken) :]
            chosen.append((waiter, slots))
        else:
            left |= {name: [] for name in waiter.needs}
    return chosen
