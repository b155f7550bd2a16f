"""The command line: one file per command, assembled in `app.py`, on top of `RunClient` and the server."""

from solorun.cli.app import main

__all__ = ["main"]
