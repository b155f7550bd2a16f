"""A run's log as it grows, across lost connections and restarts of the service, until the run has ended.

Reads the batched event stream (section "Server-sent events" of the HTTP reference) and resumes by the last seq.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

import httpx
import msgspec

from solorun.client.backoff import Backoff
from solorun.client.connection import Connection
from solorun.client.events import EventDecoder, ServerSentEvent
from solorun.errors import Problem, ServiceDraining, ServiceUnreachable, SolorunError, StoreUnavailable
from solorun.record import Record
from solorun.run import Run
from solorun.wire import decode_run

_decode_batch: Final = msgspec.json.Decoder(list[Record]).decode


class Follow:
    """A run's records after `last_seq`, in order, none missed and none twice; iteration ends when the run has ended.

    Then `run` is the ended run. A lost connection is made again, until `reconnect_seconds` have passed without a byte
    from the service: then ServiceUnreachable is raised. Other errors (RunNotFound, Unauthorized) are raised at once.

    `on_lost` is called once for each loss, with its cause.

    An iteration that was left early can be taken up again: it goes on after `last_seq`. One iteration at a time.
    """

    def __init__(
        self,
        connection: Connection,
        run_id: int,
        *,
        after: int = 0,
        tail: int | None = None,
        reconnect_seconds: float = 60.0,
        on_lost: Callable[[SolorunError], None] | None = None,
    ) -> None:
        self.run_id = run_id
        self.run: Run | None = None
        self.last_seq = after
        self._connection = connection
        self._tail = tail
        self._reconnect_seconds = reconnect_seconds
        self._on_lost = on_lost
        self._backoff = Backoff()
        self._is_lost = False
        self._retry_seconds: float | None = None
        self._last_heard_at = 0.0

    async def __aiter__(self) -> AsyncGenerator[Record]:
        batches = self.batches()
        try:
            async for batch in batches:
                for record in batch:
                    self.last_seq = record.seq
                    yield record
        finally:
            await batches.aclose()

    async def wait(self) -> Run:
        """Pass over what is left of the log; the run when it has ended."""
        while self.run is None:
            async for _ in self.batches():
                pass
        return self.run

    async def batches(self) -> AsyncGenerator[list[Record]]:
        """The records as they came, never an empty list: cheaper for a reader that handles many at once."""
        self._heard()
        while self.run is None:
            try:
                await self._resolve_tail()
                async with self._connection.stream(
                    f"/runs/{self.run_id}/events",
                    query={"batch": 1},
                    headers={"Accept": "text/event-stream", "Last-Event-ID": str(self.last_seq)},
                ) as response:
                    batches = self._read(response)
                    try:
                        async for batch in batches:
                            yield batch
                            # Only now have they been handled: one who leaves in between has not seen them.
                            self.last_seq = batch[-1].seq
                    finally:
                        await batches.aclose()
            except httpx.HTTPError as error:
                await self._wait(self._connection.unreachable(error))
            except (ServiceUnreachable, ServiceDraining, StoreUnavailable) as error:
                await self._wait(error)

    async def _read(self, response: httpx.Response) -> AsyncGenerator[list[Record]]:
        """The batches of one connection; returns at `end`, raises ServiceUnreachable when the stream just stops."""
        decoder = EventDecoder()
        async for chunk in response.aiter_raw():
            self._heard()
            for event in decoder.feed(chunk):
                self._retry_seconds = decoder.retry_seconds
                if batch := self._take(event):
                    self._backoff.reset()
                    yield batch
                if self.run is not None:
                    return
        self._retry_seconds = decoder.retry_seconds
        raise ServiceUnreachable(f"The service at {self._connection.url} ended the stream of run {self.run_id}.")

    def _take(self, event: ServerSentEvent) -> list[Record]:
        match event.event:
            case "records":
                batch = _decode_batch(event.data)
                if batch and batch[0].seq <= self.last_seq:
                    return [record for record in batch if record.seq > self.last_seq]
                return batch
            case "end":
                self.run = decode_run(event.data)
        return []

    async def _resolve_tail(self) -> None:
        """Make `tail` a seq before the first connection: asked for again after a lost one it would mean another."""
        if self._tail is not None:
            run = decode_run(await self._connection.request("GET", f"/runs/{self.run_id}"))
            self.last_seq = max(self.last_seq, run.last_seq - self._tail)
            self._tail = None

    def _heard(self) -> None:
        self._is_lost = False
        self._last_heard_at = asyncio.get_running_loop().time()

    async def _wait(self, cause: ServiceUnreachable | Problem) -> None:
        """Wait for the next attempt; raises when the service was silent for too long."""
        floor = cause.retry_after_seconds if isinstance(cause, Problem) else self._retry_seconds
        delay = self._backoff.next_delay(floor)
        silent = asyncio.get_running_loop().time() - self._last_heard_at
        if silent + delay > self._reconnect_seconds:
            raise ServiceUnreachable(
                f"{cause.message} Given up after {silent:.0f} s; the last record seen was {self.last_seq}."
            ) from cause
        self._retry_seconds = None
        if self._on_lost is not None and not self._is_lost:
            self._on_lost(cause)
        self._is_lost = True
        await asyncio.sleep(delay)
