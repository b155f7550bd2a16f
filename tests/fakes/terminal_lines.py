"""The cases of lines as a terminal shows them, which the dashboard's tests share."""

import json
from pathlib import Path
from typing import Final

import pytest

_CASES: Final = json.loads((Path(__file__).parents[1] / "terminal_lines.json").read_text(encoding="utf-8"))

TERMINAL_LINES: Final = [pytest.param(case["pieces"], case["shown"], id=case["name"]) for case in _CASES]
"""The pieces in which a line is written, and what a terminal then shows."""
