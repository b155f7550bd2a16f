"""The command line: commands by subject, assembled in `app.py`, based on `RunClient` and the server."""

from solorun.cli.app import main

__all__ = ["main"]
