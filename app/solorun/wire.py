"""The one JSON encoding, and the structures on the wire: request bodies, and responses that are not values themselves.

Service and client share them, so each field has one name.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from solorun.hook import HookDelivery, Verification
from solorun.parameter import Parameter
from solorun.project import FULL_SCOPE
from solorun.queueing import Choices, ConflictPolicy, Hold
from solorun.record import Record
from solorun.right import Right
from solorun.run import CALLER_PATTERN, MAX_CALLER_CHARACTERS, Artifact, Run
from solorun.status import StepStatus

Caller = Annotated[str, Meta(min_length=1, max_length=MAX_CALLER_CHARACTERS, pattern=CALLER_PATTERN)]
_CALLER_SCHEMA: Final = {"minLength": 1, "maxLength": MAX_CALLER_CHARACTERS, "pattern": CALLER_PATTERN}
_PARAMS_SCHEMA: Final = {
    "description": 'Values of the declared types, or text as in a form: `3` or `"3"`. `null` stands for the default.',
    "additionalProperties": {
        "anyOf": [
            *({"type": kind} for kind in ("string", "number", "boolean", "null")),
            {"type": "array", "items": {"type": "string"}},
        ]
    },
}

FROM_START: Final = "start"
FROM_FAILED: Final = "failed"
"""The values of a rerun's `from` that are not names of steps."""

_encoder: Final = msgspec.json.Encoder()

encode = _encoder.encode
"""A value as JSON bytes, its members in the order of its fields."""
encode_records = _encoder.encode_lines
"""NDJSON with a final newline: a segment's payload."""
decode_run = msgspec.json.Decoder(Run).decode
decode_records = msgspec.json.Decoder(Record).decode_lines
"""The records in NDJSON bytes."""


def is_encodable(text: str) -> bool:
    """Whether `text` can be sent: a lone surrogate, as an undecodable file name has, is not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


class StartRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a start. `triggered_by` is a short word for what started the run.

    `on_conflict` is what to do if the project or a resource is taken; None means what the project declares.
    """

    # The engine checks the values with the project's declaration, which reports all errors together. Types that msgspec
    # checks would hide the others.
    scope: str = FULL_SCOPE
    triggered_by: Annotated[str, Meta(extra_json_schema=_CALLER_SCHEMA)] = "api"
    params: Annotated[dict[str, Any], Meta(extra_json_schema=_PARAMS_SCHEMA)] = {}
    on_conflict: ConflictPolicy | None = None


class RerunRequest(msgspec.Struct, forbid_unknown_fields=True):
    """The body of a rerun. `from` is `start`, `failed` (the step that stopped the run) or the name of a step.

    `params` replace those of the run that is repeated.
    """

    from_step: str = msgspec.field(default=FROM_START, name="from")
    triggered_by: Annotated[str, Meta(extra_json_schema=_CALLER_SCHEMA)] = "api"
    params: Annotated[dict[str, Any], Meta(extra_json_schema=_PARAMS_SCHEMA)] = {}
    on_conflict: ConflictPolicy | None = None


class CancelRequest(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The body of a cancel. `grace_seconds` can only shorten the grace, also that of an earlier cancel."""

    reason: Annotated[str, Meta(max_length=500)] = ""
    requested_by: Caller = "api"
    grace_seconds: Annotated[float, Meta(ge=0)] | None = None


class RunLinks(msgspec.Struct, frozen=True):
    """The addresses of a run."""

    self: str
    events: str
    cancel: str


class ProblemFieldError(msgspec.Struct, frozen=True):
    """One error in a request body."""

    pointer: str
    message: str


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457. `run-active` adds `active_run`, `links` and `choices`, `resource-busy` adds `holders` and `choices`,
    `run-not-active` and `run-not-ended` add `run`.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: tuple[ProblemFieldError, ...] = ()
    active_run: Run | None = None
    links: RunLinks | None = None
    holders: tuple[Hold, ...] = ()
    choices: Choices | None = None
    run: Run | None = None


class StartedRun(Run, frozen=True):
    """A run that was just started, or that the start `joined`.

    `configuration_faults`: why it uses an earlier version of solorun.toml. `replayed`: an earlier start with the same
    idempotency key led to it. `worker_missing`: the run waits, because no connected worker has its labels.
    """

    configuration_faults: tuple[str, ...] = ()
    joined: bool = False
    replayed: bool = False
    worker_missing: bool = False


class SkippedStep(msgspec.Struct, frozen=True):
    """A step that a rerun would not repeat, and the last of the repeated runs that executed it.

    `status` is how the step ended in that run. Both are None if none of these runs executed the step.
    """

    name: str
    run_id: int | None = None
    status: StepStatus | None = None


class RerunPreview(msgspec.Struct, frozen=True):
    """What a rerun would do. `steps` would run; `skipped` are the steps before them.

    `missing_params` are secret, and must be in the body's `params`. `latest_run_id` is the project's latest run: all
    runs of a project share its workspace, so a run other than those in `skipped` may have changed their results.
    """

    rerun_of: int
    project: str
    scope: str
    steps: tuple[str, ...]
    skipped: tuple[SkippedStep, ...]
    missing_params: tuple[str, ...]
    latest_run_id: int
    results_on: tuple[str, ...] = ()
    """The workers on whose hosts the results of `skipped` are, if the hosts share no directory: others lack them."""


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


class RunPage(msgspec.Struct, frozen=True):
    """Runs, newest first. `next_cursor` is None on the last page."""

    runs: tuple[Run, ...]
    next_cursor: str | None


class PrunedProject(msgspec.Struct, frozen=True):
    """How many old runs of a project are deleted, and the size of their logs and artifacts."""

    project: str
    runs: int
    size_bytes: int


class PruneReport(msgspec.Struct, frozen=True):
    """The runs that projects no longer keep. With `dry_run`, nothing is deleted."""

    dry_run: bool
    runs: int
    size_bytes: int
    projects: tuple[PrunedProject, ...]


class ArtifactList(msgspec.Struct, frozen=True):
    """Artifacts by name. `next_cursor` is None on the last page. `truncated`: the run has more than are ever listed."""

    artifacts: tuple[Artifact, ...]
    next_cursor: str | None
    truncated: bool
