"""What is committed, as readers find it in memory: each active run and its newest segments; wakes who waits.

The writer and the engine publish here, after the commit; tails and watches read. A follower is a cursor, not a queue:
who waits at a log's end may be handed what comes, and is woken when it does not take it.
"""

import asyncio
import logging
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from msgspec.structs import replace

from solorun.errors import SolorunError
from solorun.run import Run
from solorun.segment import Segment

MAX_RECENT_BYTES: Final = 1024 * 1024
MAX_RECENT_SEGMENTS: Final = 1024
WATCH_INTERVAL_SECONDS: Final = 0.25
"""How long changes that are not urgent are gathered for a watch: at most four a second of each run."""
MAX_WATCH_BACKLOG: Final = 10_000
SERVED_AT_ONCE: Final = 512
"""So many followers are served before the loop has its turn: about 10 ms. Many short turns cost a sixth more, since
readers on other cores fall asleep in between, and are no better for a cancel."""

Receiver = Callable[[Segment], bool]
"""Takes a segment at once, whole, and says so; or takes nothing of it. It must not wait."""

_logger = logging.getLogger("solorun.logs")


class FeedOverflow(SolorunError):
    """The watcher fell too far behind; a new snapshot is needed."""


class _Follower:
    """Who waits at the end of a log, and how far it has come."""

    __slots__ = ("seq", "take", "woken")

    def __init__(self, seq: int, take: Receiver | None) -> None:
        self.seq = seq
        self.take = take
        self.woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Topic:
    """One active run as committed, its recent segments, and who waits for more."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._recent: list[Segment] = []
        self._recent_bytes = 0
        self._waiting: dict[_Follower, None] = {}
        self._due: deque[_Follower] = deque()
        """Those of the waiting for whom there is something, in turn."""

    @property
    def has_ended(self) -> bool:
        return self.run.has_ended

    def find_recent(self, after: int) -> list[Segment] | None:
        """The segments with records after `after`, [] when there are none yet, None when memory begins later.

        None also when it ends sooner: of a run that somebody else ended the store may hold more.
        """
        if after >= self.run.last_seq:
            return []
        if not self._recent or not self._recent[0].first_seq <= after + 1 <= self._recent[-1].last_seq:
            return None
        # Followers are nearly always at the newest segment.
        if self._recent[-1].first_seq <= after + 1:
            return self._recent[-1:]
        return self._recent[bisect_right(self._recent, after, key=lambda segment: segment.last_seq) :]

    async def wait_after(self, seq: int, take: Receiver | None = None) -> int:
        """Wait until there are records after `seq`, or the end. Check and wait happen without an await between.

        With `take`, records that come are handed to it at once, for as long as it takes them. Returns the last seq that
        it took, else `seq`: from there on the caller reads by itself.
        """
        while self.run.last_seq <= seq and not self.has_ended:
            follower = _Follower(seq, take)
            self._waiting[follower] = None
            try:
                await follower.woken
            finally:
                # A reader who leaves while nothing is said must leave nothing behind.
                self._waiting.pop(follower, None)
            seq = follower.seq
        return seq

    def add(self, segment: Segment) -> None:
        self._recent.append(segment)
        self._recent_bytes += len(segment.payload)
        if self._recent_bytes > MAX_RECENT_BYTES or len(self._recent) > MAX_RECENT_SEGMENTS:
            self._forget()

    def wake(self) -> None:
        """Serve all who wait: the first of them now, the others when the loop has had its turn."""
        is_serving = bool(self._due)
        self._due.extend(self._waiting)
        self._waiting = {}
        if not is_serving:
            self._serve()

    def _serve(self) -> None:
        for _ in range(min(SERVED_AT_ONCE, len(self._due))):
            follower = self._due.popleft()
            if follower.woken.done():
                continue  # It left.
            if self._hand_over(follower):
                self._waiting[follower] = None
            else:
                follower.woken.set_result(None)
        if self._due:
            asyncio.get_running_loop().call_soon(self._serve)

    def _hand_over(self, follower: _Follower) -> bool:
        """Whether it took all there is, and more may come."""
        segments = None if follower.take is None or self.has_ended else self.find_recent(follower.seq)
        if follower.take is None or segments is None:
            return False
        try:
            for segment in segments:
                if not follower.take(segment.after(follower.seq)):
                    return False
                follower.seq = segment.last_seq
        except Exception:
            # It is one reader's alone: in its own task it meets the same again.
            _logger.exception("A follower of run %s cannot be served at once", self.run.id)
            return False
        return True

    def _forget(self) -> None:
        # The older half at once, so that a list, cheap to search, stays cheap to shorten.
        while len(self._recent) > 1 and (
            self._recent_bytes > MAX_RECENT_BYTES // 2 or len(self._recent) > MAX_RECENT_SEGMENTS // 2
        ):
            keep = max(1, len(self._recent) // 2)
            self._recent_bytes -= sum(len(segment.payload) for segment in self._recent[:-keep])
            self._recent = self._recent[-keep:]


class RunFeed:
    """One reader's view of all runs: a snapshot, then what changed, the newest state of each run."""

    def __init__(self, hub: "Hub") -> None:
        self._hub = hub
        self._changed: dict[int, Run] = {}
        self._urgent = asyncio.Event()
        self._some = asyncio.Event()
        self._last_answer = 0.0

    def snapshot(self) -> list[Run]:
        """All active runs, as committed. Changes from here on are answered by `changes`."""
        self._changed.clear()
        self._some.clear()
        self._urgent.clear()
        return self._hub.list_runs()

    async def changes(self) -> list[Run]:
        """The runs that changed since they were last asked for, in the order of their last change.

        A change of status, step or cancel is answered at once, others at most four times a second. Raises FeedOverflow
        when more runs changed than are kept.
        """
        loop = asyncio.get_running_loop()
        await self._some.wait()
        wait_seconds = self._last_answer + WATCH_INTERVAL_SECONDS - loop.time()
        if wait_seconds > 0 and not self._urgent.is_set():
            try:
                async with asyncio.timeout(wait_seconds):
                    await self._urgent.wait()
            except TimeoutError:
                pass
        if len(self._changed) > MAX_WATCH_BACKLOG:
            raise FeedOverflow
        changed = list(self._changed.values())
        self._changed.clear()
        self._some.clear()
        self._urgent.clear()
        self._last_answer = loop.time()
        return changed

    def notice(self, run: Run, *, urgent: bool) -> None:
        if len(self._changed) <= MAX_WATCH_BACKLOG:
            self._changed.pop(run.id, None)
            self._changed[run.id] = run
        self._some.set()
        if urgent:
            self._urgent.set()


class Hub:
    """The topics of all active runs, and the watches over them."""

    def __init__(self) -> None:
        self.open_streams = 0
        self._topics: dict[int, Topic] = {}
        self._watches: set[RunFeed] = set()

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Count an open stream for as long as the block lasts: the writer's flush policy depends on their number."""
        self.open_streams += 1
        try:
            yield
        finally:
            self.open_streams -= 1

    @contextmanager
    def watch(self) -> Iterator[RunFeed]:
        """A watch for as long as the block lasts."""
        watch = RunFeed(self)
        self._watches.add(watch)
        try:
            yield watch
        finally:
            self._watches.discard(watch)

    def find(self, run_id: int) -> Topic | None:
        return self._topics.get(run_id)

    def list_runs(self) -> list[Run]:
        return [topic.run for topic in self._topics.values() if not topic.has_ended]

    def open(self, run: Run) -> Topic:
        """Begin to hold an active run."""
        topic = self._topics[run.id] = Topic(run)
        self._tell_watches(run, urgent=True)
        return topic

    def publish(self, run_id: int, segment: Segment | None = None, **changes: Any) -> None:
        """Show what was just committed: a segment, and the fields of the run that changed with it.

        A run that is held no longer (the service goes down) has nobody to be shown to.
        """
        topic = self._topics.get(run_id)
        if topic is None:
            return
        before = topic.run
        topic.run = replace(before, **changes)
        if segment is not None:
            topic.add(segment)
        if segment is not None or topic.has_ended:
            topic.wake()
        if self._watches:
            self._tell_watches(topic.run, urgent=_is_urgent(before, topic.run))

    def close(self, run_id: int) -> None:
        """Hold it no longer. Those who still read from its topic go on to its end; later ones read the store."""
        self._topics.pop(run_id, None)

    def _tell_watches(self, run: Run, *, urgent: bool) -> None:
        for watch in self._watches:
            watch.notice(run, urgent=urgent)


def _is_urgent(before: Run, after: Run) -> bool:
    return (
        before.status is not after.status
        or before.current_step != after.current_step
        or before.cancel_requested_at != after.cancel_requested_at
        or before.steps is not after.steps
    )
