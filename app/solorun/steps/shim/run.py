"""Runs the shim. Python compiles a script each time it runs, but keeps what a script imports: so this one is short."""

import os
import sys

sys.path.append(os.path.dirname(os.path.dirname(__file__)))  # noqa: PTH120 - pathlib takes longer than the shim

from shim.program import main  # type: ignore[import-not-found]

main()
