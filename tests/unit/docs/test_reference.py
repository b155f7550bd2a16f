"""Hand-written tables match the code: fields, settings, exit codes, variables."""

import dataclasses
from collections.abc import Sequence

import msgspec
import pytest

import solorun
from solorun.cli.exit_codes import ExitCode
from solorun.projects.hook_tables import HOOK_KEYS
from solorun.projects.notify_tables import TARGET_KEYS
from solorun.projects.parameter_tables import PARAMETER_KEYS
from solorun.projects.project_tables import PROJECT_KEYS
from solorun.projects.schedule_tables import SCHEDULE_KEYS
from solorun.projects.service_table import SERVICE_READERS
from solorun.projects.step_tables import STEP_KEYS
from solorun.record import Event, Record
from solorun.run import Cancel, Run, RunStep
from solorun.settings import Settings, parse_duration
from solorun.wire.runs import CancelRequest, RerunPreview, RerunRequest, SkippedStep, StartRequest
from tests.unit.docs.pages import DOCS, codes, rows_after

HTTP = (DOCS / "reference" / "http.md").read_text(encoding="utf-8")
SETTINGS = (DOCS / "reference" / "settings.md").read_text(encoding="utf-8")
CLI = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "shape", [Run, RunStep, Cancel, Record, StartRequest, RerunRequest, RerunPreview, SkippedStep, CancelRequest]
)
def test_the_http_reference_lists_every_field_in_order(shape: type[msgspec.Struct]) -> None:
    rows = rows_after(f"<!-- fields: {shape.__name__} -->", HTTP)

    assert [codes(row[0])[0] for row in rows] == list(shape.__struct_encode_fields__)


def test_the_http_reference_describes_the_data_of_every_event() -> None:
    rows = rows_after("What `data` holds depends on `event`:", HTTP)

    assert {codes(row[0])[0] for row in rows} == set(Event)


@pytest.mark.parametrize(
    ("heading", "keys"),
    [
        ("## The service", tuple(SERVICE_READERS)),
        ("## A notification target", TARGET_KEYS),
        ("## A project", PROJECT_KEYS),
        ("## A parameter", PARAMETER_KEYS),
        ("## A hook", HOOK_KEYS),
        ("## A schedule", SCHEDULE_KEYS),
        ("## A step", STEP_KEYS),
    ],
)
def test_the_settings_reference_lists_every_key(heading: str, keys: Sequence[str]) -> None:
    rows = rows_after(f"\n{heading}\n", SETTINGS)

    assert [key for row in rows for key in codes(row[0])] == list(keys)


@pytest.mark.parametrize("key", SERVICE_READERS)
def test_the_settings_reference_lists_the_variable_of_every_service_key(key: str) -> None:
    rows = {codes(row[0])[0]: row for row in rows_after("\n## The service\n", SETTINGS)}

    assert codes(rows[key][1]) == [f"SOLORUN_{key.upper()}"]


def test_the_settings_reference_gives_the_defaults() -> None:
    rows = {codes(row[0])[0]: row for row in rows_after("\n## The service\n", SETTINGS)}
    defaults = {field.name: field.default for field in dataclasses.fields(Settings)}

    documented = {key: "".join(codes(rows[key][3])) for key in ("host", "port", "shutdown_limit")}

    assert documented["host"] == defaults["host"]
    assert int(documented["port"]) == defaults["port"]
    assert parse_duration(documented["shutdown_limit"]) == defaults["shutdown_limit_seconds"]


def test_the_command_line_reference_lists_every_exit_code() -> None:
    rows = rows_after("## Exit codes", CLI)

    assert [int(codes(row[0])[0]) for row in rows] == [code.value for code in ExitCode]


def test_the_page_about_python_names_everything_that_can_be_imported() -> None:
    text = (DOCS / "reference" / "python.md").read_text(encoding="utf-8")

    assert [name for name in solorun.__all__ if f"`{name}" not in text] == []


@pytest.mark.parametrize("name", solorun.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(solorun, name).__name__ == name
