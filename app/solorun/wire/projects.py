"""The structures on the wire that concern projects and the resources that they share."""

import msgspec

from solorun.hook import HookDelivery, Verification
from solorun.parameter import Parameter
from solorun.queueing import ConflictPolicy, Hold
from solorun.right import Right
from solorun.run import Run


class StepSummary(msgspec.Struct, frozen=True):
    """A step as declared."""

    name: str
    kind: str


class HookSummary(msgspec.Struct, frozen=True):
    """A hook as declared, and the last verified delivery. `path` is the path of its address."""

    name: str
    path: str
    verify: Verification
    last_delivery: HookDelivery | None = None


class ProjectSummary(msgspec.Struct, frozen=True):
    """A project as declared, with its active run and its latest one (possibly the same)."""

    name: str
    title: str
    steps: tuple[StepSummary, ...]
    scopes: tuple[str, ...]
    params: tuple[Parameter, ...]
    current_run: Run | None
    last_run: Run | None
    queued_runs: tuple[Run, ...] = ()
    """In the order in which they will begin."""
    on_conflict: ConflictPolicy = ConflictPolicy.REJECT
    """What a start does by default when the project or a resource is taken."""
    resources: dict[str, int] = {}
    """How many slots of each resource a run requires."""
    notify: tuple[str, ...] = ()
    """The targets that receive news about its runs."""
    hooks: tuple[HookSummary, ...] = ()
    configuration_faults: tuple[str, ...] = ()
    """Why a start would use an earlier version of solorun.toml."""
    rights: tuple[Right, ...] = ()
    """What the caller may do with it."""


class FamilySummary(msgspec.Struct, frozen=True):
    """A project pattern as declared, and the names of its projects that have runs."""

    pattern: str
    title: str
    steps: tuple[StepSummary, ...]
    scopes: tuple[str, ...]
    params: tuple[Parameter, ...]
    projects: tuple[str, ...]
    rights: tuple[Right, ...] = ()
    """What the caller may do with the pattern."""


class ProjectList(msgspec.Struct, frozen=True):
    """Projects and patterns, and the caller's rights in all of Solorun.

    `members` are the projects of the patterns that have runs. `undeclared` has the caller's rights in projects that
    have runs, and are no longer declared. With `shares_database`, other processes may execute runs too: see WorkerList.
    """

    projects: tuple[ProjectSummary, ...]
    families: tuple[FamilySummary, ...]
    members: tuple[ProjectSummary, ...] = ()
    rights: tuple[Right, ...] = ()
    undeclared: dict[str, tuple[Right, ...]] = {}
    shares_database: bool = False


class ResourceSummary(msgspec.Struct, frozen=True):
    """A resource, the slots that are held, and the runs that wait for it or have a step that does.

    `slots` is the number that was declared last, and `declared_slots` the one that this service has declared: another
    one on the same database may have another solorun.toml. `waiting` is in the order of the ids.
    """

    name: str
    slots: int
    declared_slots: int
    holds: tuple[Hold, ...]
    waiting: tuple[Run, ...]


class ResourceList(msgspec.Struct, frozen=True):
    resources: tuple[ResourceSummary, ...]
