"""What coroutine steps print and log goes to their run's log, in order."""

import asyncio
import logging
import sys
import threading

import pytest

from solorun.record import Level, Stream
from solorun.step import StepContext
from solorun.steps.printed_output import MAX_QUEUED_LINES
from tests.fakes.step_output import LoggedLine, RecordedOutput
from tests.unit.steps.conftest import BeginCoroutine

logger = logging.getLogger("handbook")
logger.setLevel(logging.DEBUG)


async def test_prints_and_calls_are_in_order(begin: BeginCoroutine, output: RecordedOutput) -> None:
    async def generate(step: StepContext) -> None:
        print("one", "\ntwo")
        await step.log("three")
        print("four", end="")
        print("oops", file=sys.stderr)
        print(" and five")
        await step.progress(1)
        sys.stdout.write("six")

    await (await begin(generate)).wait()

    assert output.records == [
        LoggedLine(Stream.STDOUT, "one "),
        LoggedLine(Stream.STDOUT, "two"),
        LoggedLine(Stream.STEP, "three"),
        LoggedLine(Stream.STDERR, "oops"),
        LoggedLine(Stream.STDOUT, "four and five"),
        LoggedLine(Stream.STDOUT, "six"),
    ]


async def test_a_line_of_very_many_prints_is_assembled_once(begin: BeginCoroutine, output: RecordedOutput) -> None:
    async def generate(step: StepContext) -> None:
        for _ in range(1_000_000):  # a copy of the line for each print would take longer than a test may
            print(".", end="")

    await (await begin(generate)).wait()

    assert output.texts(Stream.STDOUT) == ["." * 1_000_000]


async def test_a_thread_prints_while_the_event_loop_waits_for_its_lock(
    begin: BeginCoroutine, output: RecordedOutput
) -> None:
    lock, is_held, is_wanted = threading.Lock(), threading.Event(), threading.Event()

    def work() -> None:
        with lock:
            is_held.set()
            is_wanted.wait()
            print("from a thread")

    async def generate(step: StepContext) -> None:
        working = asyncio.create_task(asyncio.to_thread(work))
        await asyncio.to_thread(is_held.wait)
        is_wanted.set()
        with lock:
            print("from the coroutine")
        await working

    await (await begin(generate)).wait()

    assert output.texts(Stream.STDOUT) == ["from a thread", "from the coroutine"]


async def test_lines_of_threads_stay_whole(begin: BeginCoroutine, output: RecordedOutput) -> None:
    async def generate(step: StepContext) -> None:
        print("one", end=" ")
        await asyncio.to_thread(print, "two")
        print("three")

    await (await begin(generate)).wait()

    assert output.records == [LoggedLine(Stream.STDOUT, "two"), LoggedLine(Stream.STDOUT, "one three")]


async def test_messages_of_loggers_have_their_level(begin: BeginCoroutine, output: RecordedOutput) -> None:
    async def generate(step: StepContext) -> None:
        logger.debug("a %s", "b")
        logger.info("c")
        logger.warning("d")
        logger.error("e")
        logging.getLogger("solorun.steps").error("the service's own")

    await (await begin(generate)).wait()

    assert output.records == [
        LoggedLine(Stream.STEP, "a b", Level.DEBUG),
        LoggedLine(Stream.STEP, "c"),
        LoggedLine(Stream.STEP, "d", Level.WARNING),
        LoggedLine(Stream.STEP, "e", Level.ERROR),
    ]


async def test_an_exception_is_logged_with_its_traceback(begin: BeginCoroutine, output: RecordedOutput) -> None:
    async def generate(step: StepContext) -> None:
        try:
            raise KeyError("title")
        except KeyError:
            logger.exception("failed")

    await (await begin(generate)).wait()

    [record] = output.records
    assert record.text.startswith("failed\nTraceback (most recent call last):\n")
    assert record.text.endswith("KeyError: 'title'")


async def test_tasks_and_threads_of_a_coroutine_print_to_its_log(begin: BeginCoroutine, output: RecordedOutput) -> None:
    async def task() -> None:
        print("from a task")

    async def generate(step: StepContext) -> None:
        await asyncio.create_task(task())
        await asyncio.to_thread(print, "from a thread")
        await asyncio.to_thread(logger.warning, "logged in a thread")

    await (await begin(generate)).wait()

    assert [record.text for record in output.records] == ["from a task", "from a thread", "logged in a thread"]


async def test_two_coroutines_do_not_mix(begin: BeginCoroutine, output: RecordedOutput) -> None:
    release = asyncio.Event()

    async def wait(step: StepContext) -> None:
        print("begin")
        await release.wait()
        print("end")

    async def generate(step: StepContext) -> None:
        print("between")

    first = await begin(wait)
    await (await begin(generate)).wait()
    release.set()
    await first.wait()

    assert output.texts() == ["begin", "between", "end"]


async def test_other_output_of_the_service_is_left_alone(
    begin: BeginCoroutine, output: RecordedOutput, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sys.stdout, sys.stderr, list(logging.getLogger().handlers)
    release, ended = asyncio.Event(), asyncio.Event()
    left: list[asyncio.Task[None]] = []

    async def print_later() -> None:
        await ended.wait()
        print("after the end")

    async def generate(step: StepContext) -> None:
        left.append(asyncio.create_task(print_later()))
        await release.wait()

    execution = await begin(generate)
    await asyncio.sleep(0)
    print("from the service")
    logger.warning("from the service")
    release.set()
    await execution.wait()
    ended.set()
    await left[0]

    assert output.records == []
    assert capsys.readouterr().out == "from the service\nafter the end\n"
    assert (sys.stdout, sys.stderr, list(logging.getLogger().handlers)) == before


async def test_a_secret_is_masked_in_what_is_printed(begin: BeginCoroutine, output: RecordedOutput) -> None:
    async def generate(step: StepContext) -> None:
        step.output.add_mask("hunter2")
        print("it is hunter2")

    await (await begin(generate)).wait()

    assert output.texts() == ["it is ***"]


async def test_a_coroutine_that_prints_too_much_without_awaiting_loses_lines(
    begin: BeginCoroutine, output: RecordedOutput
) -> None:
    lines = [str(number) for number in range(MAX_QUEUED_LINES)]

    async def generate(step: StepContext) -> None:
        print(*lines, "one", "two", sep="\n")
        print("three")
        await step.log("four")

    await (await begin(generate)).wait()

    assert output.texts() == lines
    assert output.warnings() == ["dropped 3 printed lines: the coroutine printed too much without awaiting"]


async def test_a_thread_waits_while_the_log_is_full(begin: BeginCoroutine, output: RecordedOutput) -> None:
    printed = threading.Event()
    lines = 3 * MAX_QUEUED_LINES

    def work() -> None:
        for number in range(lines):
            print(number)
        printed.set()

    async def generate(step: StepContext) -> None:
        await asyncio.to_thread(work)

    output.open_gate.clear()
    execution = await begin(generate)
    await asyncio.to_thread(printed.wait, 0.2)
    was_printed = printed.is_set()
    output.open_gate.set()
    await execution.wait()

    assert not was_printed
    assert output.texts() == [str(number) for number in range(lines)]


async def test_a_log_that_fails_does_not_fail_the_prints(
    begin: BeginCoroutine, output: RecordedOutput, caplog: pytest.LogCaptureFixture
) -> None:
    output.error = OSError("the log is broken")

    async def generate(step: StepContext) -> None:
        print("one")
        await asyncio.sleep(0)

    assert (await (await begin(generate)).wait()).succeeded
    assert "lost printed lines of step generate" in caplog.text
