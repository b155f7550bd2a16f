"""Solorun as tools for AI agents, over the Model Context Protocol. Requires the package mcp, so it is imported late.

`server` offers the `tools`. They return `views` of what the service answers, and `failures` that say what can be done.
"""

from solorun.mcp.server import create_server

__all__ = ["create_server"]
