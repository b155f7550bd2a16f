"""The structures on the wire that concern runs: the bodies of a start, a rerun and a cancel, and their results."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from solorun.project import FULL_SCOPE
from solorun.queueing import ConflictPolicy
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
