"""Every error, by name.

    SolorunError
    ├── Problem                      an error response of the HTTP API, a class for each `slug`, which ends its `type`
    ├── StartRepeated                the idempotency key or the due time of a start has started a run already
    ├── SecretsUnreadable            the secret parameters of a queued run were encrypted with another key
    ├── DeclaredDifferently          a run was started with another version of its steps
    ├── StoreFailure                 the database refused a write: not the disk, a lock or damage
    ├── ConfigurationInvalid         solorun.toml or a setting has errors (all of them are listed)
    ├── DataDirectoryUnusable        owned by another process, or on a network file system
    ├── DatabaseUnusable             written by a newer version, or damaged
    └── ServiceUnreachable           the client cannot reach the service

A docstring is the default message. With --json, the command line prints an error's slug as its `type`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import ClassVar, Final

from solorun.queueing import Choices, Hold
from solorun.run import Run

MAX_FAULTS: Final = 100
"""How many errors of one request are reported."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """An error in a document, at `pointer`: `/scope` in a request's body, `projects.etl.timeout` in solorun.toml."""

    pointer: str
    message: str

    def __str__(self) -> str:
        return f"{self.pointer}: {self.message}" if self.pointer else self.message


class SolorunError(Exception):
    """Something went wrong in Solorun."""

    slug: ClassVar[str] = ""

    def __init_subclass__(cls, slug: str = "") -> None:
        # Without a slug, an error is the same to clients as its base.
        cls.slug = slug or cls.slug

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (self.__doc__ or "").strip().splitlines()[0])

    @property
    def message(self) -> str:
        return str(self.args[0])


class Problem(SolorunError):
    """The request failed."""

    status: ClassVar[HTTPStatus]
    title: ClassVar[str]
    retry_after_seconds: float | None = None

    def __init_subclass__(cls, slug: str = "", status: int | None = None) -> None:
        super().__init_subclass__(slug)
        cls.status = HTTPStatus(status) if status else cls.status
        cls.title = cls.slug.replace("-", " ").capitalize()


class InvalidRequest(Problem, slug="invalid-request", status=422):
    """The request is not valid."""

    def __init__(self, message: str = "", errors: Iterable[FieldError] = ()) -> None:
        self.errors = tuple(islice(errors, MAX_FAULTS))
        super().__init__(message or "; ".join(map(str, self.errors)))


class InvalidCursor(Problem, slug="invalid-cursor", status=400):
    """The cursor was not issued by this service."""


class InvalidLastEventId(Problem, slug="invalid-last-event-id", status=400):
    """Last-Event-ID (or `after`) must be a record's seq: an integer, zero or greater."""


class NotFound(Problem, slug="not-found", status=404):
    """Nothing exists at this address."""


class ProjectNotFound(Problem, slug="project-not-found", status=404):
    """Project not found."""

    project: str | None = None


class RunNotFound(Problem, slug="run-not-found", status=404):
    """Run not found."""


class ScheduleNotFound(Problem, slug="schedule-not-found", status=404):
    """Schedule not found."""


class ArtifactNotFound(Problem, slug="artifact-not-found", status=404):
    """Artifact not found."""


class DeliveryNotFound(Problem, slug="delivery-not-found", status=404):
    """Delivery not found."""


class NotifyTargetNotFound(Problem, slug="notify-target-not-found", status=404):
    """Notification target not found."""


class WorkerNotFound(Problem, slug="worker-not-found", status=404):
    """Worker not found."""


class MethodNotAllowed(Problem, slug="method-not-allowed", status=405):
    """Method not allowed."""

    def __init__(self, message: str = "", allowed: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.allowed = tuple(allowed)


class RunActive(Problem, slug="run-active", status=409):
    """The project has an active run."""

    def __init__(
        self,
        active_run: Run,
        retry_after_seconds: float | None = None,
        choices: Choices | None = None,
        message: str = "",
    ) -> None:
        super().__init__(message or f"Project {active_run.project} has an active run: {active_run.id}.")
        self.active_run = active_run
        self.retry_after_seconds = retry_after_seconds
        self.choices = choices


class ResourceBusy(Problem, slug="resource-busy", status=409):
    """A resource that the run requires is taken."""

    def __init__(self, holders: Sequence[Hold] = (), choices: Choices | None = None, message: str = "") -> None:
        held = ", ".join(f"{hold.resource} is held by run {hold.run_id} of {hold.project}" for hold in holders)
        super().__init__(message or f"{held or 'Other runs wait for the resources'}.")
        self.holders = tuple(holders)
        self.choices = choices


class QueueFull(Problem, slug="queue-full", status=409):
    """The queue of the project is full."""


class RunNotActive(Problem, slug="run-not-active", status=409):
    """The run has ended."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"Run {run.id} is not active: it is {run.status}.")
        self.run = run


class IdempotencyKeyReused(Problem, slug="idempotency-key-reused", status=422):
    """This idempotency key was used for another request."""


class RunNotEnded(Problem, slug="run-not-ended", status=409):
    """The run has not ended."""

    def __init__(self, run: Run) -> None:
        super().__init__(f"Run {run.id} has not ended: it is {run.status}.")
        self.run = run


class Unauthorized(Problem, slug="unauthorized", status=401):
    """A valid token is required. Send it as Authorization: Bearer, or log in."""


class DeliveryNotVerified(Problem, slug="delivery-not-verified", status=401):
    """There is no hook at this address, or the signature, the token or the time of the delivery is not valid."""


class HookBusy(Problem, slug="hook-busy", status=409):
    """The hook started no run, because its project or a resource is taken."""


class TokenRequired(Problem, slug="token-required", status=403):
    """A service without a token refuses requests that come through a proxy."""


class Forbidden(Problem, slug="forbidden", status=403):
    """The caller lacks the right that the request requires."""


class HostNotAllowed(Problem, slug="host-not-allowed", status=403):
    """The Host header names a host that this service does not serve."""


class RepeatedHeader(Problem, slug="repeated-header", status=400):
    """A header that must not be repeated is repeated."""


class CrossOrigin(Problem, slug="cross-origin", status=403):
    """A browser sent this request from another site."""


class UnsupportedMediaType(Problem, slug="unsupported-media-type", status=415):
    """The request body must be application/json."""


class PayloadTooLarge(Problem, slug="too-large", status=413):
    """The request is too large."""


class TooManyProjects(Problem, slug="too-many-projects", status=409):
    """The pattern of this project has as many projects as it may have."""


class TooManyStreams(Problem, slug="too-many-streams", status=503):
    """Too many event streams are open, in all or from this address."""

    retry_after_seconds = 5.0


class WorkerNotDrainable(Problem, slug="worker-not-drainable", status=409):
    """The service is the only worker. Stop it instead: it interrupts its runs."""


class BackupUnavailable(Problem, slug="backup-unavailable", status=409):
    """The service cannot copy its database now."""


class ServiceDraining(Problem, slug="draining", status=503):
    """The service is shutting down and no longer starts runs."""

    retry_after_seconds = 5.0


class StoreUnavailable(Problem, slug="store-unavailable", status=503):
    """The database cannot be read or written."""

    retry_after_seconds = 5.0


class StoreCorrupted(StoreUnavailable):
    """The database is damaged."""


class ArtifactStoreUnavailable(StoreUnavailable):
    """The artifact store cannot be reached."""


class InternalError(Problem, slug="internal", status=500):
    """Internal error. See the service log."""


PROBLEMS: Final[dict[str, type[Problem]]] = {problem.slug: problem for problem in Problem.__subclasses__()}
"""Every problem by slug."""


class StartRepeated(SolorunError, slug="start-repeated"):
    """The idempotency key or the due time of this start has started a run already."""


class SecretsUnreadable(SolorunError, slug="secrets-unreadable"):
    """The secret parameters of the run were encrypted with another key."""


class DeclaredDifferently(SolorunError, slug="declared-differently"):
    """A run was started with another version of its steps than this process has."""


class StoreFailure(SolorunError, slug="store-failure"):
    """The database refused a write for a reason other than the disk, a lock or damage."""


class ConfigurationInvalid(SolorunError, slug="configuration-invalid"):
    """The configuration is invalid."""

    def __init__(self, errors: Sequence[FieldError], message: str = "") -> None:
        super().__init__(message or "\n".join(map(str, errors)))
        self.errors = tuple(errors)


class DataDirectoryUnusable(SolorunError, slug="data-directory-unusable"):
    """The data directory cannot be used."""


class DatabaseUnusable(SolorunError, slug="database-unusable"):
    """The database cannot be used."""


class ServiceUnreachable(SolorunError, slug="service-unreachable"):
    """The service cannot be reached."""
