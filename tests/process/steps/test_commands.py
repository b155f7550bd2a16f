"""The environment, output and result of commands."""

import asyncio
import json
import os
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from solorun.outcome import StepResult
from solorun.record import Level, Stream
from solorun.steps import StepDispatcher
from solorun.steps.pipe_reader import CHUNK_BYTES, PipeReader
from tests.fakes.step_output import LoggedLine, RecordedOutput
from tests.process.steps.conftest import Begin
from tests.process.steps.processes import eventually

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


async def test_the_environment_merges_the_service_the_project_and_the_run(begin: Begin, directory: Path) -> None:
    begun = await begin(
        PRINT_ENVIRONMENT, env={"LANG": "C.UTF-8", "SOLORUN_STEP": "mine"}, params={"date": "today", "top-k": "5"}
    )

    await begun.execution.wait()

    [line] = begun.output.texts()
    environment = json.loads(line)
    assert {name: value for name, value in environment.items() if name.startswith("SOLORUN_")} == {
        "SOLORUN_PROJECT": "handbook",
        "SOLORUN_RUN_ID": "7",
        "SOLORUN_SCOPE": "full",
        "SOLORUN_STEP": "extract",
        "SOLORUN_URL": "http://127.0.0.1:8700",
        "SOLORUN_WORKSPACE": str(directory),
        "SOLORUN_ARTIFACTS": str(directory.parent / "data" / "artifacts" / "7"),
        "SOLORUN_PARAM_DATE": "today",
        "SOLORUN_PARAM_TOP_K": "5",
    }
    assert environment["LANG"] == "C.UTF-8"
    assert environment["PATH"] == os.environ["PATH"]
    assert environment["PYTHONUNBUFFERED"] == "1"


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


async def test_stdout_and_stderr_become_records(begin: Begin) -> None:
    begun = await begin("printf 'one\\r\\n\\ntwo'; echo three >&2")

    await begun.execution.wait()

    assert sorted(begun.output.records, key=lambda line: line.stream) == [
        LoggedLine(Stream.STDERR, "three"),
        LoggedLine(Stream.STDOUT, "one"),
        LoggedLine(Stream.STDOUT, ""),
        LoggedLine(Stream.STDOUT, "two"),
    ]


async def test_an_unfinished_line_becomes_a_partial_record(begin: Begin) -> None:
    begun = await begin("printf 'Password: '; until [ -e go ]; do sleep 0.01; done; echo thanks; echo next")

    await eventually(lambda: begun.output.records)
    (begun.directory / "go").touch()
    await begun.execution.wait()

    assert begun.output.records == [
        LoggedLine(Stream.STDOUT, "Password: ", partial=True),
        LoggedLine(Stream.STDOUT, "thanks"),
        LoggedLine(Stream.STDOUT, "next"),
    ]


async def test_a_secret_printed_in_two_halves_is_masked(begin: Begin) -> None:
    begun = await begin(
        "printf 'key hunt'; until [ -e go ]; do sleep 0.01; done; echo er2hunter2",
        output=RecordedOutput(["hunter2hunter2"]),
    )

    await eventually(lambda: begun.output.texts() == ["key "])
    (begun.directory / "go").touch()
    await begun.execution.wait()

    assert begun.output.joined() == ["key ***"]


async def test_workflow_commands_are_executed_in_order(begin: Begin) -> None:
    lines = [
        "before",
        "::group::setup",
        "::progress current=3,total=20::photon",
        "::warning file=a.py,line=3::careful%0Anow",
        "::add-mask::hunter2",
        "the word is hunter2",
        "::progress current=x::text",
        "::group::inner",
        "after",
    ]

    begun = await begin(("printf", "%s\n", *lines))
    await begun.execution.wait()

    assert begun.output.records == [
        LoggedLine(Stream.STDOUT, "before"),
        LoggedLine(Stream.STEP, "a.py:3: careful\nnow", Level.WARNING),
        LoggedLine(Stream.STDOUT, "the word is ***"),
        LoggedLine(Stream.STDOUT, "::progress current=x::text"),
        LoggedLine(Stream.STDOUT, "after"),
    ]
    assert begun.output.progresses == [(3, 20, "photon")]
    assert begun.output.groups == [("setup", True), ("inner", True), ("inner", False), ("setup", False)]


async def test_workflow_commands_on_stderr_are_text(begin: Begin) -> None:
    begun = await begin("echo ::notice::hello >&2")

    await begun.execution.wait()

    assert begun.output.records == [LoggedLine(Stream.STDERR, "::notice::hello")]


async def test_a_mask_on_stderr_is_obeyed(begin: Begin) -> None:
    begun = await begin("echo '  ::add-mask::hunter2' >&2; echo hunter2 >&2")

    await begun.execution.wait()

    assert begun.output.records == [LoggedLine(Stream.STDERR, "***")]


async def test_other_tasks_continue_between_masks(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    turns, seen = 0, []

    async def take_turns() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    monkeypatch.setattr(RecordedOutput, "add_mask", lambda *_: seen.append(turns))
    other = asyncio.create_task(take_turns())
    begun = await begin("seq -f ::add-mask::secret-%g 500")
    await begun.execution.wait()
    other.cancel()

    assert len(set(seen)) == len(seen) == 500


async def test_a_long_text_that_may_be_secret_is_searched_off_the_event_loop(
    begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    pending_secret_length = RecordedOutput.pending_secret_length
    longest: dict[int, int] = {}

    def note_thread(output: RecordedOutput, text: str) -> int:
        thread = threading.get_ident()
        longest[thread] = max(longest.get(thread, 0), len(text))
        return pending_secret_length(output, text)

    monkeypatch.setattr(RecordedOutput, "pending_secret_length", note_thread)
    begun = await begin((sys.executable, "-c", "print('::add-mask::' + 'é' * 8000); print('é' * 160_000, end='')"))
    await begun.execution.wait()

    assert begun.output.texts() == ["***"]
    assert longest.pop(threading.get_ident(), 0) <= 2 * CHUNK_BYTES
    assert max(longest.values()) > 2 * CHUNK_BYTES


async def test_merged_stderr_keeps_the_order(begin: Begin) -> None:
    begun = await begin("for n in 1 2 3; do echo out $n; echo err $n >&2; done", stderr="merge")

    await begun.execution.wait()

    assert begun.output.records == [
        LoggedLine(Stream.STDOUT, f"{name} {number}") for number in (1, 2, 3) for name in ("out", "err")
    ]


async def test_a_step_with_a_terminal_sees_one(begin: Begin) -> None:
    begun = await begin("test -t 1 && test -t 2 && stty size <&1 && echo $TERM; cat; echo oops >&2; exit 3", tty=True)

    result = await begun.execution.wait()

    assert result.exit_code == 3
    assert begun.output.records == [LoggedLine(Stream.STDOUT, text) for text in ("40 120", "xterm-256color", "oops")]


async def test_a_step_with_a_terminal_can_open_it(begin: Begin) -> None:
    begun = await begin(
        "echo hello > /dev/tty; trap 'echo resized; exit' WINCH; stty rows 30 < /dev/tty; wait", tty=True
    )

    await begun.execution.wait()

    assert begun.output.joined() == ["hello", "resized"]


async def test_what_a_command_leaves_on_its_terminal_can_still_print(begin: Begin) -> None:
    begun = await begin("{ while kill -0 $$; do sleep 0.1; done 2> /dev/null; echo late; } & echo early", tty=True)

    await begun.execution.wait()

    assert begun.output.joined() == ["early", "late"]


async def test_all_output_of_a_terminal_arrives(begin: Begin) -> None:
    begun = await begin("seq 1 20000; sleep 60 & exit 0", tty=True)

    await begun.execution.wait()

    assert begun.output.joined() == [str(number) for number in range(1, 20_001)]


async def test_a_full_log_loses_no_output_of_a_terminal(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    output = RecordedOutput()
    output.open_gate.clear()
    begun = await begin(f"{sys.executable} -c 'print(\"line\\n\" * 1500)'", tty=True, output=output)
    finish = PipeReader.finish

    def finish_and_go_on(reader: PipeReader) -> None:
        finish(reader)
        output.open_gate.set()

    monkeypatch.setattr(PipeReader, "finish", finish_and_go_on)

    await begun.execution.wait()

    assert output.joined() == ["line"] * 1500 + [""]


@pytest.mark.parametrize(("detects", "level"), [(True, Level.ERROR), (False, Level.INFO)])
async def test_the_level_of_a_line_is_detected(begin: Begin, detects: bool, level: Level) -> None:
    begun = await begin("echo one; echo ERROR: two; printf 'ERROR three'", detect_levels=detects)

    await begun.execution.wait()

    assert begun.output.records == [
        LoggedLine(Stream.STDOUT, "one"),
        LoggedLine(Stream.STDOUT, "ERROR: two", level),
        LoggedLine(Stream.STDOUT, "ERROR three", level),
    ]


async def test_all_pieces_of_a_line_have_its_level(begin: Begin) -> None:
    begun = await begin("printf 'ERROR: no'; until [ -e go ]; do sleep 0.01; done; echo ' table ERROR'; echo next")
    await eventually(lambda: begun.output.records)
    (begun.directory / "go").touch()

    await begun.execution.wait()

    assert begun.output.records == [
        LoggedLine(Stream.STDOUT, "ERROR: no", Level.ERROR, partial=True),
        LoggedLine(Stream.STDOUT, " table ERROR", Level.ERROR),
        LoggedLine(Stream.STDOUT, "next"),
    ]


async def test_the_rest_of_a_line_does_not_change_its_level(begin: Begin) -> None:
    begun = await begin("printf 'reading '; until [ -e go ]; do sleep 0.01; done; echo 'ERROR.md'; echo ERROR next")
    await eventually(lambda: begun.output.records)
    (begun.directory / "go").touch()

    await begun.execution.wait()

    assert [record.level for record in begun.output.records] == [Level.INFO, Level.INFO, Level.ERROR]


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
async def test_a_script_may_be_long(begin: Begin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    begun = await begin(f"echo begin\n#{'x' * length}\nfalse\necho end")

    result = await begun.execution.wait()

    assert result.exit_code == 1
    assert begun.output.texts() == ["begin"]
    assert list(tmp_path.glob("solorun-*")) == []


async def test_a_mask_printed_in_two_halves_is_not_logged(begin: Begin) -> None:
    begun = await begin("echo begin; printf ::add-mask::hun; sleep 0.7; echo ter2; echo hunter2")

    await begun.execution.wait()

    assert begun.output.records == [LoggedLine(Stream.STDOUT, "begin"), LoggedLine(Stream.STDOUT, "***")]


async def test_a_hundred_thousand_lines_arrive_complete_and_in_order(begin: Begin) -> None:
    begun = await begin("seq 1 100000")

    await begun.execution.wait()

    assert begun.output.joined() == [str(number) for number in range(1, 100_001)]


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
