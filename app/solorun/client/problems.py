"""Answers that are problems, as the errors of `errors.py`: the inverse of the service's `api/problems.py`."""

from typing import Final

import msgspec

from solorun.errors import (
    FieldError,
    InvalidRequest,
    Problem,
    RunActive,
    RunNotActive,
    ServiceUnreachable,
    SolorunError,
)
from solorun.wire import ProblemDetails

MEDIA_TYPE: Final = "application/problem+json"

ERRORS: Final[dict[str, type[Problem]]] = {error.slug: error for error in Problem.__subclasses__()}
"""The error of each slug."""

_decoder: Final = msgspec.json.Decoder(ProblemDetails)


def error_of(status: int, media_type: str, body: bytes, *, retry_after: str | None = None) -> SolorunError:
    """The error that an answer with a status of 300 or more stands for.

    One that is not a problem of ours was not said by a Solorun service (a proxy, or another program on that port), or
    by one that is much newer: ServiceUnreachable. `retry_after` is the header's value.
    """
    if media_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        return ServiceUnreachable(f"It was answered {status}, but not by a Solorun service.")
    try:
        details = _decoder.decode(body)
    except msgspec.MsgspecError:
        return ServiceUnreachable(f"It was answered {status} with a problem that cannot be read.")
    error = _error_of_problem(details)
    seconds = _seconds(retry_after)
    if seconds is not None and isinstance(error, Problem):
        error.retry_after_seconds = seconds
    return error


def _error_of_problem(details: ProblemDetails) -> SolorunError:
    kind = ERRORS.get(details.type.rpartition("/")[2])
    if kind is RunActive and details.active_run is not None:
        return RunActive(details.active_run)
    if kind is RunNotActive and details.run is not None:
        return RunNotActive(details.run)
    if kind is InvalidRequest:
        return InvalidRequest(details.detail, [FieldError(fault.pointer, fault.message) for fault in details.errors])
    if kind is None or kind in (RunActive, RunNotActive):
        return ServiceUnreachable(f"It was answered {details.status} {details.type}: {details.detail}")
    return kind(details.detail)


def _seconds(retry_after: str | None) -> float | None:
    """Seconds of a Retry-After header; its other form, a date, is never sent by a Solorun service."""
    return float(retry_after) if retry_after is not None and retry_after.isascii() and retry_after.isdigit() else None
