"""A shutdown signal is noticed before the handler of the host, which keeps its place."""

import asyncio
import signal
from collections.abc import Iterator
from types import FrameType

import pytest

from solorun.shutdown_signals import called_on_shutdown_signal

LIMIT = 60


@pytest.fixture
def handled() -> Iterator[list[int]]:
    """The signals that the host's handlers have got."""
    caught: list[int] = []

    def handle(number: int, frame: FrameType | None) -> None:
        caught.append(number)

    old = {number: signal.signal(number, handle) for number in (signal.SIGTERM, signal.SIGINT)}
    yield caught
    for number, handler in old.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_is_noticed_and_handled(handled: list[int], number: signal.Signals) -> None:
    noticed = asyncio.Event()

    with called_on_shutdown_signal(noticed.set):
        signal.raise_signal(number)
        async with asyncio.timeout(LIMIT):
            await noticed.wait()

    assert handled == [number]


async def test_the_handlers_are_restored(handled: list[int]) -> None:
    before = signal.getsignal(signal.SIGTERM)

    with called_on_shutdown_signal(lambda: None):
        inside = signal.getsignal(signal.SIGTERM)

    assert (inside is before, signal.getsignal(signal.SIGTERM) is before) == (False, True)


async def test_a_handler_that_the_host_installs_later_stays(handled: list[int]) -> None:
    with called_on_shutdown_signal(lambda: None):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)

    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


async def test_an_interrupt_that_ends_only_a_statement_is_left_alone(handled: list[int]) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # as in a notebook

    with called_on_shutdown_signal(lambda: None):
        installed = signal.getsignal(signal.SIGINT)

    assert installed is signal.default_int_handler


async def test_nothing_happens_outside_the_main_thread(handled: list[int]) -> None:
    async def enter() -> object:
        with called_on_shutdown_signal(lambda: None):
            return signal.getsignal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)

    assert await asyncio.to_thread(asyncio.run, enter()) is before
