"""Followers of a log, and feeds of the states of runs."""

import asyncio
import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from solorun.errors import RunNotFound
from solorun.logs import FeedOverflow, Hub
from solorun.record import Stream
from solorun.run import Run
from solorun.segment import Segment
from solorun.status import Status
from solorun.store import Batch
from solorun.wire.encoding import decode_records
from tests.fakes.engine import Engine, declare, open_engine


async def follow(engine: Engine, run_id: int, after: int = 0) -> tuple[list[int], Run]:
    seqs: list[int] = []
    async for item in engine.tail.follow(run_id, after=after):
        if isinstance(item, Run):
            return seqs, item
        seqs += [record.seq for record in decode_records(item.payload)]
    raise AssertionError("the stream ended without its end")


async def follow_receiving(engine: Engine, run_id: int, after: int, chance: random.Random) -> tuple[list[int], Run]:
    """A reader whose receiver accepts some segments; the others are yielded."""
    seqs: list[int] = []

    def take(segment: Segment) -> bool:
        if chance.random() < 0.4:
            return False
        seqs.extend(record.seq for record in decode_records(segment.payload))
        return True

    async for item in engine.tail.follow(run_id, after=after, receiver=take):
        if isinstance(item, Run):
            return seqs, item
        seqs += [record.seq for record in decode_records(item.payload)]
        await asyncio.sleep(chance.choice([0, 0.002]))
    raise AssertionError("the stream ended without its end")


async def test_early_late_and_resuming_followers_see_every_record_once(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        early = asyncio.create_task(follow(engine, run.id))
        step = await engine.executor.step("extract")
        await step.context.output.write("extract", Stream.STDOUT, ["x"] * 5000)
        middle = asyncio.create_task(follow(engine, run.id, after=2500))
        await step.context.output.write("extract", Stream.STDOUT, ["x"] * 5000)
        step.end()

        seqs, ended = await early
        resumed, _ = await middle
        late, late_end = await follow(engine, run.id)

        assert seqs == late == list(range(1, 10_003))
        assert resumed == list(range(2501, 10_003))
        assert ended == late_end
        assert ended.status is Status.COMPLETED


async def test_a_follower_behind_the_records_in_memory_reads_the_store_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("solorun.logs.hub.MAX_RECENT_SEGMENTS", 4)
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        topic = engine.hub.find(run.id)
        assert topic is not None
        for seq in range(1, 20):
            await step.context.log("x")
            await topic.wait_after(seq)

        late = asyncio.create_task(follow(engine, run.id))
        await step.context.log("y")
        step.end()

        seqs, _ = await late
        assert seqs == list(range(1, 23))


@pytest.mark.parametrize("known", [1, 2, 3, 4])
async def test_a_growing_log_is_read_up_to_its_length_at_the_start(tmp_path: Path, known: int) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        topic = engine.hub.find(run.id)
        assert topic is not None
        for seq in range(1, 5):
            await step.context.output.write("extract", Stream.STDOUT, ["x", "y"])
            await topic.wait_after(2 * seq)

        read = [segment async for segment in engine.tail.read_stored(replace(topic.run, last_seq=2 * known))]

        seqs = [record.seq for segment in read for record in decode_records(segment.payload)]
        assert seqs == list(range(1, 2 * known + 1))
        step.end()


@pytest.mark.parametrize("after", [2, 3, 2**40])
async def test_a_follower_beyond_the_last_record_gets_the_end_of_an_ended_run(tmp_path: Path, after: int) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        (await engine.executor.step("extract")).end()
        await engine.end_of(run.id)

        assert (await follow(engine, run.id, after=after))[0] == []


async def test_a_follower_beyond_the_last_record_waits_for_later_records(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        beyond = asyncio.create_task(follow(engine, run.id, after=3))
        step = await engine.executor.step("extract")
        await step.context.log("2")
        await step.context.log("3")
        await step.context.log("4")
        step.end()

        assert (await beyond)[0] == [4, 5]


async def test_a_follower_of_an_ended_run_reads_records_missing_in_memory_from_the_store(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",)), drain=False) as engine:
        run = await engine.manager.start_run("handbook")
        topic = engine.hub.find(run.id)
        assert topic is not None
        await engine.executor.step("extract")
        early = asyncio.create_task(follow(engine, run.id))
        await engine.until(lambda: topic.run.last_seq == 1)
        (written, *_) = await engine.store.read_segments(run.id, after=0)
        more = Segment(run.id, 2, 2, written.payload.replace(b'"seq":1', b'"seq":2'), written.level_counts)
        as_it_is = replace(topic.run, last_seq=2)
        await engine.store.commit([Batch(as_it_is, more, (), None)], owner="this start")

        engine.hub.publish(run.id, status=Status.FAILED, last_seq=2)

        assert (await early)[0] == (await follow(engine, run.id))[0] == [1, 2]


async def test_following_an_unknown_run_is_not_found(tmp_path: Path) -> None:
    async with open_engine(tmp_path) as engine:
        with pytest.raises(RunNotFound):
            await follow(engine, 4711)


async def test_a_follower_that_disconnects_is_forgotten(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        items = engine.tail.follow(run.id)
        await anext(items)
        follower = asyncio.create_task(anext(items))
        await asyncio.sleep(0)

        follower.cancel()
        await asyncio.wait([follower])
        step.end()

        assert (await engine.end_of(run.id)).status is Status.COMPLETED


async def test_a_tail_begins_the_given_number_of_records_before_the_end(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        run = await engine.manager.start_run("handbook")
        step = await engine.executor.step("extract")
        await step.context.output.write("extract", Stream.STDOUT, ["x"] * 8)
        step.end()
        ended = await engine.end_of(run.id)

        assert engine.tail.find_after(ended, tail=3) == 7
        assert engine.tail.find_after(ended, tail=100) == 0


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sizes=st.lists(st.integers(1, 900), min_size=1, max_size=8), seed=st.integers())
def test_any_number_of_readers_from_anywhere_see_the_same_log(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], seed: int
) -> None:
    chance = random.Random(seed)
    total = sum(sizes) + 2

    async def trial() -> list[list[int]]:
        async with open_engine(tmp_path_factory.mktemp("data"), declare(steps=("extract",))) as engine:
            run = await engine.manager.start_run("handbook")
            step = await engine.executor.step("extract")
            readers = []
            for size in sizes:
                after = chance.randrange(total)
                readers.append(asyncio.create_task(follow(engine, run.id, after=after)))
                readers.append(asyncio.create_task(follow_receiving(engine, run.id, after, random.Random(seed))))
                await step.context.output.write("extract", Stream.STDOUT, ["x"] * size)
                await asyncio.sleep(chance.choice([0, 0, 0.003]))
            step.end()
            return [seqs for seqs, _ in await asyncio.gather(*readers)]

    for seqs in asyncio.run(trial()):
        assert seqs == list(range(seqs[0], total + 1)) if seqs else True


async def test_a_feed_returns_a_change_of_status_immediately_and_always_the_last_state(tmp_path: Path) -> None:
    async with open_engine(tmp_path, declare(steps=("extract",))) as engine:
        with engine.hub.open_feed() as feed:
            assert feed.snapshot() == []
            run = await engine.manager.start_run("handbook")
            seen = [await feed.changes()]
            (await engine.executor.step("extract")).end()
            while not seen[-1][-1].has_ended:
                seen.append(await feed.changes())

        assert {changed.id for changes in seen for changed in changes} == {run.id}
        assert seen[-1][-1] == await engine.store.get_run(run.id)


async def test_a_feed_that_falls_too_far_behind_overflows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("solorun.logs.run_feed.MAX_BACKLOG", 1)
    async with open_engine(tmp_path, declare("one"), declare("two")) as engine:
        with engine.hub.open_feed() as feed:
            feed.snapshot()
            await engine.manager.start_run("one")
            await engine.manager.start_run("two")

            with pytest.raises(FeedOverflow):
                await feed.changes()


def test_a_segment_is_rendered_once_for_all_readers() -> None:
    segment = Segment(1, 1, 1, b'{"seq":1}\n')

    assert segment.sse is segment.sse
    assert segment.sse == b'id: 1\nevent: log\ndata: {"seq":1}\n\n'


def test_open_streams_are_counted_while_they_last() -> None:
    hub = Hub()

    with hub.count_stream(), hub.count_stream():
        during = hub.open_streams

    assert (during, hub.open_streams) == (2, 0)
