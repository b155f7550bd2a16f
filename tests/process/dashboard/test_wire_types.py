"""The dashboard's API types match the OpenAPI document."""

import json
import subprocess
from pathlib import Path

import pytest

from solorun.api.openapi import document
from solorun.api.routes import OPERATIONS

DASHBOARD = Path(__file__).parents[3] / "app" / "dashboard"
GENERATOR = DASHBOARD / "node_modules" / "openapi-typescript" / "bin" / "cli.js"


def test_the_generated_types_are_up_to_date(tmp_path: Path) -> None:
    if not GENERATOR.exists():
        pytest.skip("the dashboard's packages are not installed: run `npm ci` in app/dashboard")
    (tmp_path / "openapi.json").write_text(json.dumps(document(OPERATIONS)))
    types = tmp_path / "schema.d.ts"

    subprocess.run(
        ["node", GENERATOR, tmp_path / "openapi.json", "--default-non-nullable", "false", "-o", types],
        check=True,
        capture_output=True,
        timeout=60,
    )

    stored = DASHBOARD / "src" / "api" / "schema.d.ts"
    assert stored.read_text() == types.read_text(), "run `npm run types` in app/dashboard while the service runs"
