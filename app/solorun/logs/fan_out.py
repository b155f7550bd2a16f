"""Wakes the followers that wait at the end of a log, or hands them new segments directly.

A follower that registers a receiver gets each new segment in the writer's own turn of the event loop, for as long as
the receiver accepts it. Every other follower is woken and reads on by itself.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from solorun.segment import Segment

MAX_SERVED_PER_TURN: Final = 512
"""Followers served per iteration of the event loop: about 10 ms. Shorter turns cost a sixth more, because readers on
other cores fall asleep in between, and do not help a cancel."""

Receiver = Callable[[Segment], bool]
"""Accepts a whole segment and returns True, or accepts nothing of it and returns False. Must not wait."""

FindRecent = Callable[[int], Sequence[Segment] | None]
"""The segments in memory with records after a seq; None when the follower has to read the store."""

_logger = logging.getLogger("solorun.logs")


@dataclass(eq=False, slots=True)
class _Follower:
    """A follower at the end of a log: the last seq it has, and the future that wakes it."""

    seq: int
    receiver: Receiver | None
    woken: asyncio.Future[None]


class FanOut:
    """The followers that wait for one run's next records."""

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self._waiting: dict[_Follower, None] = {}
        self._due: deque[_Follower] = deque()
        """Waiting followers for which there is something new, in turn."""

    def __len__(self) -> int:
        return len(self._waiting) + len(self._due)

    async def wait(self, seq: int, receiver: Receiver | None) -> int:
        """Wait until `notify` wakes this follower. Returns the last seq that its receiver accepted, else `seq`."""
        follower = _Follower(seq, receiver, asyncio.get_running_loop().create_future())
        self._waiting[follower] = None
        try:
            await follower.woken
        finally:
            # A reader that leaves while nothing is logged must leave nothing behind.
            self._waiting.pop(follower, None)
        return follower.seq

    def notify(self, find_recent: FindRecent) -> None:
        """Serve every waiting follower, the first group immediately and the rest in later turns of the loop.

        A receiver gets what `find_recent` returns for its follower; None from there wakes the follower instead.
        """
        is_serving = bool(self._due)
        self._due.extend(self._waiting)
        self._waiting = {}
        if not is_serving:
            self._serve(find_recent)

    def _serve(self, find_recent: FindRecent) -> None:
        for _ in range(min(MAX_SERVED_PER_TURN, len(self._due))):
            follower = self._due.popleft()
            if follower.woken.done():
                continue  # It left.
            if self._hand_over(follower, find_recent):
                self._waiting[follower] = None
            else:
                follower.woken.set_result(None)
        if self._due:
            asyncio.get_running_loop().call_soon(self._serve, find_recent)

    def _hand_over(self, follower: _Follower, find_recent: FindRecent) -> bool:
        """Whether the follower's receiver accepted all there is, so that the follower can go on waiting."""
        segments = None if follower.receiver is None else find_recent(follower.seq)
        if follower.receiver is None or segments is None:
            return False
        try:
            for segment in segments:
                if not follower.receiver(segment.after(follower.seq)):
                    return False
                follower.seq = segment.last_seq
        except Exception:
            # This concerns one reader only. It meets the same error again in its own task.
            _logger.exception(
                "A segment of run %s could not be handed to a follower",
                self._run_id,
                extra={"run_id": self._run_id},
            )
            return False
        return True
