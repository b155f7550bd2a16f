"""A notifier over a real store, with a sender that does what the test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from solorun.component import running
from solorun.notification import Delivery, DeliveryStatus, NewNotification, NotifyEvent, NotifyTarget, TargetKind
from solorun.notifications import Composer, Notifier
from solorun.store import ClaimedDelivery, DeliveryFilter, Store
from solorun.tracing import Untraced

NOW: Final = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)


@dataclass
class ScriptedSender:
    """Fails with the next of `failures` of a target, and otherwise accepts. `held` targets wait for their event."""

    failures: dict[str, list[Exception]] = field(default_factory=dict)
    held: dict[str, asyncio.Event] = field(default_factory=dict)
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    begun: dict[str, int] = field(default_factory=dict)

    async def send(
        self, target: NotifyTarget, _claimed: ClaimedDelivery, payload: bytes, _trace: Mapping[str, str]
    ) -> None:
        self.begun[target.name] = self.begun.get(target.name, 0) + 1
        if target.name in self.held:
            await self.held[target.name].wait()
        if self.failures.get(target.name):
            raise self.failures[target.name].pop(0)
        self.sent.append((target.name, payload))


@dataclass
class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def advance(self, duration: timedelta) -> None:
        self.now += duration


def target(name: str) -> NotifyTarget:
    return NotifyTarget(name, TargetKind.WEBHOOK, "https://example.org", secret="$S")


def targets(*names: str) -> Mapping[str, NotifyTarget]:
    return {name: target(name) for name in names}


@asynccontextmanager
async def notifying(
    store: Store,
    sender: ScriptedSender,
    *names: str,
    clock: Clock | None = None,
    owner: str = "this",
    shares_outbox: bool = False,
    idle_poll_seconds: float = 0.01,
) -> AsyncIterator[Notifier]:
    notifier = Notifier(
        outbox=store,
        composer=Composer(store=store, public_url="https://runs.example"),
        send=sender.send,
        targets=lambda: targets(*names),
        environ={},
        owner=owner,
        shares_outbox=shares_outbox,
        now=clock or Clock(),
        observe=Untraced().observe_delivery,
        poll_seconds=0.01,
        idle_poll_seconds=idle_poll_seconds,
    )
    async with running(notifier):
        yield notifier


async def add(store: Store, *names: str, key: str = "1") -> list[Delivery]:
    return await store.add_notification(NewNotification(NotifyEvent.LATE, "etl", key, NOW, "not done by 07:00"), names)


async def until(store: Store, holds: Callable[[list[Delivery]], bool]) -> list[Delivery]:
    """Wait until the deliveries are as expected. Returns them, oldest first."""
    async with asyncio.timeout(60):
        while not holds(found := (await store.list_deliveries(DeliveryFilter()))[::-1]):
            await asyncio.sleep(0.005)
    return found


def all_are(status: DeliveryStatus) -> Callable[[list[Delivery]], bool]:
    return lambda found: all(delivery.status is status for delivery in found)


def tried(count: int) -> Callable[[list[Delivery]], bool]:
    return lambda found: found[0].attempt_count == count
