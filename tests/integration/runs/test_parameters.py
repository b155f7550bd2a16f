"""The parameters of a start: their types, their defaults, their errors, and their secrets."""

from pathlib import Path
from typing import Any, Final

import pytest

from solorun.errors import FieldError, InvalidRequest
from solorun.logs.masking import LIMITS_TEXT
from solorun.parameter import Parameter, ParameterType
from solorun.queueing import ConflictPolicy
from solorun.record import Stream
from solorun.status import Status
from tests.fakes.engine import declare, open_engine

SECRET: Final = "correct horse battery"
PARAMETERS: Final = (
    Parameter("environment", ParameterType.CHOICE, choices=("staging", "production"), default="staging"),
    Parameter("version", required=True, pattern="v[0-9]+"),
    Parameter("replicas", ParameterType.INTEGER, default=2, min=1, max=9),
    Parameter("ratio", ParameterType.NUMBER),
    Parameter("dry_run", ParameterType.BOOLEAN, default=False),
    Parameter("tags", ParameterType.LIST),
    Parameter("token", secret=True),
)


async def test_values_are_typed_and_defaults_applied_for_the_row_and_the_steps(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(params=PARAMETERS)) as engine:
        run = await engine.manager.start_run(
            "handbook",
            params={"version": "v3", "replicas": "4", "tags": "a\nb", "ratio": 1, "dry_run": None, "environment": None},
        )
        step = await engine.executor.step("extract")

        values = {
            "environment": "staging",
            "version": "v3",
            "replicas": 4,
            "ratio": 1,
            "dry_run": False,
            "tags": ("a", "b"),
        }
        assert run.params == values
        assert step.context.params == values
        assert (await engine.store.get_run(run.id)).params == values


async def test_a_step_cannot_change_the_parameters_of_the_next_one(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(params=("date",))) as engine:
        await engine.manager.start_run("handbook", params={"date": "today"})
        first = await engine.executor.step("extract")
        dict.clear(first.context.params)  # type: ignore[arg-type] # a mapping that a step may not change
        first.end()

        assert (await engine.executor.step("generate")).context.params == {"date": "today"}


async def test_all_errors_of_a_start_are_reported_together_one_for_each_field(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(params=PARAMETERS)) as engine:
        with pytest.raises(InvalidRequest) as refusal:
            await engine.manager.start_run(
                "handbook",
                scope="no",
                triggered_by="",
                params={
                    "environment": "live",
                    "replicas": 10,
                    "ratio": "1e400",
                    "dry_run": "yes",
                    "tags": [["deep"]],
                    "token": 12345,
                    "other/one": 1,
                },
            )

        errors = refusal.value.errors
        assert {error.pointer: error.message for error in errors[2:]} == {
            "/params/other~1one": "is not a parameter of handbook; it has: environment, version, replicas, ratio, "
            "dry_run, tags, token",
            "/params/environment": "must be one of staging, production",
            "/params/version": "is required",
            "/params/replicas": "must be at most 9",
            "/params/ratio": "must be a finite number",
            "/params/dry_run": "must be true or false",
            "/params/tags": "item 1 must be one line of text",
            "/params/token": "must be text",
        }
        assert [error.pointer for error in errors[:2]] == ["/scope", "/triggered_by"]


@pytest.mark.parametrize(
    ("params", "pointer"),
    [
        ({"nothing": "x"}, "/params/nothing"),
        ({"date": "a\0b"}, "/params/date"),
        ({"date": "x" * 4097}, "/params/date"),
        ({"date": "\ud800"}, "/params/date"),
        ({"a/b~": "x"}, "/params/a~1b~0"),
        ({"x" * 1_000_000: "x"}, "/params/" + "x" * 100),
    ],
)
async def test_an_invalid_parameter_is_refused(tmp_path: Path, params: dict[str, str], pointer: str) -> None:
    async with open_engine(tmp_path, declare(params=("date",))) as engine:
        with pytest.raises(InvalidRequest) as caught:
            await engine.manager.start_run("handbook", params=params)

        assert [fault.pointer for fault in caught.value.errors] == [pointer]


@pytest.mark.parametrize("value", [None, ""])
async def test_an_empty_value_of_a_required_parameter_is_missing(tmp_path: Path, value: str | None) -> None:
    async with open_engine(tmp_path, declare(params=(Parameter("date", required=True),))) as engine:
        with pytest.raises(InvalidRequest) as refusal:
            await engine.manager.start_run("handbook", params={"date": value})

        assert refusal.value.errors == (FieldError("/params/date", "is required"),)


async def test_the_parameters_of_a_start_fit_into_one_variable(tmp_path: Path) -> None:
    names = tuple(f"p{number}" for number in range(40))
    async with open_engine(tmp_path, declare(params=names)) as engine:
        with pytest.raises(InvalidRequest) as refusal:
            await engine.manager.start_run("handbook", params=dict.fromkeys(names, "x" * 4096))

        [error] = refusal.value.errors
        assert error == FieldError("/params", "take more than 122880 bytes together, as JSON")


async def test_secret_parameters_are_masked_in_the_row_but_reach_the_step(tmp_path: Path) -> None:
    project = declare(params=("key",), secrets=("API_KEY",))
    async with open_engine(tmp_path, project, environ={"API_KEY": "correct-horse"}) as engine:
        run = await engine.manager.start_run("handbook", params={"key": "correct-horse"})
        step = await engine.executor.step("extract")

        assert run.params == {"key": "***"}
        assert step.context.params == {"key": "correct-horse"}


async def test_a_secret_parameter_is_masked_wherever_it_appears(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",), params=PARAMETERS)) as engine:
        run = await engine.manager.start_run(
            "handbook",
            triggered_by=f"by {SECRET}",
            params={"version": "v1", "token": SECRET, "tags": ["a", f"-{SECRET}-"]},
        )
        step = await engine.executor.step("extract")
        await step.context.output.write("extract", Stream.STDOUT, [f"the token is {SECRET}"])
        await engine.manager.cancel_run(run.id, requested_by=SECRET, reason=f"leaks {SECRET}")
        records = await engine.log_of(run.id)

        assert step.context.params["token"] == SECRET
        assert (run.params["token"], run.params["tags"], run.triggered_by) == ("***", ("a", "-***-"), "by ***")
        assert "the token is ***" in [record.message for record in records]
        ended = await engine.end_of(run.id)
        assert (ended.status, ended.cancel_requested_by, ended.cancel_reason) == (Status.CANCELLED, "***", "leaks ***")


async def test_a_number_that_contains_a_secret_is_masked(tmp_path: Path) -> None:
    params = (Parameter("pin", secret=True), Parameter("number", ParameterType.INTEGER))
    async with open_engine(tmp_path, declare(params=params)) as engine:
        run = await engine.manager.start_run("handbook", params={"pin": "987654", "number": 19876542})

        assert run.params == {"pin": "***", "number": "1***2"}


@pytest.mark.parametrize(
    ("secrets", "message"),
    [
        ({"a": "1234"}, "has fewer than 5 characters, so it could not be masked in the log"),
        ({"a": "  12 \n 34  "}, "has fewer than 5 characters, so it could not be masked in the log"),
        (
            {name: "\n".join(f"'{name}\"é<{line:03}" for line in range(370)) for name in "abcdef"},
            f"cannot be masked: {LIMITS_TEXT}",
        ),
    ],
)
async def test_a_secret_that_cannot_be_masked_is_refused(tmp_path: Path, secrets: dict[str, Any], message: str) -> None:
    params = tuple(Parameter(name, secret=True) for name in secrets)
    async with open_engine(tmp_path, declare(params=params)) as engine:
        with pytest.raises(InvalidRequest) as refusal:
            await engine.manager.start_run("handbook", params=secrets)

        assert message in {error.message for error in refusal.value.errors}
        assert await engine.store.list_runs() == []
        await engine.manager.start_run("handbook")


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELLED])
async def test_no_file_contains_a_secret_parameter(tmp_path: Path, status: Status) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",), params=PARAMETERS)) as engine:
        run = await engine.manager.start_run("handbook", params={"version": "v1", "token": SECRET})
        step = await engine.executor.step("extract")
        await step.context.output.write("extract", Stream.STDERR, [SECRET, f"x{SECRET}y"])
        assert find_files_with(SECRET, tmp_path) == []
        if status is Status.CANCELLED:
            await engine.manager.cancel_run(run.id)
        step.end()
        assert (await engine.end_of(run.id)).status is status
        assert find_files_with(SECRET, tmp_path) == []

    assert find_files_with(SECRET, tmp_path) == []


async def test_a_queued_run_has_its_secrets_after_a_restart_and_no_file_has_them_in_the_end(tmp_path: Path) -> None:
    project = declare(steps=("extract",), params=PARAMETERS, on_conflict=ConflictPolicy.QUEUE)
    given = {"version": "v1", "tags": ["a", f"-{SECRET}-"], "token": SECRET}
    async with open_engine(tmp_path, project, drain=False) as engine:
        await engine.manager.start_run("handbook", params={"version": "v1"})
        waiting = await engine.manager.start_run("handbook", params=given)
        assert waiting.params == {**defaults(), "version": "v1", "tags": ("a", "-***-"), "token": "***"}
        engine.faults.die()

    async with open_engine(tmp_path, project, owner="a later start") as engine:
        step = await engine.executor.step("extract")
        await step.context.output.write("extract", Stream.STDOUT, [SECRET])
        assert step.context.run_id == waiting.id
        assert (step.context.params["token"], step.context.params["tags"]) == (SECRET, ("a", f"-{SECRET}-"))
        step.end()
        ended = await engine.end_of(waiting.id)
        assert (ended.status, ended.params) == (Status.COMPLETED, waiting.params)

    assert find_files_with(SECRET, tmp_path) == []


async def test_a_cancel_erases_the_secrets_of_a_queued_run(tmp_path: Path) -> None:
    project = declare(steps=("extract",), params=PARAMETERS, on_conflict=ConflictPolicy.QUEUE)
    async with open_engine(tmp_path, project) as engine:
        await engine.manager.start_run("handbook", params={"version": "v1"})
        waiting = await engine.manager.start_run("handbook", params={"version": "v1", "token": SECRET})

        await engine.manager.cancel_run(waiting.id, requested_by=SECRET, reason=f"leaks {SECRET}")

        ended = await engine.store.get_run(waiting.id)
        assert (ended.status, ended.cancel_requested_by, ended.cancel_reason) == (Status.CANCELLED, "***", "leaks ***")

    assert find_files_with(SECRET, tmp_path) == []


def defaults() -> dict[str, object]:
    return {parameter.name: parameter.default for parameter in PARAMETERS if parameter.default is not None}


def find_files_with(text: str, directory: Path) -> list[Path]:
    """The files that contain the text, or have it in their names."""
    files = [path for path in directory.rglob("*") if path.is_file()]
    return [path for path in files if text in path.name or text.encode() in path.read_bytes()]
