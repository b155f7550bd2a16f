"""A run's log as it grows, across lost connections and restarts of the service, until the run has ended.

Reads the batched event stream (section "Server-sent events" of the HTTP reference) and resumes by the last seq.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Final

import httpx
import msgspec

from solorun.client.backoff import Backoff
from solorun.client.sse import ServerSentEvent, SSEDecoder
from solorun.client.transport import Connection
from solorun.errors import Problem, ServiceDraining, ServiceUnreachable, SolorunError, StoreUnavailable
from solorun.record import Record
from solorun.run import Run
from solorun.wire import decode_run

_decode_batch: Final = msgspec.json.Decoder(list[Record]).decode


class LogStream:
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
        self._last_heard_at = 0.0

    async def __aiter__(self) -> AsyncGenerator[Record]:
        async for batch in self.batches():
            for record in batch:
                self.last_seq = record.seq
                yield record

    async def wait(self) -> Run:
        """Pass over what is left of the log; the run when it has ended."""
        while self.run is None:
            async for _ in self.batches():
                pass
        return self.run

    async def batches(self) -> AsyncGenerator[list[Record]]:
        """The records as they came, never an empty list: cheaper for a reader that handles many at once.

        A batch counts as seen when the next one is asked for.
        """
        self._heard()
        while self.run is None:
            response = None
            decoder = SSEDecoder()
            try:
                response = await self._open()
                async for chunk in response.aiter_raw():
                    self._heard()
                    for event in decoder.feed(chunk):
                        if batch := self._take(event):
                            yield batch
                            self.last_seq = batch[-1].seq
                    if self.run is not None:
                        return
                cause: SolorunError = ServiceUnreachable(
                    f"The service at {self._connection.url} ended the stream of run {self.run_id}."
                )
            except httpx.HTTPError as error:
                cause = self._connection.unreachable(error)
            except (ServiceUnreachable, ServiceDraining, StoreUnavailable) as error:
                cause = error
            finally:
                if response is not None:
                    await response.aclose()
            await self._wait(cause, decoder.retry_seconds)

    async def _open(self) -> httpx.Response:
        if self._tail is not None:
            # Made a seq before the first connection: asked for again after a lost one, a tail would mean another.
            run = decode_run(await self._connection.request("GET", f"/runs/{self.run_id}"))
            self.last_seq = max(self.last_seq, run.last_seq - self._tail)
            self._tail = None
        return await self._connection.open_stream(
            f"/runs/{self.run_id}/events",
            query={"batch": 1},
            headers={"Accept": "text/event-stream", "Last-Event-ID": str(self.last_seq)},
        )

    def _take(self, event: ServerSentEvent) -> list[Record]:
        match event.event:
            case "records":
                self._backoff.reset()
                batch = _decode_batch(event.data)
                if batch and batch[0].seq <= self.last_seq:
                    return [record for record in batch if record.seq > self.last_seq]
                return batch
            case "end":
                self.run = decode_run(event.data)
        return []

    def _heard(self) -> None:
        self._is_lost = False
        self._last_heard_at = asyncio.get_running_loop().time()

    async def _wait(self, cause: SolorunError, retry_seconds: float | None) -> None:
        """Wait for the next attempt; raises when the service was silent for too long."""
        delay = self._backoff.next_delay(cause.retry_after_seconds if isinstance(cause, Problem) else retry_seconds)
        silent = asyncio.get_running_loop().time() - self._last_heard_at
        if silent + delay > self._reconnect_seconds:
            raise ServiceUnreachable(
                f"{cause.message} Given up after {silent:.0f} s; the last record seen was {self.last_seq}."
            ) from cause
        if self._on_lost is not None and not self._is_lost:
            self._on_lost(cause)
        self._is_lost = True
        await asyncio.sleep(delay)
