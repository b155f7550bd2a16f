"""The output of commands: records, levels, workflow commands, and terminals."""

import asyncio
import sys
import threading

import pytest

from solorun.record import Level, Stream
from solorun.steps.pipe_reader import CHUNK_BYTES, PipeReader
from tests.fakes.step_output import LoggedLine, RecordedOutput
from tests.process.steps.conftest import Begin
from tests.process.steps.processes import eventually


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
    resize = "n=30; while :; do stty rows $((n += 1)) < /dev/tty; done"
    begun = await begin(f"echo hello > /dev/tty; trap 'echo resized; exit' WINCH; {resize}", tty=True)

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


async def test_a_mask_printed_in_two_halves_is_not_logged(begin: Begin) -> None:
    begun = await begin("echo begin; printf ::add-mask::hun; sleep 0.7; echo ter2; echo hunter2")

    await begun.execution.wait()

    assert begun.output.records == [LoggedLine(Stream.STDOUT, "begin"), LoggedLine(Stream.STDOUT, "***")]


async def test_a_hundred_thousand_lines_arrive_complete_and_in_order(begin: Begin) -> None:
    begun = await begin("seq 1 100000")

    await begun.execution.wait()

    assert begun.output.joined() == [str(number) for number in range(1, 100_001)]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("printf 'ERROR: no'; until [ -e go ]; do sleep 0.01; done; echo ' such table'", "ERROR: no such table"),
        ("printf 'ERROR: no'; until [ -e go ]; do sleep 0.01; done", "ERROR: no"),
        ("printf 'ERROR: no '; head -c 1000000 /dev/zero | tr '\\0' x; echo; touch go", "ERROR: no xxx"),
    ],
    ids=["unfinished", "without its end", "long"],
)
async def test_a_line_in_pieces_is_the_reason_from_its_beginning(begin: Begin, script: str, reason: str) -> None:
    begun = await begin(f"{script}; exit 1")
    await eventually(lambda: begun.output.records)
    (begun.directory / "go").touch()

    result = await begun.execution.wait()

    assert str(result.error_message).startswith(f"exit code 1: {reason}")
