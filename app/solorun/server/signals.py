"""Signals: the first SIGTERM or SIGINT asks to stop, the second ends the process at once, SIGHUP reads solorun.toml."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
_EXIT_CODE_OF_LIMIT: Final = 1

_logger = logging.getLogger("solorun.server")


class Signals:
    """Handles them while its block lasts; outside the main thread there are none.

    From the first request to stop on a clock runs that the loop cannot hold up: when the limit has passed, the process
    ends. What it left is settled by the next start.
    """

    def __init__(self, limit_seconds: float) -> None:
        self.stop = asyncio.Event()
        self.on_hangup: Callable[[], None] | None = None
        self._limit_seconds = limit_seconds
        self._clock: threading.Timer | None = None
        self._handled: list[signal.Signals] = []

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in _STOPPING:
                loop.add_signal_handler(number, self._ask_to_stop, number)
                self._handled.append(number)
            loop.add_signal_handler(signal.SIGHUP, self._hang_up)
            self._handled.append(signal.SIGHUP)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in self._handled:
            loop.remove_signal_handler(number)
        if self._clock is not None:
            self._clock.cancel()

    def _ask_to_stop(self, number: signal.Signals) -> None:
        if self.stop.is_set():
            _logger.warning("%s again: exiting at once.", number.name)
            exit_at_once(128 + number)
        _logger.info("%s: shutting down.", number.name)
        self.stop.set()
        self._clock = threading.Timer(self._limit_seconds, self._give_up)
        self._clock.daemon = True
        self._clock.start()

    def _give_up(self) -> None:
        _logger.error("The shutdown took longer than its limit of %g s: exiting.", self._limit_seconds)
        exit_at_once(_EXIT_CODE_OF_LIMIT)

    def _hang_up(self) -> None:
        if self.on_hangup is not None:
            self.on_hangup()


def exit_at_once(code: int) -> None:
    """Without a word to anybody: what would have to be asked may be what hangs."""
    logging.shutdown()
    os._exit(code)
