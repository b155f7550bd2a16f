import asyncio
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import pytest

from solorun.logs import Channel, Masker, StepChange
from solorun.outcome import Outcome
from solorun.record import MAX_MESSAGE_BYTES, Event, Level, Record, Stream
from solorun.run import Run, RunStep
from solorun.status import Status, StepStatus, UpdateResult
from solorun.store import FinalState
from solorun.wire.encoding import decode_records

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)


def make_channel(
    *secrets: str,
    last_seq: int = 0,
    steps: tuple[str, ...] = ("extract",),
    max_records: int = 8 * 1024,
    on_ownership_lost: Callable[[], object] = lambda: None,
) -> Channel:
    run = Run(
        id=7,
        project="handbook",
        scope="full",
        status=Status.RUNNING,
        triggered_by="test",
        params={},
        created_at=AT,
        last_seq=last_seq,
        steps=tuple(map(RunStep, steps)),
    )
    return Channel(
        run,
        Masker(secrets),
        now=lambda: AT,
        notify=lambda channel, urgent: None,
        on_ownership_lost=on_ownership_lost,
        max_records=max_records,
    )


def take_all(channel: Channel) -> list[Record]:
    records: list[Record] = []
    while channel.has_work:
        batch = channel.take(2**20)
        assert batch is not None
        records += decode_records(batch.segment.payload) if batch.segment is not None else []
    return records


async def test_records_get_increasing_seqs_without_gaps() -> None:
    channel = make_channel(last_seq=4)

    await channel.write("extract", Stream.STDOUT, ["a", "b"])
    channel.log("c")
    await channel.write("extract", Stream.STDERR, ["d"], level=Level.WARNING)

    records = take_all(channel)
    assert [record.seq for record in records] == [5, 6, 7, 8]
    assert [record.message for record in records] == ["a", "b", "c", "d"]
    assert {record.time for record in records} == {AT}
    assert records[3].level is Level.WARNING


async def test_only_the_last_line_of_a_partial_write_is_partial() -> None:
    channel = make_channel()

    await channel.write("extract", Stream.STDOUT, ["a", "b"], partial=True)

    assert [record.partial for record in take_all(channel)] == [False, True]


async def test_a_message_with_line_ends_becomes_several_records() -> None:
    channel = make_channel()

    await channel.write("extract", Stream.STEP, ["a\nb\n\nc"])

    assert [record.message for record in take_all(channel)] == ["a", "b", "", "c"]


@pytest.mark.parametrize("letter", ["x", "語", "😀"])
async def test_a_long_message_is_split_between_characters_and_can_be_joined(letter: str) -> None:
    channel = make_channel()
    text = "a" + letter * MAX_MESSAGE_BYTES

    await channel.write("extract", Stream.STEP, [text])

    records = take_all(channel)
    assert "".join(record.message for record in records) == text
    assert max(len(record.message.encode()) for record in records) <= MAX_MESSAGE_BYTES
    assert [record.partial for record in records] == [True] * (len(records) - 1) + [False]


async def test_text_that_is_not_valid_utf8_is_made_storable() -> None:
    channel = make_channel()

    await channel.write("extract", Stream.STEP, ["a\ud800b"])
    await channel.progress("extract", 1, None, "\udfff")
    await channel.group("extract", "g\ud800", open=True)

    assert [record.message for record in take_all(channel)] == ["a?b", "1 ?", "g?"]


async def test_every_text_is_masked() -> None:
    channel = make_channel("correct-horse")

    await channel.write("extract", Stream.STDOUT, ["a correct-horse"])
    await channel.progress("extract", 1, 2, "correct-horse")
    await channel.group("extract", "correct-horse", open=True)
    channel.log("correct-horse")
    channel.change_step(StepChange(name="extract", status=StepStatus.RUNNING), "correct-horse")
    failed = StepChange(name="extract", status=StepStatus.FAILED, exit_code=1, error_message="correct-horse: no")
    channel.change_step(failed, "correct-horse: no")

    records = take_all(channel)
    assert "correct-horse" not in str(records)
    assert records[1].data == {"current": 1, "total": 2, "item": "***"}
    assert channel.sanitize_error("/srv/app/correct-horse\n failed") == "…/*** failed"


async def test_a_fast_step_waits_while_the_channel_is_full() -> None:
    channel = make_channel(max_records=10)
    await channel.write("extract", Stream.STDOUT, ["x"] * 10)
    writing = asyncio.create_task(channel.write("extract", Stream.STDOUT, ["late"]))
    await asyncio.sleep(0)
    blocked = not writing.done()

    channel.take(2**20)
    await writing

    assert blocked
    assert [record.message for record in take_all(channel)] == ["late"]


async def test_the_service_never_waits_for_its_own_records() -> None:
    channel = make_channel(max_records=1)

    channel.log("one")
    channel.log("two")

    assert len(take_all(channel)) == 2


async def test_a_flood_is_taken_in_segments_within_their_limits() -> None:
    channel = make_channel()
    await channel.write("extract", Stream.STDOUT, ["x"] * 2500)

    batches = [channel.take(2**20), channel.take(2**20), channel.take(2**20), channel.take(2**20)]

    counts = [batch.segment.record_count for batch in batches if batch is not None and batch.segment is not None]
    assert counts == [1000, 1000, 500]


async def test_a_batch_carries_the_run_as_it_is_after_its_records() -> None:
    channel = make_channel(steps=("extract", "generate"))
    channel.change_step(StepChange(name="extract", status=StepStatus.RUNNING), "extract started")
    await channel.progress("extract", 1, 2, "photon")
    first = channel.take(2**20)
    failed = StepChange(name="extract", status=StepStatus.FAILED, exit_code=3, error_message="exit code 3")
    channel.change_step(failed, "extract failed", Level.ERROR)
    second = channel.take(2**20)

    assert first is not None
    assert second is not None
    assert (first.run.current_step, first.run.progress_current, first.run.last_seq) == ("extract", 1, 2)
    assert [step.status for step in first.steps] == [StepStatus.RUNNING]
    assert (second.run.current_step, second.run.progress_current, second.run.first_error_seq) == (None, None, 3)
    assert [(step.name, step.exit_code, step.last_seq) for step in second.steps] == [("extract", 3, 3)]


async def test_the_ending_is_in_the_last_batch() -> None:
    channel = make_channel(steps=("extract", "generate"))
    await channel.write("extract", Stream.STDOUT, ["x"] * 1500)
    ending = FinalState(Outcome(Status.COMPLETED), AT)
    answer = channel.close(ending)
    await channel.write("extract", Stream.STDOUT, ["after the end"])
    channel.log("after the end")

    first, second = channel.take(2**20), channel.take(2**20)

    assert first is not None
    assert second is not None
    assert (first.ending, second.ending) == (None, ending)
    assert {step.status for step in second.steps} == {StepStatus.SKIPPED}
    assert channel.take(2**20) is None
    assert not answer.done()
    channel.committed(second)
    assert answer.result() is UpdateResult.UPDATED


async def test_an_ending_without_records_is_taken_too() -> None:
    channel = make_channel()
    channel.close(FinalState(Outcome(Status.CANCELLED), AT))

    batch = channel.take(2**20)

    assert batch is not None
    assert batch.segment is None
    assert batch.run.status is Status.CANCELLED


async def test_the_first_ending_is_kept() -> None:
    channel = make_channel()

    first = channel.close(FinalState(Outcome(Status.COMPLETED), AT))
    second = channel.close(FinalState(Outcome(Status.FAILED, "no"), AT))

    batch = channel.take(2**20)
    assert first is second
    assert batch is not None
    assert batch.run.status is Status.COMPLETED


async def test_a_writer_that_waits_for_space_continues_when_the_run_ends() -> None:
    channel = make_channel(max_records=1)
    await channel.write("extract", Stream.STDOUT, ["x"])
    writing = asyncio.create_task(channel.write("extract", Stream.STDOUT, ["y"]))
    await asyncio.sleep(0)

    channel.close(FinalState(Outcome(Status.FAILED, "no"), AT))

    await asyncio.wait_for(writing, 60)


async def test_losing_a_run_is_reported_to_its_owner_and_its_waiters() -> None:
    lost: list[bool] = []
    channel = make_channel(on_ownership_lost=lambda: lost.append(True))
    await channel.write("extract", Stream.STDOUT, ["x"])

    channel.invalidate(UpdateResult.NOT_FOUND)

    assert lost == [True]
    assert not channel.has_work
    assert channel.close(FinalState(Outcome(Status.COMPLETED), AT)).result() is UpdateResult.NOT_FOUND


async def test_groups_and_progress_are_events() -> None:
    channel = make_channel()

    await channel.group("extract", "setup", open=True)
    await channel.progress("extract", 3, 20, "photon")
    await channel.group("extract", "setup", open=False)

    assert [(record.event, record.data, record.message) for record in take_all(channel)] == [
        (Event.GROUP, {"name": "setup", "open": True}, "setup"),
        (Event.PROGRESS, {"current": 3, "total": 20, "item": "photon"}, "3/20 photon"),
        (Event.GROUP, {"name": "setup", "open": False}, "setup"),
    ]


async def test_a_value_over_the_limits_of_masking_is_reported() -> None:
    channel = make_channel()

    channel.add_mask("x" * 20_000)

    (record,) = take_all(channel)
    assert record.level is Level.WARNING
    assert record.message.startswith("a value of 20,000 characters is not masked:")


async def test_many_values_over_the_limits_of_masking_fill_no_memory() -> None:
    channel = make_channel()

    for _ in range(10_000):
        channel.add_mask("x" * 20_000)

    records = take_all(channel)
    assert len(records) == 14
    assert "8,192 values are not masked" in records[-1].message


async def test_a_large_write_is_masked_off_the_event_loop() -> None:
    channel = make_channel("correct-horse")
    loop_thread = threading.get_ident()
    threads: set[int] = set()
    mask = channel.masker.mask

    def note_thread(text: str, known: Iterable[tuple[int, int]] = ()) -> str:
        threads.add(threading.get_ident())
        return mask(text, known)

    channel.masker.mask = note_thread  # type: ignore[method-assign]
    await channel.write("extract", Stream.STDOUT, ["small correct-horse"])
    small, threads = set(threads), threads
    threads.clear()
    await channel.write("extract", Stream.STDOUT, ["x" * 1000 + "correct-horse"] * 5)
    await channel.progress("extract", 1, 2, "x" * 5000 + "correct-horse")
    await channel.group("extract", "x" * 5000 + "correct-horse", open=True)

    assert small == {loop_thread}
    assert threads
    assert loop_thread not in threads
    assert not any("correct-horse" in record.message for record in take_all(channel))
