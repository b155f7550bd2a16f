"""Follows a run's log across lost connections and restarts of the service, until the run has ended.

Reads the batched event stream (see "Server-sent events" in the HTTP reference) and resumes after the last seq.
"""

from collections.abc import AsyncGenerator
from typing import Final

import httpx
import msgspec

from solorun.client.reconnects import Reconnects
from solorun.client.sse import ServerSentEvent, SSEDecoder
from solorun.client.transport import Connection, UnreadableAnswer
from solorun.errors import ServiceDraining, ServiceUnreachable, SolorunError, StoreUnavailable
from solorun.record import Record
from solorun.run import Run
from solorun.wire.encoding import decode_run

_decode_batch: Final = msgspec.json.Decoder(list[Record]).decode


class LogStream:
    """The records of a run after `last_seq`, in order, each exactly once. Iteration ends when the run has ended.

    `run` is then the ended run. Lost connections are restored. If no byte arrives for too long, this raises
    ServiceUnreachable. Other errors (RunNotFound, Unauthorized) are raised immediately.

    An abandoned iteration can be resumed after `last_seq`. Run only one iteration at a time.
    """

    def __init__(
        self,
        connection: Connection,
        run_id: int,
        reconnects: Reconnects,
        *,
        after: int = 0,
        tail: int | None = None,
    ) -> None:
        self.run_id = run_id
        self.run: Run | None = None
        self.last_seq = after
        self._connection = connection
        self._tail = tail
        self._reconnects = reconnects

    async def __aiter__(self) -> AsyncGenerator[Record]:
        async for batch in self.batches():
            for record in batch:
                self.last_seq = record.seq
                yield record

    async def wait(self) -> Run:
        """Skip the rest of the log and return the ended run."""
        while self.run is None:
            async for _ in self.batches():
                pass
        return self.run

    async def batches(self) -> AsyncGenerator[list[Record]]:
        """Yield the records in the batches in which they arrive, never empty. Cheaper than one record at a time.

        A batch counts as seen when the next one is requested.
        """
        self._reconnects.record_activity()
        while self.run is None:
            response = None
            decoder = SSEDecoder()
            try:
                response = await self._open()
                async for chunk in response.aiter_raw():
                    self._reconnects.record_activity()
                    for event in self._connection.decode(decoder.feed, chunk):
                        if batch := self._handle(event):
                            yield batch
                            self.last_seq = batch[-1].seq
                    if self.run is not None:
                        return
                cause: SolorunError = ServiceUnreachable(
                    f"The service at {self._connection.url} closed the stream of run {self.run_id}."
                )
            except httpx.HTTPError as error:
                cause = self._connection.unreachable(error)
            except UnreadableAnswer:
                # It would be the same after a reconnect.
                raise
            except (ServiceUnreachable, ServiceDraining, StoreUnavailable) as error:
                cause = error
            finally:
                if response is not None:
                    await response.aclose()
            received = f"; the last record received was {self.last_seq}."
            await self._reconnects.wait(cause, received, retry_seconds=decoder.retry_seconds)

    async def _open(self) -> httpx.Response:
        if self._tail is not None:
            # Converted to a seq once, because a tail would start later after a reconnect.
            run = await self._connection.request("GET", f"/runs/{self.run_id}", Run)
            self.last_seq = max(self.last_seq, run.last_seq - self._tail)
            self._tail = None
        return await self._connection.open_stream(
            f"/runs/{self.run_id}/events",
            query={"batch": 1},
            headers={"Accept": "text/event-stream", "Last-Event-ID": str(self.last_seq)},
        )

    def _handle(self, event: ServerSentEvent) -> list[Record]:
        match event.event:
            case "records":
                self._reconnects.record_progress()
                batch = self._connection.decode(_decode_batch, event.data)
                if batch and batch[0].seq <= self.last_seq:
                    return [record for record in batch if record.seq > self.last_seq]
                return batch
            case "end":
                self.run = self._connection.decode(decode_run, event.data)
        return []
