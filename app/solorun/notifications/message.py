"""Writes the text of a notification for a person: what happened, why, and where to look."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from solorun.notification import Delivery, NotifyEvent
from solorun.record import Record
from solorun.run import Run
from solorun.settings import format_duration
from solorun.status import Status, StepStatus
from solorun.text.terminal import visible_text

MAX_TITLE_CHARACTERS: Final = 150
MAX_LINE_CHARACTERS: Final = 300
_MAX_LINES: Final = 12
_FEW: Final = 3
_TRACEBACK: Final = "Traceback (most recent call last):"
_VERBS: Final = {
    NotifyEvent.FAILED: "failed",
    NotifyEvent.INTERRUPTED: "was interrupted",
    NotifyEvent.RECOVERED: "completed, and the project has recovered",
    NotifyEvent.LATE: "is late",
    NotifyEvent.WAITING: "waits for an approval",
    NotifyEvent.COMPLETED: "completed",
    NotifyEvent.CANCELLED: "was cancelled",
}


class Message(msgspec.Struct, frozen=True):
    """A title of one line, and a text of several. `error_lines` are quoted in the text."""

    title: str
    text: str
    error_lines: tuple[str, ...] = ()
    url: str | None = None


def write_message(
    delivery: Delivery,
    run: Run | None,
    *,
    broken: Run | None = None,
    records: Sequence[Record] = (),
    url: str | None = None,
) -> Message:
    """`run` is None if it has been deleted, or if the notification is about none.

    `broken` is the run from which the project has recovered. `records` are the last ones of the step that failed.
    """
    lines = quote_errors(records)
    paragraphs = [
        _summarize(delivery, run, broken),
        "\n".join(f"    {line}" for line in lines),
        "" if run is None else _describe_start(run),
        url or ("" if delivery.run_id is None else f"solorun show {delivery.run_id}"),
    ]
    title = _clip(_title(delivery, run), MAX_TITLE_CHARACTERS)
    return Message(title, "\n\n".join(filter(None, paragraphs)), lines, url)


def find_failed_step(run: Run) -> str | None:
    """The step that did not end well."""
    broken = (StepStatus.FAILED, StepStatus.INTERRUPTED, StepStatus.CANCELLED)
    return next((step.name for step in run.steps if step.status in broken), None)


def quote_errors(records: Sequence[Record]) -> tuple[str, ...]:
    """The lines that say most: the last traceback, or else the last errors, and if there are few, the last lines."""
    output = [record for record in records if record.event is None and record.message.strip()]
    tracebacks = [index for index, record in enumerate(output) if _TRACEBACK in record.message]
    errors = [record for record in output if record.level == "error"]
    if tracebacks:
        first = output[tracebacks[-1]]
        chosen = [record for record in output[tracebacks[-1] :] if record.stream is first.stream]
        if len(chosen) > _MAX_LINES:  # its head says what it is, and its end names the error
            chosen = [chosen[0], *chosen[1 - _MAX_LINES :]]
    else:
        chosen = (errors if len(errors) >= _FEW else output)[-_MAX_LINES // 2 :]
    return tuple(_clip(visible_text(record.message).rstrip(), MAX_LINE_CHARACTERS) for record in chosen)


def _title(delivery: Delivery, run: Run | None) -> str:
    event = delivery.event
    if event is NotifyEvent.TEST:
        return f"Test: {delivery.target} receives notifications of Solorun"
    detail = f": {delivery.detail}" if delivery.detail and event in (NotifyEvent.LATE, NotifyEvent.WAITING) else ""
    if run is not None and run.error_message and event in (NotifyEvent.FAILED, NotifyEvent.INTERRUPTED):
        detail = f": {run.error_message}"
    by = _by(run) if run is not None and event is NotifyEvent.CANCELLED else ""
    verb = "has recovered" if event is NotifyEvent.RECOVERED else _VERBS[event]
    return f"{delivery.project} {verb}{by}{detail}"


def _summarize(delivery: Delivery, run: Run | None, broken: Run | None) -> str:
    """One or two sentences that are complete without the title."""
    name = delivery.project if delivery.run_id is None else f"Run {delivery.run_id} of {delivery.project}"
    if run is None:
        return _without_run(delivery, name)
    after = _format_elapsed(run)
    cause = f": {run.error_message}" if run.error_message else ""
    match delivery.event:
        case NotifyEvent.RECOVERED:
            before = "" if broken is None else f" Run {broken.id} before it {_words(broken)}"
            return f"{name} completed{after}.{before}"
        case NotifyEvent.CANCELLED:
            reason = f": {run.cancel_reason}" if run.cancel_reason else ""
            return f"{name} was cancelled{_by(run)}{after}{reason}"
        case NotifyEvent.INTERRUPTED:
            return f"{name} was interrupted{cause}"  # the time of its end is when that was noticed
        case NotifyEvent.FAILED | NotifyEvent.COMPLETED:
            return f"{name} {delivery.event}{after}{cause or '.'}"
        case _:
            return _without_run(delivery, name)


def _without_run(delivery: Delivery, name: str) -> str:
    if delivery.event is NotifyEvent.TEST:
        return "This is a test message. It is about no run."
    detail = f": {delivery.detail}" if delivery.detail else "."
    return f"{name} {_VERBS[delivery.event]}{detail}"


def _by(run: Run) -> str:
    return f" by {run.cancel_requested_by}" if run.cancel_requested_by else ""


def _words(run: Run) -> str:
    verb = "failed" if run.status is Status.FAILED else "was interrupted"
    return f"{verb}: {run.error_message}" if run.error_message else f"{verb}."


def _describe_start(run: Run) -> str:
    scope = "" if run.scope == "full" else f", scope {run.scope}"
    rerun = "" if run.rerun_of is None else f", a rerun of run {run.rerun_of}"
    return f"Started by {run.triggered_by} at {_format_time(run.created_at)}{scope}{rerun}"


def _format_elapsed(run: Run) -> str:
    if run.started_at is None or run.finished_at is None:
        return ""
    seconds = (run.finished_at - run.started_at).total_seconds()
    return f" after {format_duration(max(1, round(seconds)))}"


def _format_time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"


def _clip(text: str, limit: int) -> str:
    text = " ".join(text.splitlines()) if "\n" in text else text
    return text if len(text) <= limit else text[: limit - 1] + "…"
