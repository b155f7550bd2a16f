"""Parameters on the command line: how they are listed, given and refused."""

import io
import sys

import msgspec
import pytest

from solorun.parameter import Parameter, ParameterType
from solorun.wire.problems import ProblemFieldError
from solorun.wire.projects import ProjectSummary
from tests.fakes.command_line import RUNNING, Solorun, answer, problem

PROJECT = ProjectSummary(
    name="deploy",
    title="Deploy",
    steps=(),
    scopes=("full",),
    params=(
        Parameter("environment", ParameterType.CHOICE, choices=("staging", "production"), default="staging"),
        Parameter("version", required=True, pattern="v[0-9]+", description="The release"),
        Parameter("replicas", ParameterType.INTEGER, default=2, min=1, max=9),
        Parameter("ratio", ParameterType.NUMBER, max=0.5),
        Parameter("dry_run", ParameterType.BOOLEAN, default=False),
        Parameter("tags", ParameterType.LIST, default=("a", "b")),
        Parameter("note"),
        Parameter("token", secret=True),
    ),
    current_run=None,
    last_run=None,
)


@pytest.mark.parametrize("arguments", [("start", "--help", "deploy"), ("start", "deploy", "-p", "a=1", "--help")])
async def test_the_help_of_a_start_lists_the_parameters_of_the_project(
    solorun: Solorun, arguments: tuple[str, ...]
) -> None:
    ended = await solorun(*arguments, answers=(answer(PROJECT),))

    usage, parameters = ended.out.split("\nParameters of deploy:\n\n")
    assert (ended.code, ended.requests[0].target) == (0, "/api/v1/projects/deploy")
    assert "Usage: solorun start" in usage
    assert [line.split("  ", 1)[0] for line in parameters.splitlines()[1:]] == [each.name for each in PROJECT.params]
    assert [" ".join(line.split()) for line in parameters.splitlines()] == [
        "PARAMETER VALUE DEFAULT DESCRIPTION",
        "environment staging, production staging",
        "version text that matches v[0-9]+ (required) The release",
        "replicas integer, from 1 to 9 2",
        "ratio number, to 0.5",
        "dry_run true, false false",
        "tags list, one -p for each item a, b",
        "note text",
        "token secret, see --secret",
    ]


async def test_the_help_says_that_a_project_has_no_parameters(solorun: Solorun) -> None:
    ended = await solorun("start", "--help", "deploy", answers=(answer(msgspec.structs.replace(PROJECT, params=())),))

    assert ended.out.endswith("deploy has no parameters.\n")


async def test_the_help_without_a_project_needs_no_service(solorun: Solorun) -> None:
    ended = await solorun("start", "--help")

    assert (ended.code, ended.requests) == (0, [])
    assert "--describe" not in ended.out


async def test_a_value_that_is_given_several_times_is_a_list(solorun: Solorun) -> None:
    ended = await solorun(
        "start", "deploy", "-p", "tags=a", "--param", "tags=b=c", "-p", "note=", answers=(answer(RUNNING),)
    )

    assert msgspec.json.decode(ended.requests[0].body)["params"] == {"tags": ["a", "b=c"], "note": ""}


async def test_all_parameters_without_a_value_are_named(solorun: Solorun) -> None:
    ended = await solorun("start", "deploy", "-p", "tags", "-p", "a=b", "-p", "=c", "--secret", "a")

    assert (ended.code, ended.requests) == (2, [])
    assert '"tags" is not in the form NAME=VALUE.' in ended.err
    assert '"=c" is not in the form NAME=VALUE.' in ended.err
    assert '"a" is given by --param too.' in ended.err


async def test_all_errors_of_a_start_name_their_options(solorun: Solorun) -> None:
    faults = (ProblemFieldError("/params/version", "is required"), ProblemFieldError("/scope", "is unknown"))

    ended = await solorun("start", "deploy", answers=(problem("invalid-request", 422, errors=faults),))

    assert (ended.code, ended.err) == (2, "--param version: is required\n--scope: is unknown\n")


async def test_a_secret_is_read_from_stdin(solorun: Solorun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\nbattery\n"))

    ended = await solorun("start", "deploy", "--secret", "token", answers=(answer(RUNNING),))

    assert msgspec.json.decode(ended.requests[0].body)["params"] == {"token": "correct horse\nbattery"}


async def test_a_secret_is_read_from_the_terminal_without_being_shown(
    solorun: Solorun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda text, hide_input, err: f"{text}, hidden: {hide_input}")

    ended = await solorun("start", "deploy", "--secret", "token", "--secret", "pin", answers=(answer(RUNNING),))

    assert msgspec.json.decode(ended.requests[0].body)["params"] == {
        "token": "token, hidden: True",
        "pin": "pin, hidden: True",
    }


async def test_only_one_secret_is_read_from_a_pipe(solorun: Solorun, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse"))

    ended = await solorun("start", "deploy", "--secret", "token", "--secret", "pin")

    assert (ended.code, ended.requests) == (2, [])
    assert "Only one can be read from a pipe or a file." in ended.err
