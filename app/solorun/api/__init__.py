"""Solorun over HTTP: one table of routes, its handlers, problems, streams, and who may call."""

from solorun.api.application import Application, create_app

__all__ = ["Application", "create_app"]
