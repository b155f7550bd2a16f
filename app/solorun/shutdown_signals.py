"""Learns of a shutdown before the server that caught the signal waits for open responses, such as event streams."""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def called_on_shutdown_signal(call: Callable[[], None]) -> Iterator[None]:
    """Within this block, call `call` on the running loop at SIGTERM and SIGINT, before the handler that is installed.

    Servers end their applications only after the last response. Does nothing outside the main thread, and for signals
    that the program does not handle. Python's own handler of SIGINT ends a statement of a notebook, not the program.
    """
    loop = asyncio.get_running_loop()
    installed: dict[signal.Signals, tuple[Any, Any]] = {}

    def chain(handler: Callable[[int, FrameType | None], Any]) -> Callable[[int, FrameType | None], Any]:
        def handle(number: int, frame: FrameType | None) -> Any:
            if not loop.is_closed():
                loop.call_soon_threadsafe(call)
            return handler(number, frame)

        return handle

    if threading.current_thread() is threading.main_thread():
        for number in _SIGNALS:
            handler = signal.getsignal(number)
            if callable(handler) and handler is not signal.default_int_handler:
                installed[number] = handler, chain(handler)
                signal.signal(number, installed[number][1])
    try:
        yield
    finally:
        for number, (handler, ours) in installed.items():
            if signal.getsignal(number) is ours:  # otherwise the host has replaced it meanwhile
                signal.signal(number, handler)
