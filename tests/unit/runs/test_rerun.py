"""A rerun is an ordinary start: its scope, its steps and its parameters come from the run that it repeats."""

from datetime import UTC, datetime
from typing import Final

import pytest
from msgspec.structs import replace

from solorun.errors import FieldError, InvalidRequest, RunNotEnded
from solorun.parameter import Parameter, ParameterType, ParamValue
from solorun.project import Project
from solorun.run import Run, RunStep
from solorun.runs.rerun import find_missing_params, plan_rerun
from solorun.status import Status, StepStatus
from tests.fakes.engine import declare

STEPS: Final = ("extract", "generate", "review", "publish")
PROJECT: Final = declare(steps=STEPS, params=("date", "key"))

COMPLETED, SKIPPED = StepStatus.COMPLETED, StepStatus.SKIPPED
_IDS: Final = "run-{}"


def ended(
    scope: str = "full",
    *,
    stopped: StepStatus = StepStatus.FAILED,
    at: str | None = "review",
    params: dict[str, ParamValue] | None = None,
    status: Status = Status.FAILED,
    project: Project = PROJECT,
) -> Run:
    """A run that stopped in the step `at`, or completed."""
    names = [step.name for step in project.find_steps(scope) or ()]
    position = len(names) if at is None else names.index(at)
    statuses = [COMPLETED] * position + [stopped] + [SKIPPED] * len(names)
    steps = tuple(RunStep(name, status) for name, status in zip(names, statuses, strict=False))
    return Run(7, project.name, scope, status, "cli", params or {}, datetime.now(UTC), steps=steps)


@pytest.mark.parametrize(
    ("scope", "from_step", "expected", "steps"),
    [
        ("full", "start", "full", STEPS),
        ("full", "extract", "full", STEPS),
        ("full", "failed", "from:review", ("review", "publish")),
        ("full", "generate", "from:generate", ("generate", "review", "publish")),
        ("full", "publish", "from:publish", ("publish",)),
        ("from:generate", "start", "from:generate", ("generate", "review", "publish")),
        ("from:generate", "failed", "from:review", ("review", "publish")),
        ("review", "start", "review", ("review",)),
        ("review", "failed", "review", ("review",)),
        ("review", "review", "review", ("review",)),
    ],
)
def test_a_rerun_stays_within_the_scope_of_its_run(
    scope: str, from_step: str, expected: str, steps: tuple[str, ...]
) -> None:
    plan = plan_rerun(PROJECT, ended(scope), from_step, "api", {})

    assert (plan.scope, plan.steps) == (expected, steps)


@pytest.mark.parametrize("stopped", [StepStatus.FAILED, StepStatus.CANCELLED, StepStatus.INTERRUPTED])
def test_the_failed_step_is_the_one_that_stopped_the_run(stopped: StepStatus) -> None:
    plan = plan_rerun(PROJECT, ended(stopped=stopped, at="generate"), "failed", "api", {})

    assert plan.scope == "from:generate"


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (ended(at=None, status=Status.COMPLETED), "run 7 has no failed step; its status is completed"),
        (ended(at="extract", stopped=SKIPPED), "run 7 has no failed step; its status is failed"),
    ],
    ids=["completed", "failed before its first step"],
)
def test_a_run_without_a_failed_step_has_no_failed_step_to_start_from(run: Run, message: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan_rerun(PROJECT, run, "failed", "api", {})

    assert caught.value.errors == (FieldError("/from", message),)


@pytest.mark.parametrize("from_step", ["polish", "extract", "", "from:review", "x" * 10_000])
def test_a_step_that_the_run_does_not_have_is_refused(from_step: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan_rerun(PROJECT, ended("from:generate"), from_step, "api", {})

    [fault] = caught.value.errors
    assert fault.pointer == "/from"
    assert "is not a step of run 7; it has: generate, review, publish" in fault.message
    assert len(fault.message) < 300


@pytest.mark.parametrize(("from_step", "removed"), [("start", "generate, publish"), ("review", "publish")])
def test_steps_that_the_project_no_longer_has_are_named(from_step: str, removed: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan_rerun(declare(steps=("extract", "review")), ended(), from_step, "api", {})

    assert caught.value.errors == (FieldError("/from", f"handbook no longer has these steps of run 7: {removed}"),)


def test_a_removed_step_that_would_be_skipped_does_not_matter() -> None:
    project = declare(steps=("review", "publish"))

    plan = plan_rerun(project, ended(), "review", "api", {})

    assert plan.steps == ("review", "publish")


def test_a_step_that_was_added_since_is_part_of_the_scope() -> None:
    project = declare(steps=("extract", "generate", "review", "proofread", "publish"))

    plan = plan_rerun(project, ended(), "failed", "api", {})

    assert plan.steps == ("review", "proofread", "publish")


@pytest.mark.parametrize("status", [Status.QUEUED, Status.PENDING, Status.RUNNING])
def test_a_run_that_has_not_ended_cannot_be_repeated(status: Status) -> None:
    run = replace(ended(), status=status)

    with pytest.raises(RunNotEnded) as refusal:
        plan_rerun(PROJECT, run, "start", "api", {})

    assert refusal.value.run is run


def test_parameters_replace_those_of_the_run_and_null_stands_for_the_default() -> None:
    run = ended(params={"date": "monday", "key": "old"})

    plan = plan_rerun(PROJECT, run, "start", "api", {"key": "new", "date": None})

    assert plan.params == {"date": None, "key": "new"}


def test_parameters_that_the_project_no_longer_has_are_all_named() -> None:
    run = ended(params={"date": "monday", "tone": "dry", "length": "3"})

    with pytest.raises(InvalidRequest) as caught:
        plan_rerun(PROJECT, run, "polish", "api", {"new": "x"})

    assert [fault.pointer for fault in caught.value.errors] == [
        "/from",
        "/params/tone",
        "/params/length",
        "/params/new",
    ]
    assert caught.value.errors[1].message == "was a parameter of run 7; handbook no longer has it"


def test_a_value_that_no_longer_fits_its_declaration_is_refused() -> None:
    project = declare(steps=STEPS, params=(Parameter("date", ParameterType.INTEGER), "key"))

    with pytest.raises(InvalidRequest) as caught:
        plan_rerun(project, ended(params={"date": "monday"}), "start", "api", {})

    assert caught.value.errors == (FieldError("/params/date", "must be an integer"),)


@pytest.mark.parametrize("masked", ["***", "Bearer ***", "first\n***", ("a", "***")])
def test_a_masked_parameter_is_missing_until_it_is_given_again(masked: ParamValue) -> None:
    project = declare(steps=STEPS, params=("date", Parameter("key", required=True)))
    run = ended(params={"date": "monday", "key": masked})

    with pytest.raises(InvalidRequest) as caught:
        plan_rerun(project, run, "start", "api", {})

    message = "is secret and was not kept by run 7; give it again"
    assert caught.value.errors == (FieldError("/params/key", message),)
    assert find_missing_params(run, {}) == ("key",)
    assert plan_rerun(project, run, "start", "api", {}, optional=["key"]).params == {"date": "monday"}
    assert plan_rerun(project, run, "start", "api", {"key": "secret"}).params == {"date": "monday", "key": "secret"}
