"""The published JSON Schema has every key of the parser, and accepts what the parser accepts.

The fixtures of this folder also compare it with the parser in every other test.
"""

import tomllib
from collections.abc import Collection
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

import pytest

from solorun import projects
from tests.unit.docs.pages import ROOT, SAMPLES, name_of
from tests.unit.projects.schema import SCHEMA, check_schema, describe_faults, tables

_KEYS: Final[dict[str, Collection[str]]] = {
    f"{module.name}.{name}": keys
    for module in iter_modules(projects.__path__)
    for name, keys in vars(import_module(f"solorun.projects.{module.name}")).items()
    if name == "SERVICE_READERS" or (name.endswith("_KEYS") and not name.startswith("_"))
}
"""The keys of each table that the parser reads."""
_SAMPLES = sorted(SAMPLES.rglob("solorun.toml"))


@pytest.mark.parametrize("name", sorted(_KEYS))
def test_the_schema_has_a_table_with_the_keys_of_the_parser_in_order(name: str) -> None:
    assert list(_KEYS[name]) in tables()


@pytest.mark.parametrize("path", [*_SAMPLES, ROOT / "app/solorun/projects/example.toml"], ids=name_of)
def test_the_schema_accepts_the_samples(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert text.startswith("#:schema solorun.schema.json\n")
    assert describe_faults(tomllib.loads(text)) == []


def test_every_key_has_a_description() -> None:
    described = [one for one in (SCHEMA, *SCHEMA["definitions"].values()) if "additionalProperties" in one]

    undescribed = [
        key
        for table in described
        for key, value in table.get("properties", {}).items()
        if "description" not in value and "$ref" not in value
    ]

    assert undescribed == []


def test_the_schema_is_a_valid_one() -> None:
    check_schema()
