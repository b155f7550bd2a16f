"""Fills a store with rows of every kind, and reads all that a store can show."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import msgspec

from solorun.errors import RunNotFound
from solorun.hook import DeliveryOutcome, HookDelivery
from solorun.idempotency_key import IdempotencyKey
from solorun.notification import NewNotification, NotifyEvent
from solorun.outcome import StopEffect
from solorun.queueing import ConflictPolicy
from solorun.record import Event, Level, Record, Stream
from solorun.run import Attempt, Cancel, Run, RunStep, cancel_fields
from solorun.schedule import Firing, FiringOutcome, FiringTrigger
from solorun.status import Status, StepStatus
from solorun.store import AttemptResult, Batch, DeliveryFilter, LogQuery, NewRun, Store
from tests.contracts.builders import NOW, OWNER, batch_of, beginning, ending, later, new_run, read_all
from tests.contracts.outbox_builders import EVERYTHING

TEXTS = (
    *(
        "",
        " ",
        "日本語のログ 😀",
        "Ünïcödé e\u0301",
        "\u202eright to left",
        "tab\tline\r\nend\\N\\.\\x41",
        "\x01\x1b[31m\x7f",
    ),
    *("'\"; DROP TABLE runs --", "\ufffd\ufeff\uffff\U0010ffff", "%s %(run_id)s :run_id {run}", "x" * 70_000),
)
"""Text that a copy may damage. NUL is another matter: PostgreSQL has no room for it."""
KEY = IdempotencyKey("7d0f2a5e", b"{}")
SCHEDULE = "handbook.nightly"
ALL = 1_000


async def fill(store: Store, texts: tuple[str, ...] = TEXTS) -> None:
    """Leave rows in every table, as a service does that was killed."""
    await store.declare_resources({"gpu": 2})
    for number, text in enumerate(texts):
        await _run_with(store, number, text)
    await _end_with_attempts_and_cancel(store)
    await _record_triggers(store, texts)
    await _record_deliveries(store, texts)
    await _delete_runs(store)
    await _wait_in_queues(store, texts)
    await store.insert_session("a", at=NOW, expires_at=later(1_000), max_open=1)


async def read_everything(store: Store) -> dict[str, Any]:
    """What the store shows, by what it is."""
    runs = await store.list_runs(limit=ALL)
    ids = [run.id for run in runs]
    projects = sorted({run.project for run in runs})
    deliveries = await store.list_deliveries(DeliveryFilter(), limit=ALL)
    return {
        "runs": [await store.get_run(run_id) for run_id in ids],
        "listed runs": runs,
        "latest runs": await store.list_latest_runs(),
        "queue": await store.list_queued_runs(),
        "holds": await store.list_holds(),
        "orphans": await store.list_orphaned_runs("another"),
        "unmasked params": [await store.read_unmasked_params(run_id) for run_id in ids],
        "logs": [await read_all(store, run_id) for run_id in ids],
        "pages": [await store.read_log(run_id, LogQuery(level=Level.ERROR)) for run_id in ids],
        "events": [await store.read_log(run_id, LogQuery(events=frozenset(Event))) for run_id in ids],
        "sizes": await store.measure_logs(ids),
        "durations": [await store.median_duration_seconds(project, "full") for project in projects],
        "kept": [await store.list_ended_runs(project, limit=ALL) for project in projects],
        "deleted": await store.list_deleted_runs(limit=ALL),
        "keys": [await _find_by_key(store, project) for project in projects],
        "schedules": await store.list_schedules(at=later(1_000)),
        "firings": await store.list_firings(limit=ALL),
        "last firings": await store.list_last_firings(),
        "unsettled firings": await store.list_unsettled_firings(at=later(10_000)),
        "hooks": await store.list_last_deliveries(),
        "deliveries": [await store.get_delivery(delivery.id) for delivery in deliveries],
        "pending deliveries": await store.count_pending_deliveries(),
        "sessions": await store.count_sessions(at=NOW),
        "due targets": await store.list_due_targets(at=later(10_000)),
    }


async def _run_with(store: Store, number: int, text: str) -> None:
    """An ended run with the text in every place where a user may put one."""
    new = replace(
        new_run(f"p{number}", scope=text, steps=(text, f"{text}2")),
        triggered_by=text,
        params={text: text, "number": 2**53, "list": (text,), "is": True},
        rerun_of=number or None,
        key=KEY,
    )
    run = await _begin(store, new)
    content = [
        Record(seq, later(seq), level, text, Stream.STDOUT, f"{seq} {text}\0")
        for seq, level in enumerate([*Level] * 3, start=1)
    ]
    content.append(
        Record(len(content) + 1, NOW, Level.INFO, text, Stream.SOLORUN, text, Event.PROGRESS, {"item": text})
    )
    batch = batch_of(run, content)
    progress = msgspec.structs.replace(batch.run, progress_current=2**40, progress_total=2**62, progress_item=text)
    status = [Status.FAILED, Status.COMPLETED, Status.INTERRUPTED][number % 3]
    step = RunStep(text, StepStatus(status), later(1), later(2), -9, text, 1, 12)
    await store.commit([replace(batch, run=progress, steps=(step,))], owner=OWNER)
    await _end(store, await store.get_run(run.id), status, text)
    if number % 2:
        await store.set_pinned(run.id, True)


async def _end_with_attempts_and_cancel(store: Store) -> None:
    run = await _begin(store, new_run("tried"))
    step = RunStep(
        "extract",
        StepStatus.CANCELLED,
        started_at=later(1),
        max_attempts=3,
        attempts=(Attempt(1, StepStatus.FAILED, later(1), later(2), 75, "exit code 75", 1, 3),),
    )
    cancel = Cancel(later(3), "anna", "日本", 0.25, later(4), ("41 (sh 😀)",), StopEffect.KILLED, later(5))
    cancelled = msgspec.structs.replace(run, **cancel_fields(cancel))
    await store.request_cancel(run.id, Cancel(later(3), "anna", "日本", grace_seconds=0.25))
    await store.commit([Batch(cancelled, None, (step,))], owner=OWNER)
    await _end(store, await store.get_run(run.id), Status.CANCELLED)


async def _record_triggers(store: Store, texts: tuple[str, ...]) -> None:
    await store.register_schedules({SCHEDULE: "0 3 * * *", "handbook.weekly": texts[-1]}, at=later(-100))
    firing = Firing(SCHEDULE, "handbook", later(0), later(1), late_at=later(500))
    run = await _begin(store, replace(new_run(), firing=firing))
    await _end(store, run)
    for number, text in enumerate(texts, start=1):
        fired_at = later(number * 10)
        await store.record_firing(
            Firing(SCHEDULE, "handbook", fired_at, fired_at, FiringOutcome.MISSED, reason=text, missed_count=number)
        )
        await store.record_delivery(
            "site", f"hook {number}", HookDelivery(NOW, text, DeliveryOutcome.REFUSED, None, text)
        )
    await store.record_firing(
        Firing(SCHEDULE, "handbook", later(7), later(7), FiringOutcome.JOINED, run.id, trigger=FiringTrigger.MANUAL)
    )
    await store.pause_schedule("handbook.weekly", requested_by=texts[-1], reason=texts[0], at=later(5))


async def _record_deliveries(store: Store, texts: tuple[str, ...]) -> None:
    run = await _begin(store, replace(new_run("announced"), notify=EVERYTHING))
    await _end(store, run, Status.FAILED)
    for number, text in enumerate(texts):
        news = NewNotification(NotifyEvent.LATE, "announced", f"late {number} {text}", NOW, text, run.id)
        await store.add_notification(news, ["ops", "chat"])
    claimed = await store.claim_deliveries("chat", owner=OWNER, at=later(10), until=later(130), limit=4)
    for delivery, error in zip(claimed, (None, "日本 😀", texts[-1], None), strict=True):
        await store.record_attempt(delivery, AttemptResult(later(11), bytes(range(256)), error, later(20)))


async def _delete_runs(store: Store) -> None:
    """One run has been deleted. Another one has expired, and its log is still there."""
    expiring = [await _end(store, await _begin(store, new_run(project))) for project in ("deleted", "expired")]
    await store.expire_runs([expiring[0].id], at=later(100))
    while (await store.delete_expired(at=later(101))).more:
        pass
    await store.expire_runs([expiring[1].id], at=later(102))


async def _wait_in_queues(store: Store, texts: tuple[str, ...]) -> None:
    """A promoted run holds its resources. Others wait for them, and for its project."""
    waiting = replace(
        new_run("queued"),
        on_conflict=ConflictPolicy.QUEUE,
        queue_deadline=later(3600),
        resources=MappingProxyType({"gpu": 2}),
        step_resources=MappingProxyType({"review": MappingProxyType({"gpu": 1})}),
        unmasked_params={"secret": "".join(texts)},
    )
    active = await _begin(store, new_run("queued"))
    for _ in range(2):
        await store.insert_run(waiting, owner=OWNER)
    await store.insert_run(replace(waiting, on_conflict=ConflictPolicy.REPLACE, project="queued"), owner=OWNER)
    await _end(store, active)
    await store.insert_run(replace(waiting, project="also queued"), owner=OWNER)
    running = await _begin(store, replace(waiting, project="running", resources=MappingProxyType({})))
    await store.take_step_slots(running.id, "review", owner=OWNER)


async def _begin(store: Store, new: NewRun) -> Run:
    run = await store.insert_run(new, owner=OWNER)
    await store.commit([beginning(run, at=1)], owner=OWNER)
    return await store.get_run(run.id)


async def _end(store: Store, run: Run, status: Status = Status.COMPLETED, message: str | None = None) -> Run:
    """End a run. The steps that have not begun are skipped."""
    skipped = [RunStep(step.name, StepStatus.SKIPPED) for step in run.steps if step.status is StepStatus.PENDING]
    await store.commit([batch_of(run, steps=skipped, end=ending(status, message))], owner=OWNER)
    return await store.get_run(run.id)


async def _find_by_key(store: Store, project: str) -> object:
    try:
        return await store.find_run_by_key(project, KEY, at=later(60))
    except RunNotFound as error:
        return str(error)
