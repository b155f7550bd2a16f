"""Sends the deliveries that are due in the outbox, for as long as the service runs.

Each target has its own lane, so a receiver that hangs does not delay the others. Several services share the work by
claiming deliveries.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from solorun.component import Background
from solorun.errors import SolorunError
from solorun.notification import DeliveryStatus, NotifyTarget
from solorun.notifications.composer import Composer
from solorun.notifications.not_delivered import NotDelivered
from solorun.store import AttemptResult, ClaimedDelivery, Outbox

_CLAIM: Final = timedelta(minutes=2)
"""Longer than any attempt. If the service is killed, another one sends the deliveries after this time."""
_MAX_SECONDS: Final = 90.0
LANE_SIZE: Final = 8
"""How many deliveries of one target are sent at the same time."""
_FIRST_WAIT_SECONDS: Final = 5.0
_MAX_WAIT_SECONDS: Final = 3600.0
_UNDECLARED_AFTER: Final = timedelta(days=2)
_KEPT_FOR: Final = timedelta(days=30)
_UPKEEP_SECONDS: Final = 600.0
_MAX_DELETED: Final = 5_000
_OUTCOMES: Final = {
    DeliveryStatus.DELIVERED: "delivered",
    DeliveryStatus.PENDING: "failed",
    DeliveryStatus.GIVEN_UP: "given_up",
}
"""The outcome of an attempt, by the status of its delivery afterwards."""

_logger = logging.getLogger("solorun.notifications")


@dataclass(kw_only=True, eq=False)
class Notifier(Background):
    """A Component. `targets` returns the declared ones. With `shares_outbox`, other services may use the database."""

    task_name = "notifier"

    outbox: Outbox
    composer: Composer
    send: Callable[[NotifyTarget, ClaimedDelivery, bytes, Mapping[str, str]], Awaitable[None]]
    """Returns when the target has accepted a payload, with these headers of a trace. Raises NotDelivered."""
    targets: Callable[[], Mapping[str, NotifyTarget]]
    environ: Mapping[str, str]
    owner: str
    shares_outbox: bool
    now: Callable[[], datetime]
    observe: Callable[[ClaimedDelivery], AbstractContextManager[Mapping[str, str]]]
    """Records an attempt, and yields the headers with which the receiver can continue its trace."""
    poll_seconds: float = 1.0
    """How often the outbox is checked."""
    idle_poll_seconds: float = 5.0
    """How often it is checked whether targets have been declared, while there are none."""

    def __post_init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._upkeep_at = 0.0

    async def stop(self) -> None:
        await super().stop()
        if lanes := list(self._lanes.values()):
            for lane in lanes:
                lane.cancel()
            await asyncio.wait(lanes)
        # Deliveries in progress are sent again later, although they may have arrived. If the outbox is not shared, the
        # next process releases these claims, so that a shutdown needs no write that might wait for the database.
        if self.shares_outbox:
            with suppress(SolorunError):
                await self.outbox.release_deliveries(self.owner)

    def count_attempts(self) -> Mapping[tuple[str, str], int]:
        """The number of attempts by target and outcome; 0 for declared targets without any."""
        return {(target, outcome): 0 for target in self.targets() for outcome in _OUTCOMES.values()} | self._counts

    def wake(self) -> None:
        """Check the outbox now."""
        self._woken.set()

    async def _run(self) -> None:
        released = self.shares_outbox
        while True:
            try:
                if not released:
                    # The claims are those of an earlier process, which is dead.
                    await self.outbox.release_deliveries(None)
                    released = True
                await self._open_lanes()
                await self._maintain()
            except SolorunError as error:
                _logger.debug("The outbox cannot be read; retrying: %s", error)
            except Exception:
                _logger.exception("Internal error while checking the outbox")
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self.poll_seconds if self.targets() else self.idle_poll_seconds):
                    await self._woken.wait()

    async def _open_lanes(self) -> None:
        """Start a task for each target that has something due and no task yet."""
        targets = self.targets()
        for name in await self.outbox.list_due_targets(at=self.now()) if targets else ():
            if name in targets and name not in self._lanes:
                lane = self._empty_lane(targets[name])
                self._lanes[name] = asyncio.create_task(lane, name=f"notifications to {name}")

    async def _empty_lane(self, target: NotifyTarget) -> None:
        """Send everything that is due, a few deliveries at a time."""
        try:
            while claimed := await self.outbox.claim_deliveries(
                target.name,
                owner=self.owner,
                at=self.now(),
                until=self.now() + _CLAIM,
                limit=LANE_SIZE,
            ):
                async with asyncio.TaskGroup() as group:
                    for each in claimed:
                        group.create_task(self._attempt(target, each), name=f"delivery {each.delivery.id}")
        except SolorunError as error:
            _logger.warning("Notifications to %s wait for the database: %s", target.name, error)
        except Exception:
            _logger.exception("Internal error while sending notifications to %s", target.name)
        finally:
            self._lanes.pop(target.name, None)

    async def _attempt(self, target: NotifyTarget, claimed: ClaimedDelivery) -> None:
        delivery = claimed.delivery
        error, payload, retry_after = None, claimed.payload or b"", 0.0
        try:
            async with asyncio.timeout(_MAX_SECONDS):
                payload = claimed.payload or await self.composer.compose(delivery)
                with self.observe(claimed) as trace:
                    await self.send(target, claimed, payload, trace)
        except NotDelivered as failure:
            error, retry_after = str(failure), failure.retry_after_seconds
        except TimeoutError:
            error = f"timed out after {_MAX_SECONDS:g} s"
        except SolorunError as failure:
            error = f"the run could not be read: {failure}"
        except Exception as failure:
            _logger.exception("Internal error while sending delivery %s", delivery.id)
            error = f"internal error: {type(failure).__name__}"
        wait = max(_wait_seconds(delivery.attempt_count + 1), retry_after)
        now = self.now()
        result = AttemptResult(now, payload, error, now + timedelta(seconds=wait))
        try:
            recorded = await self.outbox.record_attempt(claimed, result)
        except SolorunError as failure:
            _logger.warning(
                "The attempt of delivery %s could not be recorded and will be repeated: %s", delivery.id, failure
            )
            return
        if recorded is not None:
            self._report(recorded.status, target.name, delivery.id, error)

    def _report(self, status: DeliveryStatus, target: str, delivery_id: int, error: str | None) -> None:
        self._counts[target, _OUTCOMES[status]] += 1
        match status:
            case DeliveryStatus.DELIVERED:
                _logger.info("Delivery %s to %s: delivered", delivery_id, target)
            case DeliveryStatus.PENDING:
                _logger.warning("Delivery %s to %s failed and will be retried: %s", delivery_id, target, error)
            case DeliveryStatus.GIVEN_UP:
                _logger.error("Delivery %s to %s was given up: %s", delivery_id, target, error)

    async def _maintain(self) -> None:
        """From time to time, delete old deliveries, and give up those to targets that are no longer declared."""
        clock = asyncio.get_running_loop().time()
        if clock < self._upkeep_at:
            return
        self._upkeep_at = clock + _UPKEEP_SECONDS
        now = self.now()
        await self.outbox.delete_deliveries(finished_before=now - _KEPT_FOR, limit=_MAX_DELETED)
        targets = self.targets()
        for name in await self.outbox.list_due_targets(at=now):
            if name not in targets:
                error = f"no target {name} is declared"
                await self.outbox.give_up_deliveries(name, occurred_before=now - _UNDECLARED_AFTER, at=now, error=error)


def _wait_seconds(failed_attempts: int) -> float:
    """Doubles with each failed attempt, from 5 s to an hour. Varies by a quarter, so that deliveries spread out."""
    seconds = min(_FIRST_WAIT_SECONDS * 2.0 ** min(failed_attempts - 1, 30), _MAX_WAIT_SECONDS)
    return seconds * random.uniform(0.75, 1.25)  # noqa: S311
