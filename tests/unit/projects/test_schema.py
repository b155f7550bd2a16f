"""The published JSON Schema has every key of the parser, and accepts what the parser accepts.

The fixtures of this folder also compare it with the parser in every other test.
"""

import tomllib
from collections.abc import Collection
from pathlib import Path

import pytest

from solorun.projects.parameter_tables import PARAMETER_KEYS
from solorun.projects.project_tables import PROJECT_KEYS
from solorun.projects.service_table import SERVICE_READERS
from solorun.projects.step_tables import STEP_KEYS
from tests.unit.docs.pages import ROOT, SAMPLES, name_of
from tests.unit.projects import schema

_SAMPLES = sorted(SAMPLES.rglob("solorun.toml"))


@pytest.mark.parametrize(
    ("pointer", "keys"),
    [
        ("service", SERVICE_READERS),
        ("projects.p", PROJECT_KEYS),
        ("projects.p.params.x", PARAMETER_KEYS),
        ("projects.p.steps[0]", STEP_KEYS),
    ],
)
def test_the_schema_has_the_keys_of_the_parser_in_order(pointer: str, keys: Collection[str]) -> None:
    assert list(schema.keys_at(pointer)) == list(keys)


@pytest.mark.parametrize("path", [*_SAMPLES, ROOT / "app/solorun/projects/example.toml"], ids=name_of)
def test_the_schema_accepts_the_samples(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith("#:schema solorun.schema.json\n")
    assert schema.describe_faults(tomllib.loads(text)) == []


def test_every_key_has_a_description() -> None:
    tables = [one for one in (schema.SCHEMA, *schema.SCHEMA["definitions"].values()) if "additionalProperties" in one]

    undescribed = [
        key
        for table in tables
        for key, value in table.get("properties", {}).items()
        if "description" not in value and "$ref" not in value
    ]

    assert undescribed == []


def test_the_schema_is_a_valid_one() -> None:
    schema.check_schema()
