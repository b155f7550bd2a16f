"""What must hold of queues and resources. The moves of runs and of holds are numbered together, in commit order."""

from collections import defaultdict
from collections.abc import Iterator

from solorun.status import ACTIVE, TERMINAL, Status
from tests.faults.evidence import Evidence


def queues_are_in_order(evidence: Evidence) -> Iterator[str]:
    """A run becomes pending only when no other of its project was queued before it. A replacement goes first."""
    queued: dict[str, set[int]] = defaultdict(set)
    rows = evidence.database.runs
    for move in evidence.database.moves:
        if move.after == Status.QUEUED:
            queued[move.project].add(move.run_id)
            continue
        waited = move.run_id in queued[move.project]
        queued[move.project].discard(move.run_id)
        if move.after != Status.PENDING or move.run_id not in rows:
            continue
        rank = (rows[move.run_id].replaces is None, move.run_id)
        before = [
            other
            for other in queued[move.project]
            if other in rows and (not waited or (rows[other].replaces is None, other) < rank)
        ]
        if before:
            yield f"run {move.run_id} of {move.project} overtook {sorted(before)}"


def freed_projects_are_given_on(evidence: Evidence) -> Iterator[str]:
    """The transaction that frees a project promotes the next of its queue, unless that waits for a resource.

    A start is a transaction of its own: none may lie between the end of a run and the promotion of the next.
    """
    queued: dict[str, set[int]] = defaultdict(set)
    free: dict[str, bool] = defaultdict(lambda: True)
    rows = evidence.database.runs
    for move in evidence.database.moves:
        if move.before is None:
            for project, waiting in queued.items():
                able = [run_id for run_id in waiting if run_id in rows and not rows[run_id].resources]
                if free[project] and able and len(able) == len(waiting):
                    yield f"{project} was free when run {move.run_id} was inserted, but runs {sorted(able)} were queued"
        if move.after == Status.QUEUED:
            queued[move.project].add(move.run_id)
        else:
            queued[move.project].discard(move.run_id)
        if move.after in ACTIVE:
            free[move.project] = False
        elif move.before in ACTIVE:
            free[move.project] = True


def slots_have_one_holder(evidence: Evidence) -> Iterator[str]:
    """No slot is taken twice, and no hold outlives its run."""
    holder: dict[tuple[str, int], int] = {}
    for hold in evidence.database.holds:
        key = (hold.resource, hold.slot)
        if not hold.is_taken:
            holder.pop(key, None)
        elif key in holder:
            yield f"slot {hold.slot} of {hold.resource} was taken by run {hold.run_id}, but run {holder[key]} holds it"
        else:
            holder[key] = hold.run_id
    for (resource, slot), run_id in holder.items():
        row = evidence.database.runs.get(run_id)
        if row is None or row.status in TERMINAL:
            yield f"run {run_id} is {row and row.status}, but holds slot {slot} of {resource}"


def active_runs_hold_their_slots(evidence: Evidence) -> Iterator[str]:
    """From the transaction that makes it pending, a run holds all that it requires, and a queued run holds nothing.

    A start is a transaction of its own: the slots that a run requires must be complete before the next one.
    """
    held: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    active: set[int] = set()
    rows = evidence.database.runs
    holds = iter([*evidence.database.holds, None])
    hold = next(holds)
    for move in evidence.database.moves:
        while hold is not None and hold.number < move.number:
            if not hold.step:
                held[hold.run_id][hold.resource] += 1 if hold.is_taken else -1
            hold = next(holds)
        is_boundary = move.before is None or move.after == Status.RUNNING
        for run_id in sorted(active) if is_boundary else ():
            missing = {
                name: count for name, count in rows[run_id].resources.items() if held[run_id].get(name, 0) < count
            }
            if missing and run_id != move.run_id:
                yield f"run {run_id} was active without {missing}"
        if move.after == Status.RUNNING and move.run_id in rows:
            for name, count in rows[move.run_id].resources.items():
                if held[move.run_id].get(name, 0) < count:
                    yield f"run {move.run_id} was running with {held[move.run_id].get(name, 0)} of {count} {name}"
        if move.after in ACTIVE and move.run_id in rows:
            active.add(move.run_id)
        else:
            active.discard(move.run_id)
