"""The real store with injected faults: calls that fail, and calls that are held."""

import asyncio
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, TypeVar, cast
from unittest.mock import patch

from solorun.store import RunStore, Store
from solorun.stores.sqlite.connection import Connection

S = TypeVar("S", bound=RunStore)


@asynccontextmanager
async def opening_stores(open_store: Callable[..., Awaitable[S]]) -> AsyncIterator[Callable[..., Awaitable[S]]]:
    """Opens stores as often as it is called, and closes them all in the end."""
    opened: list[S] = []

    async def open_one(**options: Any) -> S:
        opened.append(await open_store(**options))
        return opened[-1]

    yield open_one
    for store in opened:
        await store.close()


@contextmanager
def noting_connections() -> Iterator[list[Connection]]:
    """The connections that are opened within the block, the one that writes first."""
    opened: list[Connection] = []
    open_connection = Connection.open

    async def open_and_note(connection: Connection) -> None:
        opened.append(connection)
        await open_connection(connection)

    with patch.object(Connection, "open", open_and_note):
        yield opened


class Gate:
    """A held call. `reached` is set when a caller waits at the gate, and `open` lets all callers through."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._opened = asyncio.Event()

    def open(self) -> None:
        self._opened.set()

    async def pass_through(self) -> None:
        self.reached.set()
        await self._opened.wait()


class FaultyStore:
    """Delegates to a real store. `fail` and `hold` intercept the next calls of a method."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._before: dict[str, deque[Exception | Gate]] = defaultdict(deque)
        self._after: dict[str, deque[Exception | Gate]] = defaultdict(deque)
        self.calls: list[str] = []
        self.is_dead = False

    def fail(self, method: str, *errors: Exception) -> None:
        """Let the next calls of `method` raise these errors, in order, without doing anything."""
        self._before[method].extend(errors)

    def fail_after(self, method: str, *errors: Exception) -> None:
        """Let the next calls of `method` do their work and then raise, as if the reply to a commit was lost."""
        self._after[method].extend(errors)

    def hold(self, method: str) -> Gate:
        """Hold the next call of `method` before it does anything."""
        gate = Gate()
        self._before[method].append(gate)
        return gate

    def hold_after(self, method: str) -> Gate:
        """Hold the next call of `method` after it has done its work, or has failed."""
        gate = Gate()
        self._after[method].append(gate)
        return gate

    def heal(self) -> None:
        """Remove all injected faults."""
        for obstacles in (*self._before.values(), *self._after.values()):
            obstacles.clear()

    def die(self) -> None:
        """From now on, no call starts and none returns, as if the process had been killed."""
        self.is_dead = True

    def as_store(self) -> Store:
        return cast("Store", self)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._store, name)
        if not asyncio.iscoroutinefunction(attribute):
            return attribute

        async def call(*args: Any, **kwargs: Any) -> Any:
            self.calls.append(name)
            await _apply(self._before[name])
            await self._live()
            try:
                result = await attribute(*args, **kwargs)
            except Exception:
                await self._return(name)
                raise
            await self._return(name)
            return result

        return call

    async def _return(self, name: str) -> None:
        await self._live()
        await _apply(self._after[name])

    async def _live(self) -> None:
        if self.is_dead:
            await asyncio.Event().wait()


async def _apply(obstacles: deque[Exception | Gate]) -> None:
    if not obstacles:
        return
    obstacle = obstacles.popleft()
    if isinstance(obstacle, Gate):
        await obstacle.pass_through()
    else:
        raise obstacle
