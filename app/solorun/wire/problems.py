"""The structure of an error on the wire."""

import msgspec

from solorun.queueing import Choices, Hold
from solorun.run import Run


class RunLinks(msgspec.Struct, frozen=True):
    """The addresses of a run."""

    self: str
    events: str
    cancel: str


class ProblemFieldError(msgspec.Struct, frozen=True):
    """One error in a request body."""

    pointer: str
    message: str


class ProblemDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """RFC 9457. `run-active` adds `active_run`, `links` and `choices`, `resource-busy` adds `holders` and `choices`,
    `run-not-active` and `run-not-ended` add `run`.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: tuple[ProblemFieldError, ...] = ()
    active_run: Run | None = None
    links: RunLinks | None = None
    holders: tuple[Hold, ...] = ()
    choices: Choices | None = None
    run: Run | None = None
