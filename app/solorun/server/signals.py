"""Signals: the first SIGTERM or SIGINT requests a shutdown, the second exits immediately, SIGHUP requests a reload.

A worker drains on the first one, so that the shutdown is the second.
"""

import asyncio
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Self

from solorun.server.queued_output import drain_standard_streams

_STOPPING: Final = (signal.SIGTERM, signal.SIGINT)
_EXIT_CODE_OF_LIMIT: Final = 1

_logger = logging.getLogger("solorun.server")


class Signals:
    """Sets `stop` and `hangup`, and before `stop` first `drain` if it is given.

    A thread receives the signals and measures the shutdown limit, which starts with the first request to stop. A
    blocked event loop can hold up neither: after the limit, the process exits, and the next start cleans up.
    """

    def __init__(self, stop: asyncio.Event, limit_seconds: float, *, drain: asyncio.Event | None = None) -> None:
        self.stop = stop
        self._drain = drain
        self.hangup = asyncio.Event()
        self._limit_seconds = limit_seconds
        self._timer: threading.Timer | None = None

    @contextmanager
    def handled(self) -> Iterator[Self]:
        """Handle signals within this block; only in the main thread."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return
        receiver, sender = socket.socketpair()
        sender.setblocking(False)
        loop = asyncio.get_running_loop()
        listening = threading.Thread(target=self._listen, args=(receiver, loop), name="solorun-signals", daemon=True)
        listening.start()

        def forward(number: int, _frame: object) -> None:
            # A step that adds a signal handler to the loop diverts all signals there.
            if signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False) != sender.fileno():
                sender.send(bytes([number]))

        handlers = {number: signal.signal(number, forward) for number in (*_STOPPING, signal.SIGHUP)}
        wakeup_fd = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        try:
            yield self
        finally:
            signal.set_wakeup_fd(wakeup_fd)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            sender.close()
            listening.join()
            receiver.close()
            if self._timer is not None:
                self._timer.cancel()

    def _listen(self, receiver: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
        while numbers := receiver.recv(64):
            for number in numbers:
                if number in _STOPPING and self._drain is not None:
                    _logger.info("%s: draining. Send it again to interrupt the runs.", signal.Signals(number).name)
                    loop.call_soon_threadsafe(self._drain.set)
                    self._drain = None
                elif number in _STOPPING:
                    self._request_stop(signal.Signals(number))
                    loop.call_soon_threadsafe(self.stop.set)
                elif number == signal.SIGHUP:
                    loop.call_soon_threadsafe(self.hangup.set)

    def _request_stop(self, number: signal.Signals) -> None:
        if self._timer is not None:
            _logger.warning("%s again: exiting immediately.", number.name)
            exit_now(128 + number)
        _logger.info("%s: shutting down.", number.name)
        self._timer = threading.Timer(self._limit_seconds, self._give_up)
        self._timer.daemon = True
        self._timer.start()

    def _give_up(self) -> None:
        _logger.error("The shutdown took longer than its limit of %g s: exiting.", self._limit_seconds)
        exit_now(_EXIT_CODE_OF_LIMIT)


def exit_now(code: int) -> None:
    """Write the log, and exit without running any cleanup, which may be what hangs."""
    logging.shutdown()
    drain_standard_streams()
    os._exit(code)
