"""The environment of commands: variables, descriptors, and signals."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.process.steps.conftest import Begin

USUAL = {
    **{name: os.environ.get(name, "/") for name in ("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TMPDIR")},
    "LANG": "C.UTF-8",
    "LC_TIME": "C",
    "TZ": "UTC",
}
OTHERS = {
    "DB_HOST": "db",
    "DB_PASSWORD": "hunter2",
    "TERM": "xterm",
    "SOLORUN_TOKEN": "s3cret",
    "SOLORUN_PORT": "1",
    "CREDENTIALS_DIRECTORY": "/",
    "NOTIFY_SOCKET": "@x",
    "LISTEN_FDS": "1",
    "WATCHDOG_USEC": "1",
}
SERVICE = USUAL | OTHERS
PRINT_ENVIRONMENT = (sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))")


async def test_the_environment_merges_the_service_the_project_and_the_run(begin: Begin, directory: Path) -> None:
    begun = await begin(
        PRINT_ENVIRONMENT,
        env={"LANG": "C.UTF-8", "SOLORUN_STEP": "mine"},
        params={"date": "today", "top-k": 5, "dry": True, "tags": ("a", "b")},
    )

    await begun.execution.wait()

    [line] = begun.output.texts()
    environment = json.loads(line)
    assert {name: value for name, value in environment.items() if name.startswith("SOLORUN_")} == {
        "SOLORUN_PROJECT": "handbook",
        "SOLORUN_RUN_ID": "7",
        "SOLORUN_SCOPE": "full",
        "SOLORUN_STEP": "extract",
        "SOLORUN_ATTEMPT": "1",
        "SOLORUN_URL": "http://127.0.0.1:8700",
        "SOLORUN_WORKSPACE": str(directory),
        "SOLORUN_ARTIFACTS": str(directory.parent / "data" / "artifacts" / "7"),
        "SOLORUN_PARAM_DATE": "today",
        "SOLORUN_PARAM_TOP_K": "5",
        "SOLORUN_PARAM_DRY": "true",
        "SOLORUN_PARAM_TAGS": "a\nb",
        "SOLORUN_PARAMS": '{"date":"today","top-k":5,"dry":true,"tags":["a","b"]}',
    }
    assert environment["LANG"] == "C.UTF-8"
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["PYTHONUNBUFFERED"] == "1"


async def test_a_command_of_a_rerun_gets_the_id_of_the_run_that_is_repeated(begin: Begin) -> None:
    begun = await begin(("sh", "-c", "echo $SOLORUN_RERUN_OF"), rerun_of=4)

    await begun.execution.wait()

    assert begun.output.texts() == ["4"]


async def test_a_command_gets_few_variables_of_the_service(begin: Begin) -> None:
    begun = await begin(PRINT_ENVIRONMENT, environ=SERVICE)

    await begun.execution.wait()

    environment = json.loads("".join(begun.output.texts()))
    inherited = {name: value for name, value in environment.items() if not name.startswith(("SOLORUN_", "PYTHON"))}
    usual = ("HOME", "LANG", "LC_TIME", "LOGNAME", "PATH", "SHELL", "TMPDIR", "TZ", "USER")
    assert sorted(inherited) == sorted(usual)
    assert "SOLORUN_TOKEN" not in environment


@pytest.mark.parametrize(
    ("pass_env", "secrets", "names"),
    [
        (("DB_*",), (), {"DB_HOST", "DB_PASSWORD"}),
        (("DB_HOST",), (), {"DB_HOST"}),
        (("db_*",), (), set()),
        ((), ("DB_PASSWORD",), {"DB_PASSWORD"}),
        (("*",), (), {"DB_HOST", "DB_PASSWORD", "TERM"}),
        (("NOTIFY_*", "CREDENTIALS_DIRECTORY"), ("SOLORUN_TOKEN", "NOTIFY_SOCKET"), set()),
    ],
)
async def test_a_project_can_request_more_variables(
    begin: Begin, pass_env: tuple[str, ...], secrets: tuple[str, ...], names: set[str]
) -> None:
    begun = await begin(PRINT_ENVIRONMENT, environ=SERVICE, pass_env=pass_env, secrets=secrets)

    await begun.execution.wait()

    environment = json.loads("".join(begun.output.texts()))
    assert {name for name in OTHERS if name in environment} == names


async def test_a_value_of_the_project_may_refer_to_the_service(begin: Begin) -> None:
    env = {"A": "<${DB_HOST}:$DB_HOST:$$5:${NONE}>", "B": "${NOTIFY_SOCKET}${SOLORUN_TOKEN}", "C": "$${DB_HOST}"}
    begun = await begin('echo "$A$B$C"', env=env, environ=SERVICE)

    await begun.execution.wait()

    assert begun.output.texts() == ["<db:$DB_HOST:$5:>${DB_HOST}"]


async def test_a_project_can_override_pythonunbuffered(begin: Begin) -> None:
    begun = await begin('echo "<$PYTHONUNBUFFERED>"', env={"PYTHONUNBUFFERED": ""})

    await begun.execution.wait()

    assert begun.output.texts() == ["<>"]


async def test_stdin_is_empty_and_no_other_descriptor_is_open(begin: Begin) -> None:
    begun = await begin("cat; pwd; ls /proc/self/fd | grep -c .; ls -l /proc/self/fd/0")

    await begun.execution.wait()

    directory, descriptors, stdin = begun.output.texts()
    assert directory == str(begun.directory)
    assert descriptors == "4"  # 0, 1, 2 and the directory that ls reads
    assert stdin.endswith("/dev/null")


async def test_signal_handling_is_the_default(begin: Begin) -> None:
    begun = await begin("grep -E 'Sig(Blk|Ign)' /proc/self/status")

    await begun.execution.wait()

    signals_of_posix = 0x7FFFFFFF  # the C library reserves 32 and 33 and leaves them as inherited
    assert [int(line.split()[1], 16) & signals_of_posix for line in begun.output.texts()] == [0, 0]
