"""Solorun as tools for AI agents, over the Model Context Protocol. Requires the package mcp, so it is imported late."""

from solorun.mcp.server import create_server

__all__ = ["create_server"]
