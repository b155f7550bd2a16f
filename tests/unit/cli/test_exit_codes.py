"""The exit codes, on which scripts depend."""

import pytest

from solorun.cli.exit_codes import exit_code_of_error, exit_code_of_status
from solorun.errors import (
    ArtifactNotFound,
    ConfigurationInvalid,
    DatabaseUnusable,
    DataDirectoryUnusable,
    FieldError,
    InternalError,
    InvalidRequest,
    ProjectNotFound,
    RunActive,
    RunNotActive,
    RunNotEnded,
    RunNotFound,
    ScheduleNotFound,
    ServiceDraining,
    ServiceUnreachable,
    SolorunError,
    StoreUnavailable,
    Unauthorized,
    WorkerNotDrainable,
    WorkerNotFound,
)
from solorun.status import TERMINAL, Status
from tests.fakes.scripted_service import make_run


@pytest.mark.parametrize(
    ("status", "code"),
    [("completed", 0), ("failed", 1), ("interrupted", 4), ("cancelled", 130)],
)
def test_each_terminal_status_has_its_exit_code(status: str, code: int) -> None:
    assert exit_code_of_status(Status(status)) == code


@pytest.mark.parametrize("status", sorted(TERMINAL))
def test_every_terminal_status_has_an_exit_code(status: Status) -> None:
    assert isinstance(exit_code_of_status(status), int)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidRequest(errors=[FieldError("/scope", "unknown")]), 2),
        (Unauthorized(), 2),
        (ConfigurationInvalid([FieldError("service.port", "no")]), 2),
        (DataDirectoryUnusable(), 2),
        (DatabaseUnusable(), 2),
        (RunActive(make_run()), 3),
        (RunNotActive(make_run()), 3),
        (RunNotEnded(make_run()), 3),
        (ServiceUnreachable(), 5),
        (ServiceDraining(), 5),
        (StoreUnavailable(), 5),
        (ProjectNotFound(), 6),
        (RunNotFound(), 6),
        (ArtifactNotFound(), 6),
        (ScheduleNotFound(), 6),
        (WorkerNotFound(), 6),
        (WorkerNotDrainable(), 3),
        (InternalError(), 5),
    ],
)
def test_each_error_has_its_exit_code(error: SolorunError, code: int) -> None:
    assert exit_code_of_error(error) == code
