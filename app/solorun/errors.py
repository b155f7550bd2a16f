"""Every error, by name.

    SolorunError
    ├── Problem                      an error response of the HTTP API; `slug` is the end of the problem's `type`
    │   ├── InvalidRequest           invalid-request
    │   ├── InvalidCursor            invalid-cursor
    │   ├── InvalidLastEventId       invalid-last-event-id
    │   ├── NotFound                 not-found
    │   ├── ProjectNotFound          project-not-found
    │   ├── RunNotFound              run-not-found
    │   ├── ArtifactNotFound         artifact-not-found
    │   ├── MethodNotAllowed         method-not-allowed
    │   ├── RunActive                run-active
    │   ├── RunNotActive             run-not-active
    │   ├── Unauthorized             unauthorized
    │   ├── TokenRequired            token-required
    │   ├── HostNotAllowed           host-not-allowed
    │   ├── RepeatedHeader           repeated-header
    │   ├── CrossOrigin              cross-origin
    │   ├── UnsupportedMediaType     unsupported-media-type
    │   ├── PayloadTooLarge          too-large
    │   ├── TooManyProjects          too-many-projects
    │   ├── TooManyStreams           too-many-streams
    │   ├── ServiceDraining          draining
    │   ├── StoreUnavailable         store-unavailable
    │   │   └── StoreCorrupted       the same to clients; only the message differs
    │   └── InternalError            internal
    ├── StoreFailure                 the database refused a write: not the disk, a lock or damage
    ├── ConfigurationInvalid         solorun.toml or a setting has errors (all of them are listed)
    ├── DataDirectoryUnusable        owned by another process, or on a network file system
    ├── DatabaseUnusable             written by a newer version, or damaged
    └── ServiceUnreachable           the client cannot reach the service

A docstring is the default message. `api/problems.py` decides the HTTP status of each slug.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import ClassVar, Final

from solorun.run import Run

MAX_FAULTS: Final = 100
"""How many errors of one request are reported."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One error in a document.

    `pointer` says where it is: a JSON pointer in a request's body (`/scope`), a dotted path in solorun.toml
    (`projects.handbook.steps[1].timeout`).
    """

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class SolorunError(Exception):
    """Something went wrong in Solorun."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])

    @property
    def message(self) -> str:
        return str(self.args[0])


class Problem(SolorunError):
    """The request failed."""

    slug: ClassVar[str]
    retry_after_seconds: float | None = None


class InvalidRequest(Problem):
    """The request is not valid."""

    slug = "invalid-request"

    def __init__(self, message: str = "", errors: Iterable[FieldError] = ()) -> None:
        self.errors = tuple(islice(errors, MAX_FAULTS))
        super().__init__(message or "; ".join(map(str, self.errors)))


class InvalidCursor(Problem):
    """The cursor was not issued by this service."""

    slug = "invalid-cursor"


class InvalidLastEventId(Problem):
    """Last-Event-ID (or `after`) must be a record's seq: an integer, zero or greater."""

    slug = "invalid-last-event-id"


class NotFound(Problem):
    """Nothing exists at this address."""

    slug = "not-found"


class ProjectNotFound(Problem):
    """Project not found."""

    slug = "project-not-found"


class RunNotFound(Problem):
    """Run not found."""

    slug = "run-not-found"


class ArtifactNotFound(Problem):
    """Artifact not found."""

    slug = "artifact-not-found"


class MethodNotAllowed(Problem):
    """Method not allowed."""

    slug = "method-not-allowed"

    def __init__(self, message: str = "", allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class RunActive(Problem):
    """The project has an active run."""

    slug = "run-active"

    def __init__(self, active_run: Run, retry_after_seconds: float | None = None) -> None:
        super().__init__(f"Project {active_run.project} has an active run: {active_run.id}.")
        self.active_run = active_run
        self.retry_after_seconds = retry_after_seconds


class RunNotActive(Problem):
    """The run has ended."""

    slug = "run-not-active"

    def __init__(self, run: Run) -> None:
        super().__init__(f"Run {run.id} is not active: it is {run.status}.")
        self.run = run


class Unauthorized(Problem):
    """A valid token is required. Send it as Authorization: Bearer, or log in."""

    slug = "unauthorized"


class TokenRequired(Problem):
    """A service without a token refuses requests that come through a proxy."""

    slug = "token-required"


class HostNotAllowed(Problem):
    """The Host header names a host that this service does not serve."""

    slug = "host-not-allowed"


class RepeatedHeader(Problem):
    """A header that must not be repeated is repeated."""

    slug = "repeated-header"


class CrossOrigin(Problem):
    """A browser sent this request from another site."""

    slug = "cross-origin"


class UnsupportedMediaType(Problem):
    """The request body must be application/json."""

    slug = "unsupported-media-type"


class PayloadTooLarge(Problem):
    """The request is too large."""

    slug = "too-large"


class TooManyProjects(Problem):
    """The pattern of this project has as many projects as it may have."""

    slug = "too-many-projects"


class TooManyStreams(Problem):
    """Too many event streams are open, in all or from this address."""

    slug = "too-many-streams"
    retry_after_seconds = 5.0


class ServiceDraining(Problem):
    """The service is shutting down and no longer starts runs."""

    slug = "draining"
    retry_after_seconds = 5.0


class StoreUnavailable(Problem):
    """The database cannot be read or written."""

    slug = "store-unavailable"
    retry_after_seconds = 5.0


class StoreCorrupted(StoreUnavailable):
    """The database is damaged."""


class InternalError(Problem):
    """Internal error. See the service log."""

    slug = "internal"


class StoreFailure(SolorunError):
    """The database refused a write for a reason other than the disk, a lock or damage."""


class ConfigurationInvalid(SolorunError):
    """The configuration is invalid."""

    def __init__(self, errors: Sequence[FieldError], message: str = "") -> None:
        super().__init__(message or "\n".join(map(str, errors)))
        self.errors = tuple(errors)


class DataDirectoryUnusable(SolorunError):
    """The data directory cannot be used."""


class DatabaseUnusable(SolorunError):
    """The database cannot be used."""


class ServiceUnreachable(SolorunError):
    """The service cannot be reached."""
