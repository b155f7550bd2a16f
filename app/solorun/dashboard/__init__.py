"""Serves the built dashboard: its page, its files, and preload links."""

from solorun.dashboard.routes import Dashboard

__all__ = ["Dashboard"]
