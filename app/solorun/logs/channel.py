"""Where one run's records come into being: masked, bounded, stamped with seq and time once, in one order.

Steps write to it (it is their StepOutput), the engine says its own through it and closes it with the run's ending; the
writer takes batches from it. Nothing here knows the store or the readers.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from solorun.logs.masking import Masker
from solorun.logs.projection import Projection
from solorun.outcome import short_error_message
from solorun.record import MAX_MESSAGE_BYTES, Event, Level, Record, Stream
from solorun.run import Run
from solorun.segment import MAX_SEGMENT_RECORDS, Segment
from solorun.status import Status, StepStatus, UpdateResult
from solorun.store import Batch, FinalState
from solorun.wire import encode_records

MAX_CHANNEL_RECORDS: Final = 8 * 1024
MAX_CHANNEL_BYTES: Final = 2 * 1024 * 1024
_RECORD_OVERHEAD_BYTES: Final = 160
"""About what a record's other members take on the wire."""
_SAFE_CHARACTERS: Final = MAX_MESSAGE_BYTES // 4
"""So many characters never pass the limit in bytes, whatever they are."""


class Channel:
    """One run's records on their way to the writer.

    `notify(channel, urgent)` is called when there is something to take; urgent means that waiting for more would be
    wrong: the ending is here, or the channel is half full.
    """

    def __init__(
        self, run: Run, masker: Masker, *, now: Callable[[], datetime], notify: Callable[["Channel", bool], None]
    ) -> None:
        self.run_id = run.id
        self.masker = masker
        self.on_ownership_lost: Callable[[], object] | None = None
        self._now = now
        self._notify = notify
        self._projection = Projection(run)
        self._records: deque[Record] = deque()
        self._bytes = 0
        self._next_seq = run.last_seq + 1
        self.segment_count = 0
        """How many segments were taken."""
        self._space = asyncio.Event()
        self._space.set()
        self._ending: FinalState | None = None
        self._ending_taken = False
        self._answer: asyncio.Future[UpdateResult] | None = None
        self._begun: asyncio.Future[UpdateResult] = asyncio.get_running_loop().create_future()

    # -- what a step says (StepOutput)

    async def write(
        self,
        step: str,
        stream: Stream,
        lines: Sequence[str],
        *,
        level: Level = Level.INFO,
        partial: bool = False,
    ) -> None:
        if len(lines) <= MAX_SEGMENT_RECORDS:
            await self._space.wait()
            self._append(step, stream, lines, level, partial)
            return
        for start in range(0, len(lines), MAX_SEGMENT_RECORDS):
            part = lines[start : start + MAX_SEGMENT_RECORDS]
            await self._space.wait()
            self._append(step, stream, part, level, partial and start + len(part) == len(lines))

    async def progress(self, step: str, current: int, total: int | None, item: str = "") -> None:
        await self._space.wait()
        # A coroutine may pass anything: what cannot be stored must not reach the writer, which serves all runs.
        current, total, item = _whole_number(current) or 0, _whole_number(total), self._clean(item)
        of = f"{current}/{total}" if total is not None else str(current)
        data = {"current": current, "total": total, "item": item}
        self._put(Level.INFO, step, Stream.STEP, f"{of} {item}".rstrip(), Event.PROGRESS, data)

    async def group(self, step: str, name: str, *, open: bool) -> None:
        await self._space.wait()
        name = self._clean(name)
        data = {"name": name, "open": open}
        self._put(Level.INFO, step, Stream.STEP, name, Event.GROUP, data)

    def add_mask(self, value: str) -> None:
        self.masker.add(value)

    def mask(self, text: str) -> str:
        return self.masker.mask(text)

    def pending_secret_length(self, text: str) -> int:
        return self.masker.pending_secret_length(text)

    # -- what the service says; never waits, never bounded

    def log(
        self,
        message: str,
        *,
        level: Level = Level.INFO,
        step: str | None = None,
        event: Event | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Append a record of the service's own; of a message of several lines one each, but one alone of an event."""
        for line in [message] if event is not None else message.splitlines() or [""]:
            self._put(level, step, Stream.SOLORUN, self._clean(line), event, data)

    def begin_step(self, name: str) -> None:
        """Append the record with which a step begins; it becomes the run's current step, and the run running."""
        data = {"name": name, "status": StepStatus.RUNNING.value, "exit_code": None}
        self._projection.expect_step(self._next_seq, name, StepStatus.RUNNING, None, None)
        self._put(Level.INFO, name, Stream.SOLORUN, f"{name} started", Event.STEP, data)

    async def wait_begun(self) -> UpdateResult:
        """Wait until the run is `running` in the store, which the record of its first step makes it; or until it is
        found not to be ours to write."""
        return await asyncio.shield(self._begun)

    def end_step(self, name: str, status: StepStatus, exit_code: int | None, error_message: str | None) -> None:
        """Append the record with which a step ends."""
        error_message = self.sanitize_error(error_message)
        message = f"{name} {status}" + (f": {error_message}" if error_message else "")
        level = Level.ERROR if status is StepStatus.FAILED else Level.INFO
        data = {"name": name, "status": status.value, "exit_code": exit_code}
        self._projection.expect_step(self._next_seq, name, status, exit_code, error_message)
        self._put(level, name, Stream.SOLORUN, message, Event.STEP, data)

    def sanitize_error(self, message: str | None) -> str | None:
        """An error's text as it may stand in the run's row: masked, one short line, without the server's paths."""
        return None if message is None else short_error_message(self.masker.mask(message))

    def close(self, ending: FinalState) -> asyncio.Future[UpdateResult]:
        """Append the ending, the last entry there will be. The answer comes when it is committed.

        Idempotent: the first ending stands. Who waits should shield the future: it is shared.
        """
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
            self._ending = ending
            self._space.set()
            self._notify(self, True)
        return self._answer

    @property
    def is_closed(self) -> bool:
        return self._ending is not None

    # -- what the writer asks

    @property
    def has_work(self) -> bool:
        return bool(self._records) or (self._ending is not None and not self._ending_taken)

    def take(self, max_bytes: int) -> Batch | None:
        """The next batch: at most about `max_bytes` and a segment's records, with the ending when it is the last.

        Who takes a batch commits it, or keeps trying: it is handed out once.
        """
        if not self.has_work:
            return None
        records: list[Record] = []
        size = 0
        while self._records and len(records) < MAX_SEGMENT_RECORDS and size < max_bytes:
            record = self._records.popleft()
            size += len(record.message) + _RECORD_OVERHEAD_BYTES
            records.append(record)
        self._bytes -= size
        if not self._space.is_set() and not self._is_full():
            self._space.set()
        segment = None
        if records:
            counts = self._projection.apply(records)
            self.segment_count += 1
            segment = Segment(self.run_id, records[0].seq, records[-1].seq, encode_records(records), counts)
        ending = None
        if self._ending is not None and not self._records:
            ending = self._ending
            self._ending_taken = True
            self._projection.end(ending)
        return Batch(self._projection.run, segment, self._projection.take_changed_steps(), ending)

    def committed(self, batch: Batch) -> None:
        """The writer's word that a batch is in the store."""
        if not self._begun.done() and batch.run.status is Status.RUNNING:
            self._begun.set_result(UpdateResult.UPDATED)
        if batch.ending is not None:
            self._answer_with(UpdateResult.UPDATED)

    def invalidate(self, transition: UpdateResult) -> None:
        """The writer's word that the run is no longer ours to write: whatever is still here is void."""
        self._records.clear()
        self._bytes = 0
        self._ending_taken = True
        self._space.set()
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
        self._answer_with(transition)
        if not self._begun.done():
            self._begun.set_result(transition)
        if self.on_ownership_lost is not None:
            self.on_ownership_lost()

    # -- inside

    def _append(self, step: str, stream: Stream, lines: Sequence[str], level: Level, partial: bool) -> None:
        if self._answer is not None:
            return  # Something the step left behind goes on talking after the run's end.
        time = self._now()
        seq = self._next_seq
        records = self._records
        size = 0
        mask = self.masker.mask
        last = len(lines) - 1
        for index, line in enumerate(lines):
            text = mask(line)
            if len(text) > _SAFE_CHARACTERS or not text.isascii() or "\n" in text:
                for piece, goes_on in _pieces(text, partial and index == last):
                    records.append(Record(seq, time, level, step, stream, piece, None, None, goes_on))
                    seq += 1
                    size += len(piece) + _RECORD_OVERHEAD_BYTES
                continue
            records.append(Record(seq, time, level, step, stream, text, None, None, partial and index == last))
            seq += 1
            size += len(text) + _RECORD_OVERHEAD_BYTES
        self._next_seq = seq
        self._grown(size)

    def _put(
        self,
        level: Level,
        step: str | None,
        stream: Stream,
        message: str,
        event: Event | None,
        data: dict[str, Any] | None,
    ) -> None:
        if self._answer is not None:
            return
        self._records.append(Record(self._next_seq, self._now(), level, step, stream, message, event, data))
        self._next_seq += 1
        self._grown(len(message) + _RECORD_OVERHEAD_BYTES)

    def _grown(self, size: int) -> None:
        self._bytes += size
        if self._is_full():
            self._space.clear()
        half_full = len(self._records) * 2 >= MAX_CHANNEL_RECORDS or self._bytes * 2 >= MAX_CHANNEL_BYTES
        self._notify(self, half_full)

    def _is_full(self) -> bool:
        return len(self._records) >= MAX_CHANNEL_RECORDS or self._bytes >= MAX_CHANNEL_BYTES

    def _clean(self, text: str) -> str:
        """One masked piece that fits into a record; what is too long for one is cut."""
        text = self.masker.mask(str(text)).encode("utf-8", "replace")[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
        return text.replace("\n", " ")

    def _answer_with(self, transition: UpdateResult) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(transition)


def _whole_number(value: object) -> int | None:
    """The nearest whole number that a database holds; None for what is no number."""
    try:
        return max(-(2**63), min(int(value), 2**63 - 1))  # type: ignore[call-overload, no-any-return]
    except Exception:  # noqa: BLE001 - it may be an object of any kind
        return None


def _pieces(text: str, partial: bool) -> Iterator[tuple[str, bool]]:
    """What `text` becomes as records: its lines, each in pieces that fit; and whether a piece's line goes on."""
    *lines, last = text.split("\n")
    for line in lines:
        yield from _pieces(line, partial=False)
    # Lone surrogates, which a coroutine may well pass, have no UTF-8 and so no JSON.
    rest = last.encode("utf-8", "replace")
    while len(rest) > MAX_MESSAGE_BYTES:
        piece = rest[:MAX_MESSAGE_BYTES].decode("utf-8", "ignore")
        yield piece, True
        rest = rest[len(piece.encode()) :]
    yield rest.decode(), partial
