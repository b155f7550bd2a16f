"""Serves the built dashboard: its page and files (`routes`, `assets`), and links to what a page needs (`preload`)."""

from solorun.dashboard.routes import Dashboard

__all__ = ["Dashboard"]
