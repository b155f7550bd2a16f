"""The model of queues and resources: what a store must say after any sequence of calls. Shares no code with a store."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from solorun.queueing import ConflictPolicy


@dataclass
class ModelRun:
    """A run of the model. `is_waiting`: its step waits for `step_needs`. `is_claimed`: a service has it."""

    id: int
    project: str
    needs: Mapping[str, int]
    step_needs: Mapping[str, int]
    status: str
    replaces: int | None = None
    is_waiting: bool = False
    is_claimed: bool = False
    slots: dict[str, list[int]] = field(default_factory=dict)
    step_slots: dict[str, list[int]] = field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        return self.status in ("pending", "running")


class QueueModel:
    """Runs by id, and the declared resources. The first in line gets what is free, or keeps it from the others."""

    def __init__(self) -> None:
        self.runs: dict[int, ModelRun] = {}
        self.declared: dict[str, int] = {}

    def find_active(self, project: str) -> ModelRun | None:
        return next((run for run in self.runs.values() if run.project == project and run.is_active), None)

    def queue(self, project: str) -> list[ModelRun]:
        queued = [run for run in self.runs.values() if run.project == project and run.status == "queued"]
        return sorted(queued, key=lambda run: (run.replaces is None, run.id))

    def held(self) -> dict[tuple[str, int], int]:
        return {
            (name, slot): run.id
            for run in self.runs.values()
            for slots in (run.slots, run.step_slots)
            for name, numbers in slots.items()
            for slot in numbers
            if run.is_active
        }

    def start(self, new: ModelRun, policy: ConflictPolicy) -> str:
        """What the store answers: a status, or the name of the refusal. `new.id` is the id of an accepted run."""
        active = self.find_active(new.project)
        can_begin = active is None and not self.queue(new.project)
        if can_begin and self._can_take(new, new.needs, last=True):
            new.status = "pending"
            new.is_claimed = True
            self.runs[new.id] = new
            new.slots = self._take(new.needs)
        elif policy in (ConflictPolicy.REJECT, ConflictPolicy.JOIN):
            return "active" if active is not None else "busy"
        else:
            if policy is ConflictPolicy.REPLACE:
                earlier = next((run for run in self.queue(new.project) if run.replaces is not None), None)
                if earlier is not None:
                    earlier.status = "cancelled"
                new.replaces = active.id if active is not None else earlier.replaces if earlier else None
            new.status = "queued"
            self.runs[new.id] = new
            if policy is ConflictPolicy.REPLACE and active is not None and not active.is_claimed:
                self.end(active, "cancelled")  # No service has to stop it.
        return new.status

    def end(self, run: ModelRun, status: str) -> None:
        run.status = status
        run.is_waiting = False
        self.promote()

    def take_step(self, run: ModelRun) -> bool:
        if run.step_slots or not run.step_needs:
            return True
        run.is_waiting = True
        if self._can_take(run, run.step_needs, last=False):
            run.step_slots = self._take(run.step_needs)
            run.is_waiting = False
        return not run.is_waiting

    def release_step(self, run: ModelRun) -> None:
        run.step_slots = {}
        self.promote()

    def promote(self) -> None:
        """Go along the line once, in the order of the ids."""
        for run in self._line():
            needs = run.step_needs if run.is_waiting else run.needs
            if not self._can_take(run, needs, last=False):
                continue
            if run.is_waiting:
                run.step_slots, run.is_waiting = self._take(needs), False
            else:
                run.status, run.slots = "pending", self._take(needs)

    def _line(self) -> list[ModelRun]:
        """Those that lack nothing but resources: heads of queues whose project is free, and waiting steps."""
        projects = {run.project for run in self.runs.values() if run.status == "queued"}
        heads = [self.queue(project)[0] for project in projects if self.find_active(project) is None]
        waiting = [run for run in self.runs.values() if run.is_active and run.is_waiting]
        return sorted(filter(self._can_ever_take, [*heads, *waiting]), key=lambda run: run.id)

    def _can_ever_take(self, run: ModelRun) -> bool:
        """A run that needs more than is declared waits, and keeps nothing from the others."""
        needs = run.step_needs if run.is_waiting else run.needs
        return all(self.declared.get(name, 0) >= count for name, count in needs.items())

    def _can_take(self, run: ModelRun, needs: Mapping[str, int], *, last: bool) -> bool:
        """Whether all that it needs is free, and no one before it in the line waits for any of it."""
        before = [other for other in self._line() if last or other.id < run.id]
        wanted = {name for other in before for name in (other.step_needs if other.is_waiting else other.needs)}
        return all(len(self._free(name)) >= count and name not in wanted for name, count in needs.items())

    def _free(self, name: str) -> list[int]:
        held = self.held()
        return [slot for slot in range(self.declared.get(name, 0)) if (name, slot) not in held]

    def _take(self, needs: Mapping[str, int]) -> dict[str, list[int]]:
        return {name: self._free(name)[:count] for name, count in needs.items()}
