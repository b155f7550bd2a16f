"""Validates the [notify.*] tables, the targets of notifications, and the targets that a project names."""

from collections.abc import Mapping
from typing import Final

from solorun.notification import (
    DECLARABLE_EVENTS,
    DEFAULT_EVENTS,
    NotifyEvent,
    NotifyTarget,
    TargetKind,
    find_variable,
    find_webhook_fault,
)
from solorun.projects import readers
from solorun.projects.validation import InvalidValue, Node, Table, format_value, suggest

TARGET_KEYS: Final = ("apprise", "webhook", "secret", "on", "allow_private")
_HINTS: Final = {
    "url": 'set "webhook" to the URL of a webhook, or "apprise" to an Apprise URL',
    "events": 'did you mean "on"?',
}
_MISSING: Final = 'set "apprise" to an Apprise URL, or "webhook" to the URL of a webhook'


def check_targets(node: Node) -> Mapping[str, NotifyTarget]:
    """The targets by name, in the order of the file. Raises InvalidValue if this is no table."""
    return readers.named(readers.name("name of a target"), _target)(node)


def notify(node: Node, targets: Mapping[str, NotifyTarget]) -> tuple[NotifyTarget, ...]:
    """The targets that a project names."""

    def target(node: Node) -> NotifyTarget:
        name = readers.text(node)
        if name not in targets:
            hint = suggest(name, targets) or "declare it in a table [notify.<name>]"
            raise InvalidValue(f"there is no notification target {format_value(name)}; {hint}")
        return targets[name]

    return readers.distinct(target, 'a list of notification targets, like ["ops"]')(node)


def _target(name: str, node: Node) -> NotifyTarget:
    table = Table(node, TARGET_KEYS, _HINTS)
    events = table.read(
        "on", readers.distinct(_event, 'a list of events, like ["failed", "recovered"]'), DEFAULT_EVENTS
    )
    allow_private = table.read("allow_private", readers.boolean, False)
    if "apprise" in table and "webhook" in table:
        raise InvalidValue('has both "apprise" and "webhook"; declare two targets')
    if "webhook" in table:
        url = table.read("webhook", lambda node: _webhook(node, allow_private=allow_private), "")
        how = 'name a variable with the secret that signs the requests, like "$HOOK_SECRET"'
        secret = table.require("secret", _secret, "", missing=how)
        return NotifyTarget(name, TargetKind.WEBHOOK, url, secret=secret, events=events, allow_private=allow_private)
    if "secret" in table:
        node.below("secret").refuse('belongs to a webhook; put secrets of Apprise into the variable of "apprise"')
    url = table.require("apprise", _apprise, "", missing=_MISSING)
    return NotifyTarget(name, TargetKind.APPRISE, url, events=events, allow_private=allow_private)


def _event(node: Node) -> NotifyEvent:
    try:
        event = NotifyEvent(readers.text(node))
    except ValueError:
        event = NotifyEvent.TEST
    if event not in DECLARABLE_EVENTS:
        known = ", ".join(format_value(str(event)) for event in DECLARABLE_EVENTS)
        raise InvalidValue(f"{format_value(node.value)} is not an event; expected some of {known}")
    return event


def _apprise(node: Node) -> str:
    # The URL may contain a password, so no message contains it.
    url = readers.text(node).strip()
    if find_variable(url) is None and "://" not in url:
        raise InvalidValue('expected an Apprise URL, like "slack://…", or a variable with one, like "$OPS_URL"')
    return url


def _webhook(node: Node, *, allow_private: bool) -> str:
    url = readers.text(node).strip()
    if find_variable(url) is not None:
        return url
    if fault := find_webhook_fault(url, allow_private=allow_private):
        raise InvalidValue(fault)
    return url


def _secret(node: Node) -> str:
    variable = readers.text(node).strip()
    if find_variable(variable) is None:
        raise InvalidValue('expected a variable that holds the secret, like "$HOOK_SECRET", not the secret itself')
    return variable
