"""Everything that can go wrong by name.

    SolorunError
    ├── Problem                      an answer of the HTTP API; `slug` is the end of the problem's `type`
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
    │   ├── CrossOrigin              cross-origin
    │   ├── UnsupportedMediaType     unsupported-media-type
    │   ├── PayloadTooLarge          too-large
    │   ├── ServiceDraining          draining
    │   ├── StoreUnavailable         store-unavailable
    │   │   └── StoreCorrupted       the same slug; the message differs
    │   └── InternalError            internal
    ├── StoreFailure                 the database refused a write: not the disk, a lock or damage
    ├── ConfigurationInvalid         solorun.toml or a setting has faults (all of them are named)
    ├── DataDirectoryUnusable        another process owns it, or it lies on a network file system
    ├── DatabaseUnusable             written by a newer version, or damaged
    └── ServiceUnreachable           the client found no service

A docstring is the default message. The HTTP status of a slug is decided in `api/problems.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from solorun.run import Run


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing that is wrong with a document.

    `pointer` says where: a JSON pointer in a request's body (`/scope`), a dotted path in solorun.toml
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
    """The request could not be answered."""

    slug: ClassVar[str]
    retry_after_seconds: float | None = None


class InvalidRequest(Problem):
    """The request is not valid."""

    slug = "invalid-request"

    def __init__(self, message: str = "", errors: Sequence[FieldError] = ()) -> None:
        super().__init__(message or "; ".join(map(str, errors)))
        self.errors = tuple(errors)


class InvalidCursor(Problem):
    """The cursor is not one that this service gave out."""

    slug = "invalid-cursor"


class InvalidLastEventId(Problem):
    """The Last-Event-ID (or `after`) is not a record's seq: a whole number from 0."""

    slug = "invalid-last-event-id"


class NotFound(Problem):
    """There is nothing at this address."""

    slug = "not-found"


class ProjectNotFound(Problem):
    """There is no such project."""

    slug = "project-not-found"


class RunNotFound(Problem):
    """There is no such run."""

    slug = "run-not-found"


class ArtifactNotFound(Problem):
    """The run left no such artifact."""

    slug = "artifact-not-found"


class MethodNotAllowed(Problem):
    """This address does not know that method."""

    slug = "method-not-allowed"


class RunActive(Problem):
    """The project has an active run."""

    slug = "run-active"

    def __init__(self, active_run: "Run", retry_after_seconds: float | None = None) -> None:
        super().__init__(f"Project {active_run.project} has an active run: {active_run.id}.")
        self.active_run = active_run
        self.retry_after_seconds = retry_after_seconds


class RunNotActive(Problem):
    """The run has ended."""

    slug = "run-not-active"

    def __init__(self, run: "Run") -> None:
        super().__init__(f"Run {run.id} is not active: it is {run.status}.")
        self.run = run


class Unauthorized(Problem):
    """A valid token is needed: Authorization: Bearer, or the login page."""

    slug = "unauthorized"


class TokenRequired(Problem):
    """A request that came through a proxy needs a service with a token."""

    slug = "token-required"


class HostNotAllowed(Problem):
    """The Host header names a host that this service does not answer for."""

    slug = "host-not-allowed"


class CrossOrigin(Problem):
    """A browser made this request from another site."""

    slug = "cross-origin"


class UnsupportedMediaType(Problem):
    """A body must be application/json."""

    slug = "unsupported-media-type"


class PayloadTooLarge(Problem):
    """The request is too large."""

    slug = "too-large"


class ServiceDraining(Problem):
    """The service is shutting down and starts nothing more."""

    slug = "draining"
    retry_after_seconds = 5.0


class StoreUnavailable(Problem):
    """The database cannot be written, or something in it cannot be read."""

    slug = "store-unavailable"
    retry_after_seconds = 5.0


class StoreCorrupted(StoreUnavailable):
    """Something in the database cannot be read: it is damaged."""


class InternalError(Problem):
    """The service met an error of its own; its log says more."""

    slug = "internal"


class StoreFailure(SolorunError):
    """The database refused a write for a reason other than the disk, a lock or damage."""


class ConfigurationInvalid(SolorunError):
    """The configuration has faults."""

    def __init__(self, errors: Sequence[FieldError], message: str = "") -> None:
        super().__init__(message or "\n".join(map(str, errors)))
        self.errors = tuple(errors)


class DataDirectoryUnusable(SolorunError):
    """The data directory cannot be used."""


class DatabaseUnusable(SolorunError):
    """The database cannot be used."""


class ServiceUnreachable(SolorunError):
    """The service cannot be reached."""
