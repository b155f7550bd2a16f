"""The scripts of commands, and how commands start and end."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import pytest

from solorun.outcome import StepResult
from solorun.steps import StepDispatcher
from tests.fakes.step_output import RecordedOutput
from tests.process.steps.conftest import Begin
from tests.process.steps.processes import eventually


@pytest.mark.parametrize(
    ("run", "result"),
    [
        ("true", StepResult(0)),
        (("true",), StepResult(0)),
        ("exit 3", StepResult(3, "exit code 3")),
        ("kill -KILL $$", StepResult(-9, "killed by SIGKILL")),
        ("kill -40 $$", StepResult(-40, "killed by signal 40")),
        (("no-such-program", "x"), StepResult(None, "command not found: no-such-program")),
        (("./leaf.sh",), StepResult(None, "not executable: ./leaf.sh")),
        (("./orphan",), StepResult(None, "the interpreter of ./orphan was not found")),
        (("./blank",), StepResult(None, "not a program: ./blank (is its #! line missing?)")),
        (("echo", "a\0b"), StepResult(None, "could not be started: embedded null byte")),
        (("echo", "x" * 3_000_000), StepResult(None, "could not be started: Argument list too long")),
    ],
    ids=str,
)
async def test_the_result_says_how_the_command_ended(
    begin: Begin, directory: Path, run: str | tuple[str, ...], result: StepResult
) -> None:
    (directory / "orphan").write_text("#!/no/such/interpreter\n")
    (directory / "orphan").chmod(0o755)
    (directory / "blank").write_text("x\n")
    (directory / "blank").chmod(0o755)

    begun = await begin(run)

    assert await begun.execution.wait() == result
    assert begun.execution.result == result
    assert await begun.execution.stop(1) == result
    assert begun.output.records == []


@pytest.mark.parametrize(
    ("run", "message"),
    [
        ("echo one; echo two; exit 3", "exit code 3: two"),
        ("echo oops >&2; echo two; exit 3", "exit code 3: oops"),
        ("echo ::error file=a.py,line=3::broken; echo two >&2; exit 1", "exit code 1: a.py:3: broken"),
        (f"{sys.executable} -c 'import json; json.loads(\"[\")'; echo two >&2; exit 1",
         "exit code 1: json.decoder.JSONDecodeError: Expecting value: line 1 column 2 (char 1)"),
        ("echo hunter2hunter2; kill -SEGV $$", "killed by SIGSEGV: ***"),
        ("echo two; true", None),
    ],
)  # fmt: skip
async def test_the_error_message_has_the_most_telling_line(begin: Begin, run: str, message: str | None) -> None:
    begun = await begin(run, output=RecordedOutput(["hunter2hunter2"]))

    result = await begun.execution.wait()

    assert result.error_message == message
    assert begun.execution.result == result


async def test_an_unknown_program_in_a_script_is_named(begin: Begin) -> None:
    begun = await begin("nosuchprogram")

    message = (await begun.execution.wait()).error_message or ""

    assert message.startswith("exit code 127 (command not found): ")
    assert "nosuchprogram" in message


async def test_a_stopped_command_has_no_telling_line(begin: Begin) -> None:
    begun = await begin("echo working; echo $$ > pids; exec sleep 60")
    await eventually(begun.output.texts)

    assert await begun.execution.stop(5) == StepResult(-15, "killed by SIGTERM")


async def test_a_missing_directory_is_a_failed_result(begin: Begin, directory: Path) -> None:
    (directory / "leaf.sh").unlink()
    directory.rmdir()

    begun = await begin("true")

    assert begun.execution.result == StepResult(None, "no such directory: work")


async def test_a_secret_in_a_program_name_is_masked(begin: Begin) -> None:
    begun = await begin(("hunter2hunter2",), output=RecordedOutput(["hunter2hunter2"]))

    assert await begun.execution.wait() == StepResult(None, "command not found: ***")


@pytest.mark.parametrize(
    ("run", "shell", "texts"),
    [
        ("false; echo on", None, ["on"]),
        ("\nfalse; echo on\n", None, ["on"]),
        ("false\necho on", None, []),
        ("set +e\nfalse\necho on", None, ["on"]),
        ("false; echo on", ("sh", "-e"), []),
        ("false\necho on", ("sh",), ["on"]),
        ("false | true; echo ${BASH_VERSION:+bash}", ("bash", "-o", "pipefail"), ["bash"]),
    ],
)
async def test_a_script_is_run_by_its_shell(
    begin: Begin, run: str, shell: tuple[str, ...] | None, texts: list[str]
) -> None:
    begun = await begin(run, shell=shell)

    await begun.execution.wait()

    assert begun.output.texts() == texts


@pytest.mark.parametrize("length", [131_071 - 8, 131_072, 1_000_000])
async def test_a_script_may_be_long_and_leaves_no_file_even_if_the_service_dies(
    begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    begun = await begin(f"echo begin\n#{'x' * length}\nfalse\necho end")

    files = list((tmp_path / "tmp").iterdir())
    result = await begun.execution.wait()

    assert result.exit_code == 1
    assert begun.output.texts() == ["begin"]
    assert files == []


async def test_a_failing_log_does_not_stop_the_command(begin: Begin, caplog: pytest.LogCaptureFixture) -> None:
    output = RecordedOutput()
    output.error = OSError("the log is broken")

    begun = await begin("seq 1 50000; exit 3", output=output)

    assert await begun.execution.wait() == StepResult(3, "exit code 3: 50000")
    assert "lost output of step extract" in caplog.text


async def test_twenty_commands_run_concurrently(begin: Begin) -> None:
    begun = [await begin(f"echo {number}; exit {number}", run_id=number) for number in range(20)]

    results = await asyncio.gather(*(each.execution.wait() for each in begun))

    assert [result.exit_code for result in results] == list(range(20))
    assert [each.output.texts() for each in begun] == [[str(number)] for number in range(20)]


async def test_no_descriptor_is_left_open(begin: Begin, dispatcher: StepDispatcher) -> None:
    await (await begin("true")).execution.wait()
    before = len(os.listdir("/proc/self/fd"))

    await (await begin("echo x; sleep 60 & exit 1")).execution.wait()
    await (await begin(("no-such-program",))).execution.wait()
    await (await begin(("echo", "a\0b"))).execution.wait()
    await (await begin("sleep 60")).execution.stop(0)

    assert len(os.listdir("/proc/self/fd")) == before
