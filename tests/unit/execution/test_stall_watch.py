"""The watch over a silent step, on a clock that the tests move."""

from types import SimpleNamespace
from typing import Any, cast

from solorun.execution.stall_watch import watched_for_stalls
from solorun.outcome import StopReason
from solorun.project import CommandStep, StallTimeout
from tests.fakes.stepped_loop import SteppedLoop, run_stepped


class WatchedRun:
    """The parts of a run that the watch uses, and what it did to the run."""

    def __init__(self) -> None:
        self.output = SimpleNamespace(writes=0, is_blocked=False)
        self.channel = self.cancel_scope = self
        self.reasons: list[StopReason] = []
        self.messages: list[str] = []

    def cancel(self, reason: StopReason) -> None:
        self.reasons.append(reason)

    def log(self, message: str, **_: Any) -> None:
        self.messages.append(message)

    def watched(self, then: str) -> Any:
        step = CommandStep("load", "true", stall_timeout=StallTimeout(20, then))
        return watched_for_stalls(cast("Any", self), step)


async def _pass(loop: SteppedLoop, seconds: int) -> None:
    for _ in range(seconds):
        await loop.advance(1)


def test_a_step_is_stopped_after_the_declared_silence() -> None:
    async def watch(loop: SteppedLoop) -> list[list[StopReason]]:
        run = WatchedRun()
        with run.watched("fail"):
            await _pass(loop, 19)
            early = list(run.reasons)
            await _pass(loop, 1)
        return [early, run.reasons]

    assert run_stepped(watch) == [[], [StopReason.STALL]]


def test_a_step_that_writes_is_not_stopped() -> None:
    async def watch(loop: SteppedLoop) -> list[StopReason]:
        run = WatchedRun()
        with run.watched("fail"):
            for _ in range(5):
                await _pass(loop, 19)
                run.output.writes += 1
        await _pass(loop, 40)
        return run.reasons

    assert run_stepped(watch) == []


def test_a_step_that_cannot_write_because_the_log_is_full_is_not_stopped() -> None:
    async def watch(loop: SteppedLoop) -> list[StopReason]:
        run = WatchedRun()
        run.output.is_blocked = True
        with run.watched("fail"):
            await _pass(loop, 100)
        return run.reasons

    assert run_stepped(watch) == []


def test_a_service_that_stood_still_does_not_count_that_time() -> None:
    async def watch(loop: SteppedLoop) -> list[StopReason]:
        run = WatchedRun()
        with run.watched("fail"):
            await loop.advance(3600)
        return run.reasons

    assert run_stepped(watch) == []


def test_each_silence_gets_one_warning() -> None:
    async def watch(loop: SteppedLoop) -> list[str]:
        run = WatchedRun()
        with run.watched("warn"):
            await _pass(loop, 60)
            run.output.writes += 1
            await _pass(loop, 60)
        return run.messages

    assert run_stepped(watch) == ["load has written nothing for 20s"] * 2
