"""What is committed, as readers find it in memory: each active run, its newest segments, and its waiting followers.

The writer and the executor publish here after each commit; tails and feeds read. A follower is a cursor, not a queue.
"""

from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from msgspec.structs import replace

from solorun.logs.fan_out import FanOut, Receiver
from solorun.logs.run_feed import RunFeed
from solorun.run import Run
from solorun.segment import Segment

MAX_RECENT_BYTES: Final = 1024 * 1024
MAX_RECENT_SEGMENTS: Final = 1024
"""How much is kept in memory of each run."""


class Topic:
    """One active run as committed, its recent segments, and the followers that wait for more."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._recent: list[Segment] = []
        self._recent_bytes = 0
        self._followers = FanOut(run.id)

    @property
    def follower_count(self) -> int:
        return len(self._followers)

    def find_recent(self, after: int) -> list[Segment] | None:
        """The segments with records after `after`; [] when there are none yet, None when memory begins later.

        Also None when memory ends sooner: if another owner ended the run, the store may hold more.
        """
        if after >= self.run.last_seq:
            return []
        if not self._recent or not self._recent[0].first_seq <= after + 1 <= self._recent[-1].last_seq:
            return None
        # Followers are nearly always at the newest segment.
        if self._recent[-1].first_seq <= after + 1:
            return self._recent[-1:]
        return self._recent[bisect_right(self._recent, after, key=lambda segment: segment.last_seq) :]

    async def wait_after(self, seq: int, receiver: Receiver | None = None) -> int:
        """Wait until there are records after `seq`, or the end. No await lies between the check and the wait.

        A `receiver` gets new records directly for as long as it accepts them. Returns the last seq it accepted, else
        `seq`: the caller reads on from there.
        """
        while self.run.last_seq <= seq and not self.run.has_ended:
            seq = await self._followers.wait(seq, receiver)
        return seq

    def publish(self, segment: Segment | None, changes: dict[str, Any]) -> None:
        """Show a committed segment and the fields of the run that changed with it; wake the followers."""
        self.run = replace(self.run, **changes)
        if segment is not None:
            self._recent.append(segment)
            self._recent_bytes += len(segment.payload)
            if self._exceeds(MAX_RECENT_BYTES, MAX_RECENT_SEGMENTS):
                self._forget()
        if segment is not None or self.run.has_ended:
            self._followers.notify(self._find_for_receiver)

    def _find_for_receiver(self, after: int) -> list[Segment] | None:
        """After the end every follower is woken, since it has to see the end by itself."""
        return None if self.run.has_ended else self.find_recent(after)

    def _exceeds(self, max_bytes: int, max_segments: int) -> bool:
        return self._recent_bytes > max_bytes or len(self._recent) > max_segments

    def _forget(self) -> None:
        # The older half in one go: the list stays cheap to search and cheap to shorten.
        while len(self._recent) > 1 and self._exceeds(MAX_RECENT_BYTES // 2, MAX_RECENT_SEGMENTS // 2):
            keep = max(1, len(self._recent) // 2)
            self._recent_bytes -= sum(len(segment.payload) for segment in self._recent[:-keep])
            self._recent = self._recent[-keep:]


class Hub:
    """The topics of all active runs, and the feeds over them."""

    def __init__(self) -> None:
        self.open_streams = 0
        self._topics: dict[int, Topic] = {}
        self._feeds: set[RunFeed] = set()

    @contextmanager
    def count_stream(self) -> Iterator[None]:
        """Count an open stream while the block lasts: the writer's flush policy depends on their number."""
        self.open_streams += 1
        try:
            yield
        finally:
            self.open_streams -= 1

    @contextmanager
    def open_feed(self) -> Iterator[RunFeed]:
        """A feed of all runs, for as long as the block lasts."""
        feed = RunFeed(self.list_runs)
        self._feeds.add(feed)
        try:
            yield feed
        finally:
            self._feeds.discard(feed)

    def find(self, run_id: int) -> Topic | None:
        return self._topics.get(run_id)

    def list_runs(self) -> list[Run]:
        """All active runs as committed, oldest first."""
        return [topic.run for topic in self._topics.values() if not topic.run.has_ended]

    def open(self, run: Run) -> Topic:
        """Begin to hold an active run."""
        topic = self._topics[run.id] = Topic(run)
        self._feed(run, urgent=True)
        return topic

    def publish(self, run_id: int, segment: Segment | None = None, **changes: Any) -> None:
        """Show what was just committed: a segment, and the fields of the run that changed with it.

        Does nothing for a run that is no longer held, as happens while the service goes down.
        """
        topic = self._topics.get(run_id)
        if topic is None:
            return
        before = topic.run
        topic.publish(segment, changes)
        if self._feeds:
            self._feed(topic.run, urgent=_is_urgent(before, topic.run))

    def close(self, run_id: int) -> None:
        """Stop holding the run. Readers of its topic read on to its end; later ones read the store."""
        self._topics.pop(run_id, None)

    def _feed(self, run: Run, *, urgent: bool) -> None:
        for feed in self._feeds:
            feed.add(run, urgent=urgent)


def _is_urgent(before: Run, after: Run) -> bool:
    return (
        before.status is not after.status
        or before.current_step != after.current_step
        or before.cancel != after.cancel
        or before.steps is not after.steps
    )
