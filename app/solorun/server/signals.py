"""Signals: the first SIGTERM or SIGINT requests a shutdown, the second exits immediately, SIGHUP requests a reload."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final, Self

_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
_EXIT_CODE_OF_LIMIT: Final = 1

_logger = logging.getLogger("solorun.server")


class Signals:
    """Sets `stop` and `hangup`.

    The first request to stop starts a timer in a thread, which a blocked event loop cannot hold up: when the limit has
    passed, the process exits, and the next start cleans up.
    """

    def __init__(self, limit_seconds: float) -> None:
        self.stop = asyncio.Event()
        self.hangup = asyncio.Event()
        self._limit_seconds = limit_seconds
        self._timer: threading.Timer | None = None

    @contextmanager
    def handled(self) -> Iterator[Self]:
        """Handle signals within this block; only in the main thread."""
        loop = asyncio.get_running_loop()
        handlers: dict[signal.Signals, Callable[[], None]] = {}
        if threading.current_thread() is threading.main_thread():
            handlers = {number: partial(self._request_stop, number) for number in _STOPPING}
            handlers[signal.SIGHUP] = self.hangup.set
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            yield self
        finally:
            for number in handlers:
                loop.remove_signal_handler(number)
            if self._timer is not None:
                self._timer.cancel()

    def _request_stop(self, number: signal.Signals) -> None:
        if self.stop.is_set():
            _logger.warning("%s again: exiting immediately.", number.name)
            exit_now(128 + number)
        _logger.info("%s: shutting down.", number.name)
        self.stop.set()
        self._timer = threading.Timer(self._limit_seconds, self._give_up)
        self._timer.daemon = True
        self._timer.start()

    def _give_up(self) -> None:
        _logger.error("The shutdown took longer than its limit of %g s: exiting.", self._limit_seconds)
        exit_now(_EXIT_CODE_OF_LIMIT)


def exit_now(code: int) -> None:
    """Exit without running any cleanup, which may be what hangs."""
    logging.shutdown()
    os._exit(code)
