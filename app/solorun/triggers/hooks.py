"""Hooks: what an incoming delivery means. Verifies it, and starts the run that its hook declares.

Knows neither routes nor responses: `api/` receives deliveries and sends the answers.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec

from solorun.errors import (
    DeliveryNotVerified,
    FieldError,
    HookBusy,
    InvalidRequest,
    Problem,
    ResourceBusy,
    RunActive,
    RunNotFound,
    ServiceDraining,
    StoreUnavailable,
)
from solorun.hook import DeliveryOutcome, Hook, HookDelivery, Verification
from solorun.idempotency_key import KEY_FORMAT, IdempotencyKey, is_valid_key
from solorun.project import FULL_SCOPE, Project, Projects
from solorun.run import MAX_CALLER_CHARACTERS
from solorun.runs import RunManager, Submission, submit_once
from solorun.status import Status
from solorun.store import HookStore
from solorun.triggers.verification import SENDERS, Delivery

PING: Final = "ping"
"""The event that GitHub sends when a webhook is created."""

_UNPRINTABLE: Final = re.compile(r"[^ -~]+")
_INDEX: Final = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_MAX_EVENT_CHARACTERS: Final = 100
_NO_HOOK: Final = Hook(name="", secret="", verify=Verification.GITHUB, scope=FULL_SCOPE)


@dataclass(frozen=True, slots=True)
class VerifiedDelivery:
    """A delivery from the owner of the hook's secret. `id` is None if the sender gives none."""

    project: Project
    hook: Hook
    id: str | None
    event: str
    body: bytes


@dataclass(kw_only=True, eq=False)
class Hooks:
    """The hooks of all projects. `environ` has their secrets."""

    manager: RunManager
    store: HookStore
    projects: Projects
    environ: Mapping[str, str]
    now: Callable[[], datetime]

    def __post_init__(self) -> None:
        self._no_secret = secrets.token_bytes()

    async def verify(self, project: str, name: str, delivery: Delivery) -> VerifiedDelivery:
        """Raises DeliveryNotVerified, whatever is wrong, and InvalidRequest if a genuine delivery has no valid id.

        Every delivery is verified in every way, so that the time shows neither whether a hook exists nor its kind.
        """
        await self.projects.refresh()
        declared = self.projects.find_project(project)
        hook = _NO_HOOK if declared is None else declared.hooks.get(name, _NO_HOOK)
        secret = self.environ.get(hook.secret, "").strip().encode(errors="surrogateescape")
        now, key = self.now(), secret or self._no_secret
        genuine = [kind for kind, sender in SENDERS.items() if sender.is_genuine(key, delivery, now)]
        if declared is None or not secret or hook.verify not in genuine:
            raise DeliveryNotVerified
        sender = SENDERS[hook.verify]
        delivery_id = delivery.header(sender.id_header).decode("latin-1").strip() or None
        if (delivery_id is not None or sender.requires_id) and not is_valid_key(delivery_id or ""):
            raise InvalidRequest(errors=[FieldError(sender.id_header, KEY_FORMAT)])
        event = _find_event(sender.event_header, delivery)
        return VerifiedDelivery(declared, hook, delivery_id, event, delivery.body)

    async def receive(self, delivery: VerifiedDelivery) -> HookDelivery:
        """Start the run, unless the delivery is not meant to start one or its id has started one already.

        Raises InvalidRequest with pointers into the body, HookBusy, and what else a start raises.
        """
        project, hook = delivery.project.name, delivery.hook.name
        try:
            result = await self._start(delivery)
        except (ServiceDraining, StoreUnavailable):
            raise
        except Problem as problem:
            refused = HookDelivery(self.now(), delivery.event, DeliveryOutcome.REFUSED, reason=problem.message[:500])
            await self.store.record_delivery(project, hook, refused)
            raise
        await self.store.record_delivery(project, hook, result)
        return result

    async def _start(self, delivery: VerifiedDelivery) -> HookDelivery:
        hook, project, at = delivery.hook, delivery.project.name, self.now()
        document = _decode(delivery.body) if hook.params or hook.when else None
        if reason := _find_reason_to_ignore(delivery, document):
            return HookDelivery(at, delivery.event, DeliveryOutcome.IGNORED, reason=reason)
        # With a space: the key of a start over the API has none.
        key = None if delivery.id is None else IdempotencyKey(f"hook {hook.name} {delivery.id}", b"")
        starting = self.manager.submit_run(
            project,
            scope=hook.scope,
            triggered_by=_caller_of(delivery),
            params={name: resolve(document, pointer) for name, pointer in hook.params.items()},
            on_conflict=hook.on_conflict,
            key=key,
        )
        try:
            submission = await (starting if key is None else submit_once(self.manager, project, key, starting))
        except InvalidRequest as invalid:
            raise InvalidRequest(errors=[_point_into_body(error, hook) for error in invalid.errors]) from None
        except RunActive:
            # The sender may start runs, not read them.
            raise HookBusy(f"{project} has an active run.") from None
        except ResourceBusy:
            raise HookBusy(f"A resource that {project} requires is taken.") from None
        except RunNotFound:
            return HookDelivery(at, delivery.event, DeliveryOutcome.REPEATED, reason="The run has been deleted.")
        return HookDelivery(at, delivery.event, _outcome_of(submission), submission.run.id)


def _find_reason_to_ignore(delivery: VerifiedDelivery, document: Any) -> str:
    """Why the delivery starts no run, "" if it does."""
    hook, event = delivery.hook, delivery.event
    if hook.verify is Verification.GITHUB and event == PING:
        return "A ping starts no run."
    if hook.events and event not in hook.events:
        return f'The event "{event}" is not among the hook\'s events.'
    for pointer, expected in hook.when.items():
        found = resolve(document, pointer)
        # In Python, true equals 1.
        if found != expected or isinstance(found, bool) is not isinstance(expected, bool):
            return f"{pointer} is not {expected!r}."
    return ""


def _caller_of(delivery: VerifiedDelivery) -> str:
    event = f" ({delivery.event})" if delivery.event else ""
    return f"hook:{delivery.hook.name}{event}"[:MAX_CALLER_CHARACTERS]


def _outcome_of(submission: Submission) -> DeliveryOutcome:
    if submission.replayed:
        return DeliveryOutcome.REPEATED
    if submission.joined:
        return DeliveryOutcome.JOINED
    return DeliveryOutcome.QUEUED if submission.run.status is Status.QUEUED else DeliveryOutcome.STARTED


def _point_into_body(error: FieldError, hook: Hook) -> FieldError:
    """The error of a parameter, at the place in the body that it was read from."""
    pointer = hook.params.get(error.pointer.removeprefix("/params/"))
    return error if pointer is None else FieldError(pointer, error.message)


def _decode(body: bytes) -> Any:
    """Raises InvalidRequest."""
    try:
        return msgspec.json.decode(body) if body else None
    except RecursionError:
        raise InvalidRequest(errors=[FieldError("", "nested too deeply")]) from None
    except ValueError as error:
        message = f"not valid JSON: {error}; let the sender use the content type application/json"
        raise InvalidRequest(errors=[FieldError("", message)]) from None


def _find_event(header: str | None, delivery: Delivery) -> str:
    """The name of the event: of the sender's header, or else the body's `type`, as Standard Webhooks recommends."""
    event: Any = None
    if header is not None:
        event = delivery.header(header).decode("latin-1")
    else:
        with suppress(InvalidRequest):
            event = resolve(_decode(delivery.body), "/type")
    return _UNPRINTABLE.sub(" ", event)[:_MAX_EVENT_CHARACTERS].strip() if isinstance(event, str) else ""


def resolve(document: Any, pointer: str) -> Any:
    """The value at a JSON pointer (RFC 6901). None if there is none, or if it is null."""
    for token in pointer.split("/")[1:]:
        document = _member(document, token.replace("~1", "/").replace("~0", "~"))
    return document


def _member(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and _INDEX.fullmatch(name) and int(name) < len(value):
        return value[int(name)]
    return None
