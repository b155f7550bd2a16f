"""Which lines are workflow commands, and what they do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solorun.record import Level, Stream
from solorun.steps.workflow_commands import (
    WorkflowCommand,
    WorkflowCommandInterpreter,
    parse_workflow_command,
)
from tests.fakes.step_output import LoggedLine, RecordedOutput


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("::progress current=3,total=20::photon", WorkflowCommand("progress", "photon", None, 3, 20)),
        ("::progress current=0::", WorkflowCommand("progress", "", None, 0, None)),
        ("::progress total=20, current=3::a::b", WorkflowCommand("progress", "a::b", None, 3, 20)),
        ("::group::set up", WorkflowCommand("group", "set up")),
        ("::endgroup::", WorkflowCommand("endgroup")),
        ("::debug::x", WorkflowCommand("debug", "x", Level.DEBUG)),
        ("::notice::x", WorkflowCommand("notice", "x", Level.INFO)),
        ("::warning::x", WorkflowCommand("warning", "x", Level.WARNING)),
        ("::error::", WorkflowCommand("error", "", Level.ERROR)),
        (
            "::error file=app.py,line=3,col=4,title=T::broken",
            WorkflowCommand("error", "app.py:3:4: broken", Level.ERROR),
        ),
        (
            "::error file=a%2Cb%3Ac.py::50%25 done%0D%0Anow%2C",
            WorkflowCommand("error", "a,b:c.py: 50% done\r\nnow%2C", Level.ERROR),
        ),
        ("::notice::%250A", WorkflowCommand("notice", "%0A", Level.INFO)),
        ("::add-mask::hunter2", WorkflowCommand("add-mask", "hunter2")),
        ("\t  ::add-mask::hunter2", WorkflowCommand("add-mask", "hunter2")),
    ],
)
def test_workflow_commands_are_parsed(line: str, command: WorkflowCommand) -> None:
    assert parse_workflow_command(line) == command


@pytest.mark.parametrize(
    "line",
    [
        "",
        "::",
        "::::",
        "::notice",
        "::notice:x",
        " ::notice::x",
        "x::notice::x",
        "::Notice::x",
        "::unknown::x",
        "::set-output name=x::y",
        "::group::",
        "::progress::x",
        "::progress current=x::y",
        "::progress current=-1::y",
        "::progress current=1,total=x::y",
        "::progress current=1,total=::y",
        "::progress current=1.5::y",
        "::progress current=٣::y",
        "::progress current=9999999999999999::y",
        "::noticefile=x::y",
    ],
)
def test_any_other_line_is_text(line: str) -> None:
    assert parse_workflow_command(line) is None


@given(st.text(alphabet="::notice group=,%0A \n-") | st.text())
def test_the_parser_accepts_any_line(text: str) -> None:
    assert isinstance(parse_workflow_command("::" + text), WorkflowCommand | None)


@pytest.fixture
def output() -> RecordedOutput:
    return RecordedOutput()


@pytest.fixture
def interpreter(output: RecordedOutput) -> WorkflowCommandInterpreter:
    return WorkflowCommandInterpreter("extract", output)


async def test_endgroup_closes_the_innermost_group(
    interpreter: WorkflowCommandInterpreter, output: RecordedOutput
) -> None:
    await interpreter.execute(WorkflowCommand("group", "outer"))
    await interpreter.execute(WorkflowCommand("group", "inner"))
    await interpreter.execute(WorkflowCommand("endgroup"))
    await interpreter.execute(WorkflowCommand("endgroup"))
    await interpreter.execute(WorkflowCommand("endgroup"))

    assert output.groups == [("outer", True), ("inner", True), ("inner", False), ("outer", False)]


async def test_open_groups_are_closed_when_the_step_ends(
    interpreter: WorkflowCommandInterpreter, output: RecordedOutput
) -> None:
    await interpreter.execute(WorkflowCommand("group", "outer"))
    await interpreter.execute(WorkflowCommand("group", "inner"))

    await interpreter.finish()

    assert output.groups[2:] == [("inner", False), ("outer", False)]


async def test_a_mask_applies_to_the_lines_after_it(
    interpreter: WorkflowCommandInterpreter, output: RecordedOutput
) -> None:
    await interpreter.execute(WorkflowCommand("add-mask", "hunter2"))
    await interpreter.execute(WorkflowCommand("warning", "it is hunter2", Level.WARNING))

    assert output.records == [LoggedLine(Stream.STEP, "it is ***", Level.WARNING)]


@pytest.mark.parametrize("value", ["1234", "", "  abc  ", "one\ntwo\n"])
async def test_a_mask_that_is_too_short_logs_a_warning_without_its_value(
    interpreter: WorkflowCommandInterpreter, output: RecordedOutput, value: str
) -> None:
    await interpreter.execute(WorkflowCommand("add-mask", value))

    assert output.records == [
        LoggedLine(
            Stream.SOLORUN, "the value of an ::add-mask:: has fewer than 5 characters and is not masked", Level.WARNING
        )
    ]
