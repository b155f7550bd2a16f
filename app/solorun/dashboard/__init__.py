"""The dashboard as the service serves it: its pages and built files."""

from solorun.dashboard.routes import Dashboard

__all__ = ["Dashboard"]
