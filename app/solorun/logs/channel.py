"""One run's log as it is created: each record is masked, and gets its seq and time once, in order.

Steps write to the channel (it is their StepOutput). The executor logs through it and closes it with the run's final
state. The writer takes batches from it. The channel knows neither the store nor the readers.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from solorun.logs.held_lines import HeldLines
from solorun.logs.masking import LIMITS_TEXT, Masker, run_in_thread_if_long
from solorun.logs.projection import Projection
from solorun.logs.step_changes import StepChange
from solorun.outcome import short_error_message
from solorun.record import MAX_MESSAGE_BYTES, Event, Level, Record, Stream, clip_message, split_message
from solorun.run import Run
from solorun.segment import MAX_SEGMENT_RECORDS, Segment
from solorun.status import Status, UpdateResult
from solorun.store import Batch, FinalState
from solorun.wire.encoding import encode_records

MAX_RECORDS: Final = 8 * 1024
MAX_BYTES: Final = 2 * 1024 * 1024
"""How much a channel holds before a step that writes has to wait."""
RECORD_OVERHEAD_BYTES: Final = 160
"""Roughly what a record's other members take on the wire."""
_MAX_COMMAND_CHARACTERS: Final = 2_000
_SAFE_CHARACTERS: Final = MAX_MESSAGE_BYTES // 4
"""A text of this length is within the limit in bytes whatever its characters are."""


class Channel:
    """One run's records on their way to the writer.

    `notify(channel, urgent)` is called when there is something to take. It is urgent if the writer must not wait for
    more: the final state has arrived, or the channel is half full. `on_ownership_lost` is called when another owner has
    taken the run.
    """

    def __init__(
        self,
        run: Run,
        masker: Masker,
        *,
        now: Callable[[], datetime],
        notify: Callable[["Channel", bool], None],
        on_ownership_lost: Callable[[], object],
        max_records: int = MAX_RECORDS,
    ) -> None:
        self.run_id = run.id
        self.masker = masker
        self.mask = masker.mask
        self.pending_secret_length = masker.pending_secret_length
        self._now = now
        self._notify = notify
        self._on_ownership_lost = on_ownership_lost
        self._max_records = max_records
        self._projection = Projection(run)
        self._records: deque[Record] = deque()
        self._bytes = 0
        self._next_seq = run.last_seq + 1
        self.segment_count = 0
        """How many segments the writer has taken."""
        self._held = HeldLines(self._append_held)
        self._space = asyncio.Event()
        self._space.set()
        self._ending: FinalState | None = None
        self._ending_taken = False
        self._committed: asyncio.Future[UpdateResult] | None = None
        self._begun: asyncio.Future[UpdateResult] = asyncio.get_running_loop().create_future()

    # -- for steps (StepOutput)

    async def write(
        self, step: str, stream: Stream, lines: Sequence[str], *, level: Level = Level.INFO, partial: bool = False
    ) -> None:
        if self.masker.has_secrets:
            lines = [*self._held.take(step, stream, level), *lines]
            masked, open_count = await run_in_thread_if_long(sum(map(len, lines)), self._mask_lines, lines, partial)
            if open_count:
                self._held.hold(step, stream, level, lines[-open_count:])
            lines = masked[: len(masked) - open_count]
        for start in range(0, len(lines), MAX_SEGMENT_RECORDS):
            part = lines[start : start + MAX_SEGMENT_RECORDS] if len(lines) > MAX_SEGMENT_RECORDS else lines
            await self._space.wait()
            self._append_lines(step, stream, part, level, partial and start + len(part) == len(lines))

    async def progress(self, step: str, current: int, total: int | None, item: str = "") -> None:
        await self._space.wait()
        # A coroutine may pass anything. A value that cannot be stored must not reach the writer, which serves all runs.
        current, total, item = _whole_number(current) or 0, _whole_number(total), str(item)
        item = await run_in_thread_if_long(len(item), self._clean, item)
        count = f"{current}/{total}" if total is not None else str(current)
        data = {"current": current, "total": total, "item": item}
        self._append_record(Level.INFO, step, Stream.STEP, f"{count} {item}".rstrip(), Event.PROGRESS, data)

    async def group(self, step: str, name: str, *, open: bool) -> None:
        await self._space.wait()
        name = await run_in_thread_if_long(len(name := str(name)), self._clean, name)
        data = {"name": name, "open": open}
        self._append_record(Level.INFO, step, Stream.STEP, name, Event.GROUP, data)

    def add_mask(self, value: str) -> None:
        if not self.masker.add(value) and self.masker.refused_count.bit_count() == 1:  # the 1st, 2nd, 4th, 8th …
            count = self.masker.refused_count
            values = f"a value of {len(value):,} characters is" if count == 1 else f"{count:,} values are"
            self.log(f"{values} not masked: {LIMITS_TEXT}", level=Level.WARNING)

    # -- for the service; never waits, never bounded

    @property
    def is_full(self) -> bool:
        """Whether a step that writes has to wait."""
        return len(self._records) >= self._max_records or self._bytes >= MAX_BYTES

    def log(
        self,
        message: str,
        *,
        level: Level = Level.INFO,
        step: str | None = None,
        event: Event | None = None,
        data: dict[str, Any] | None = None,
    ) -> None:
        """Append a record from the service: one per line of the message, but a single one if it carries an event."""
        for line in [message] if event is not None else message.splitlines() or [""]:
            self._append_record(level, step, Stream.SOLORUN, self._clean(line), event, data)

    def change_step(self, change: StepChange, message: str, level: Level = Level.INFO) -> None:
        """Append the record that changes a step. A step that becomes `running` becomes the run's current step, and
        makes the run `running`.
        """
        data = {"name": change.name, "status": change.status.value, "exit_code": change.exit_code}
        if change.max_attempts > 1:
            data["attempt"] = change.attempt
        if change.command is not None:
            data["command"] = self._clip_command(change.command)
        change = replace(change, error_message=self.sanitize_error(change.error_message))
        self._projection.expect_step(self._next_seq, change)
        self._append_record(level, change.name, Stream.SOLORUN, self._clean(message), Event.STEP, data)

    async def wait_until_running(self) -> UpdateResult:
        """Wait until the store has recorded the run as `running`, as the first step's record does, or until the run
        turns out to belong to another owner."""
        return await asyncio.shield(self._begun)

    def sanitize_error(self, message: str | None) -> str | None:
        """An error message fit for the run's row: masked, one short line, no paths of the server."""
        return None if message is None else short_error_message(self.mask(message))

    def close(self, ending: FinalState) -> asyncio.Future[UpdateResult]:
        """Append the final state, the last entry. The future resolves when it is committed.

        Idempotent: the first final state stands. The future is shared, so shield it when you await it.
        """
        if self._committed is None:
            self._held.release(None)
            self._committed = asyncio.get_running_loop().create_future()
            self._ending = ending
            self._space.set()
            self._notify(self, True)
        return self._committed

    # -- for the writer

    @property
    def has_work(self) -> bool:
        return bool(self._records) or (self._ending is not None and not self._ending_taken)

    def take(self, max_bytes: int) -> Batch | None:
        """The next batch: at most about `max_bytes` and one segment's records. The last one has the final state.

        Each batch is handed out once. The caller must commit it, retrying until that succeeds.
        """
        if not self.has_work:
            return None
        records: list[Record] = []
        size = 0
        while self._records and len(records) < MAX_SEGMENT_RECORDS and size < max_bytes:
            record = self._records.popleft()
            size += len(record.message) + RECORD_OVERHEAD_BYTES
            records.append(record)
        self._bytes -= size
        if not self._space.is_set() and not self.is_full:
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
        """Called when the store has committed a batch."""
        if not self._begun.done() and batch.run.status is Status.RUNNING:
            self._begun.set_result(UpdateResult.UPDATED)
        if batch.ending is not None:
            self._resolve(UpdateResult.UPDATED)

    def invalidate(self, transition: UpdateResult) -> None:
        """Called when another owner has taken the run: discards everything not yet committed."""
        self._records.clear()
        self._bytes = 0
        self._ending_taken = True
        self._space.set()
        if self._committed is None:
            self._committed = asyncio.get_running_loop().create_future()
        self._resolve(transition)
        if not self._begun.done():
            self._begun.set_result(transition)
        self._on_ownership_lost()

    # -- internals

    def _append_lines(self, step: str, stream: Stream, lines: Sequence[str], level: Level, partial: bool) -> None:
        if self._committed is not None:
            return  # A process that the step left behind keeps writing after the run's end.
        time = self._now()
        seq = self._next_seq
        records = self._records
        size = 0
        last = len(lines) - 1
        for index, text in enumerate(lines):
            if len(text) > _SAFE_CHARACTERS or not text.isascii() or "\n" in text:
                for piece, continues in split_message(text, partial=partial and index == last):
                    records.append(Record(seq, time, level, step, stream, piece, None, None, continues))
                    seq += 1
                    size += len(piece) + RECORD_OVERHEAD_BYTES
                continue
            records.append(Record(seq, time, level, step, stream, text, None, None, partial and index == last))
            seq += 1
            size += len(text) + RECORD_OVERHEAD_BYTES
        self._next_seq = seq
        self._add_size(size)

    def _mask_lines(self, lines: Sequence[str], partial: bool) -> tuple[list[str], int]:
        """The masked lines, and how many of the last ones have to be held back."""
        return self.masker.mask_lines(lines), 0 if partial else self.masker.count_open_lines(lines)

    def _append_held(self, step: str, stream: Stream, level: Level, lines: Sequence[str]) -> None:
        self._append_lines(step, stream, self.masker.mask_lines(lines), level, partial=False)

    def _append_record(
        self,
        level: Level,
        step: str | None,
        stream: Stream,
        message: str,
        event: Event | None,
        data: dict[str, Any] | None,
    ) -> None:
        self._held.release(step)
        if self._committed is not None:
            return
        self._records.append(Record(self._next_seq, self._now(), level, step, stream, message, event, data))
        self._next_seq += 1
        self._add_size(len(message) + RECORD_OVERHEAD_BYTES)

    def _add_size(self, size: int) -> None:
        self._bytes += size
        if self.is_full:
            self._space.clear()
        half_full = len(self._records) * 2 >= self._max_records or self._bytes * 2 >= MAX_BYTES
        self._notify(self, half_full)

    def _clean(self, text: str) -> str:
        return clip_message(self.mask(str(text)))

    def _clip_command(self, command: str) -> str:
        """The command, masked. A long one is cut first, before a secret that the cut would go through."""
        kept = command[:_MAX_COMMAND_CHARACTERS]
        if kept != command:
            kept = kept[: len(kept) - self.pending_secret_length(kept)]
        shown = self.mask(kept).encode("utf-8", "replace").decode()
        return shown if len(command) <= _MAX_COMMAND_CHARACTERS else f"{shown}…"

    def _resolve(self, transition: UpdateResult) -> None:
        if self._committed is not None and not self._committed.done():
            self._committed.set_result(transition)


def _whole_number(value: object) -> int | None:
    """The value as an integer, limited to what a database can hold; None if it is not a number."""
    try:
        return max(-(2**63), min(int(value), 2**63 - 1))  # type: ignore[call-overload, no-any-return]
    except Exception:  # noqa: BLE001 - the value may be any object
        return None
