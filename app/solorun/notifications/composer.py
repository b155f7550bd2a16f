"""Composes the payload of a delivery from what the store has about its run."""

import asyncio
from dataclasses import dataclass, replace
from typing import Final

import msgspec

from solorun.notification import Delivery, NotifyEvent
from solorun.notifications.cloud_event import encode_cloud_event
from solorun.notifications.message import find_failed_step, write_message
from solorun.record import Level, Record, Stream
from solorun.run import Run
from solorun.status import Status
from solorun.store import LogQuery, RunStore

_MAX_RECORDS: Final = 60
_TROUBLE: Final = (NotifyEvent.FAILED, NotifyEvent.INTERRUPTED)
_BROKEN: Final = (Status.FAILED, Status.INTERRUPTED)


@dataclass(frozen=True, kw_only=True)
class Composer:
    """`public_url` is the address of the dashboard, without which a message has no link."""

    store: RunStore
    public_url: str | None

    async def compose(self, delivery: Delivery) -> bytes:
        """The payload, which all attempts send. Raises StoreUnavailable."""
        run = await self._find_run(delivery)
        message = write_message(
            delivery,
            run,
            broken=await self._find_broken(delivery, run),
            records=await self._read_end(delivery, run),
            url=self._link(delivery),
        )
        return await asyncio.to_thread(encode_cloud_event, delivery, message, run, public_url=self.public_url)

    def _link(self, delivery: Delivery) -> str | None:
        if self.public_url is None:
            return None
        return f"{self.public_url}/runs/{delivery.run_id}" if delivery.run_id is not None else self.public_url

    async def _find_run(self, delivery: Delivery) -> Run | None:
        if delivery.run_id is None:
            return None
        return (await self.store.find_runs([delivery.run_id])).get(delivery.run_id)

    async def _find_broken(self, delivery: Delivery, run: Run | None) -> Run | None:
        """The run from which the project has recovered."""
        if delivery.event is not NotifyEvent.RECOVERED or run is None:
            return None
        broken = await self.store.list_runs(project=run.project, statuses=_BROKEN, limit=20)
        ended = [(each.finished_at, each) for each in broken if each.finished_at is not None]
        before = [(at, each) for at, each in ended if at <= delivery.occurred_at]
        return max(before, key=lambda pair: pair[0])[1] if before else None

    async def _read_end(self, delivery: Delivery, run: Run | None) -> list[Record]:
        """The last records of the step that failed, or of its last attempt, and those of errors if they are older."""
        if delivery.event not in _TROUBLE or run is None:
            return []
        step = find_failed_step(run)
        attempt = next((len(each.attempts) or None for each in run.steps if each.name == step), None)
        query = LogQuery(limit=_MAX_RECORDS, step=step, attempt=attempt)
        last = await self._read(run, query)
        errors = await self._read(run, replace(query, level=Level.ERROR))
        records = {record.seq: record for record in (*errors, *last) if record.stream is not Stream.SOLORUN}
        return [records[seq] for seq in sorted(records)]

    async def _read(self, run: Run, query: LogQuery) -> list[Record]:
        page = await self.store.read_log(run.id, query)
        return [msgspec.json.decode(record, type=Record) for record in page.records]
