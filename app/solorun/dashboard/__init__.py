"""Serves the built dashboard: its page, its files, and preload links."""

from solorun.dashboard.routes import routes

__all__ = ["routes"]
