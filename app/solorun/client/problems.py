"""Turns error responses into the exceptions of `errors.py`: the inverse of the service's `api/problems.py`."""

from typing import Final

import msgspec

from solorun.errors import (
    PROBLEMS,
    FieldError,
    InvalidRequest,
    Problem,
    ResourceBusy,
    RunActive,
    RunNotActive,
    RunNotEnded,
    ServiceUnreachable,
    SolorunError,
)
from solorun.wire.problems import ProblemDetails

MEDIA_TYPE: Final = "application/problem+json"
MAX_RETRY_SECONDS: Final = 86_400.0

_decoder: Final = msgspec.json.Decoder(ProblemDetails)


def error_of(status: int, media_type: str, body: bytes, *, retry_after: str | None = None) -> SolorunError:
    """The exception for a response with a status of 300 or more. `retry_after` is the value of that header.

    An unknown problem comes from a proxy, from another program on that port or from a much newer service, and becomes
    ServiceUnreachable.
    """
    if media_type.partition(";")[0].strip().lower() != MEDIA_TYPE:
        return ServiceUnreachable(f"Got HTTP {status}, but not from a Solorun service.")
    try:
        details = _decoder.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ServiceUnreachable(f"Got HTTP {status} with a malformed problem document.")
    error = _error_of_problem(details)
    seconds = _seconds(retry_after)
    if seconds is not None and isinstance(error, Problem):
        error.retry_after_seconds = seconds
    return error


def _error_of_problem(details: ProblemDetails) -> SolorunError:
    kind = PROBLEMS.get(details.type.rpartition("/")[2])
    if kind is RunActive and details.active_run is not None:
        return RunActive(details.active_run, choices=details.choices, message=details.detail)
    if kind is ResourceBusy:
        return ResourceBusy(details.holders, details.choices, details.detail)
    if kind in (RunNotActive, RunNotEnded) and details.run is not None:
        return kind(details.run)
    if kind is InvalidRequest:
        return InvalidRequest(details.detail, [FieldError(error.pointer, error.message) for error in details.errors])
    if kind is None or kind in (RunActive, RunNotActive, RunNotEnded):
        return ServiceUnreachable(f"Got HTTP {details.status} {details.type}: {details.detail}")
    return kind(details.detail)


def _seconds(retry_after: str | None) -> float | None:
    """The seconds in a Retry-After header, at most a day. Solorun never sends the other form, a date."""
    if retry_after is None or not (retry_after.isascii() and retry_after.isdigit()):
        return None
    return min(float(retry_after), MAX_RETRY_SECONDS)
