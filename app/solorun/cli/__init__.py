"""The command line: one file per command, assembled in `app.py`, based on `RunClient` and the server."""

from solorun.cli.app import main

__all__ = ["main"]
