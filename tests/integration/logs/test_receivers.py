"""Receivers get the segments of an active run as they are written."""

import asyncio
import gc
import weakref
from pathlib import Path

import pytest
from msgspec.structs import replace

from solorun.logs import Receiver, Topic
from solorun.segment import Segment
from solorun.status import Status
from tests.fakes.engine import Engine, declare, open_engine
from tests.fakes.steps import ScriptedStep


async def begin_topic(engine: Engine) -> tuple[Topic, ScriptedStep]:
    """A run that works and has said what its beginning says."""
    run = await engine.manager.start_run("handbook")
    step = await engine.executor.step("extract")
    topic = engine.hub.find(run.id)
    assert topic is not None
    await topic.wait_after(0)
    return topic, step


async def test_a_receiver_at_the_end_gets_new_segments_until_the_run_ends(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        topic, step = await begin_topic(engine)
        taken: list[int] = []

        def take(segment: Segment) -> bool:
            taken.extend(range(segment.first_seq, segment.last_seq + 1))
            return True

        waiting = asyncio.create_task(topic.wait_after(1, take))
        for seq in range(2, 6):
            await step.context.log("x")
            await engine.until(lambda seq=seq: taken == list(range(2, seq + 1)))  # type: ignore[misc]
        assert not waiting.done()
        step.end()

        # The ending is for the follower itself.
        assert await waiting == 5
        assert topic.run.has_ended


async def test_a_receiver_that_accepts_nothing_is_woken_at_its_position(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        topic, step = await begin_topic(engine)

        def take(segment: Segment) -> bool:
            return segment.first_seq < 3

        waiting = asyncio.create_task(topic.wait_after(1, take))
        await asyncio.sleep(0)
        await step.context.log("2")
        await topic.wait_after(1)
        await step.context.log("3")

        assert await waiting == 2
        assert topic.find_recent(2) != []
        step.end()


async def test_a_receiver_beyond_the_end_gets_only_later_segments(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        topic, step = await begin_topic(engine)
        taken: list[tuple[int, int]] = []

        def take(segment: Segment) -> bool:
            taken.append((segment.first_seq, segment.last_seq))
            return True

        waiting = asyncio.create_task(topic.wait_after(3, take))
        await asyncio.sleep(0)
        (written, *_) = await engine.store.read_segments(topic.run.id, after=0)
        several = replace(written, first_seq=2, last_seq=5, payload=written.payload * 4)

        engine.hub.publish(topic.run.id, several, last_seq=5)

        assert taken == [(4, 5)]
        waiting.cancel()
        step.end()


async def test_a_receiver_that_raises_affects_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        topic, step = await begin_topic(engine)

        def fail(segment: Segment) -> bool:
            raise RuntimeError(f"broken pipe at {segment.first_seq}")

        broken = asyncio.create_task(topic.wait_after(1, fail))
        whole = asyncio.create_task(topic.wait_after(1, lambda segment: segment.first_seq < 3))
        await asyncio.sleep(0)
        await step.context.log("2")
        assert await broken == 1
        await step.context.log("3")

        assert await whole == 2
        assert "broken pipe at 2" in caplog.text
        step.end()
        assert (await engine.end_of(topic.run.id)).status is Status.COMPLETED


async def test_many_receivers_are_served_over_several_loop_iterations_and_cancelled_ones_are_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solorun.logs.fan_out.MAX_SERVED_PER_TURN", 2)
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        topic, step = await begin_topic(engine)
        accepted: list[tuple[int, int]] = []
        receivers = weakref.WeakSet[Receiver]()

        def take_as(number: int) -> Receiver:
            def take(segment: Segment) -> bool:
                accepted.append((number, segment.last_seq))
                return True

            receivers.add(take)
            return take

        waiting = [asyncio.create_task(topic.wait_after(1, take_as(number))) for number in range(5)]
        await asyncio.sleep(0)
        (written, *_) = await engine.store.read_segments(topic.run.id, after=0)

        engine.hub.publish(topic.run.id, replace(written, first_seq=2, last_seq=2), last_seq=2)
        assert accepted == [(0, 2), (1, 2)]
        waiting[3].cancel()
        engine.hub.publish(topic.run.id, replace(written, first_seq=3, last_seq=3), last_seq=3)
        await engine.until(lambda: len(accepted) == 8)

        for number in (0, 1, 2, 4):
            assert [seq for whose, seq in accepted if whose == number] == [2, 3]
        list(map(asyncio.Task.cancel, waiting))
        await asyncio.wait(waiting)
        waiting.clear()
        gc.collect()
        assert not receivers
        step.end()
