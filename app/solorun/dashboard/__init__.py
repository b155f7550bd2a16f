"""The dashboard as the service hands it out: its pages and built files."""

from solorun.dashboard.routes import routes

__all__ = ["routes"]
