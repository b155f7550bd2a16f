"""Keeps the lease of this service's runs, and ends their work in time if that fails.

Work must have ended before another service may take its project, so the process exits if it cannot be stopped.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Final

from solorun.errors import SolorunError
from solorun.execution.clock import count_seconds
from solorun.execution.handle import RunHandle, RunRegistry
from solorun.outcome import StopReason
from solorun.store import Lease, Notice, Renewal, RunNotice

RENEWALS_PER_LEASE: Final = 3
RETRIES_PER_LEASE: Final = 30
_STOP_DELAY_SECONDS: Final = 0.2
"""How long a call to `stop` may have to wait for the renewing thread."""
_STOP_FRACTION: Final = 2 / 3
"""The age of a lease, as a fraction of its length, at which work is stopped."""
_GRACE_FRACTION: Final = 1 / 6
"""How long work may take to stop, as a fraction of the lease. It overrides a longer grace of its own."""
_KILL_FRACTION: Final = _STOP_FRACTION + _GRACE_FRACTION
"""The age at which commands are killed, even if this process is frozen."""
_EXIT_FRACTION: Final = 0.95

_logger = logging.getLogger("solorun.execution")


def exit_process() -> None:
    """Exit without any clean-up. The shims then kill the processes of all command steps."""
    os._exit(1)


@dataclass(eq=False)
class LeaseKeeper:
    """A Component. It has two threads, because neither a busy event loop nor an unresponsive server may delay it.

    `on_renewed` is called on a thread, with the time at which commands are killed unless the lease is renewed again.
    """

    lease: Lease
    registry: RunRegistry
    _: KW_ONLY
    on_drain: Callable[[], None] = lambda: None
    on_run_notice: Callable[[RunNotice], None] = lambda _: None
    on_renewed: Callable[[float], None] = lambda _: None
    clock: Callable[[], float] = count_seconds
    exit_process: Callable[[], None] = exit_process
    renewal_seconds: float | None = None
    retry_seconds: float | None = None

    def __post_init__(self) -> None:
        self._renewal_seconds = self.renewal_seconds or self.lease.seconds / RENEWALS_PER_LEASE
        self._retry_seconds = self.retry_seconds or self.lease.seconds / RETRIES_PER_LEASE
        self._renewed_at = self.clock()
        self._is_renewed = False
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    async def start(self) -> None:
        """Take the lease. Raises StoreUnavailable."""
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(self._renew)
        for target in (self._keep_renewing, self._guard):
            thread = threading.Thread(target=target, args=(loop,), name=f"solorun lease {target.__name__}", daemon=True)
            thread.start()
            self._threads.append(thread)

    async def stop(self) -> None:
        """End the lease. What is still active then belongs to whichever service finds it first."""
        self._stopping.set()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        await asyncio.to_thread(self.lease.end)

    # -- on the threads

    def _keep_renewing(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._wait(loop):
            handles = list(self.registry)
            try:
                renewal = self._renew()
            except Exception as error:
                if self._is_renewed:
                    is_known = isinstance(error, SolorunError)
                    _logger.warning("The lease cannot be renewed; retrying: %s", error, exc_info=not is_known)
                self._is_renewed = False
            else:
                _call(loop, self._compare, handles, renewal)

    def _wait(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Wait until a renewal is due, or another process has changed one of our runs. Returns whether to stop."""
        if not self._is_renewed:
            return self._stopping.wait(self._retry_seconds)
        due_at = time.monotonic() + self._renewal_seconds
        while not self._stopping.is_set() and (left := due_at - time.monotonic()) > 0:
            notices = self.lease.wait(min(left, _STOP_DELAY_SECONDS))
            for notice in notices:
                if isinstance(notice, RunNotice):
                    _call(loop, self.on_run_notice, notice)
                elif notice is Notice.WORK:
                    _call(loop, self.registry.notify_released)
            if Notice.OWN in notices:
                break
        return self._stopping.is_set()

    def _renew(self) -> Renewal:
        # The server counts the lease from when it receives the statement, which is later: this time is safe.
        begun_at = self.clock()
        renewal = self.lease.renew()
        self._renewed_at = begun_at
        self.on_renewed(begun_at + self.lease.seconds * _KILL_FRACTION)
        self._is_renewed = True
        return renewal

    def _guard(self, loop: asyncio.AbstractEventLoop) -> None:
        while not self._stopping.wait(self._retry_seconds):
            age = (self.clock() - self._renewed_at) / self.lease.seconds
            if age >= _EXIT_FRACTION and self.registry.has_work:
                os.write(2, b"solorun: the lease could not be renewed, and work could not be stopped: exiting\n")
                self.exit_process()
            elif age >= _STOP_FRACTION:
                _call(loop, self._stop_work)

    # -- on the event loop

    def _compare(self, handles: list[RunHandle], renewal: Renewal) -> None:
        """Stop the runs that another process has ended, or has been asked to cancel."""
        self.registry.has_lease = True
        for handle in handles:
            if handle.id not in renewal.runs:
                handle.cancel_scope.cancel(StopReason.LEASE_LOST)
        self.registry.apply_cancels({run_id: cancel for run_id, cancel in renewal.runs.items() if cancel is not None})
        if renewal.is_draining:
            self.on_drain()
        self.registry.notify_released()  # another process may have promoted a queued run

    def _stop_work(self) -> None:
        self.registry.has_lease = False
        for handle in self.registry:
            handle.cancel_scope.limit_grace(self.lease.seconds * _GRACE_FRACTION)
            handle.cancel_scope.cancel(StopReason.LEASE_LOST)


def _call(loop: asyncio.AbstractEventLoop, function: Callable[..., None], *args: object) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(function, *args)
