"""Starts runs without a person: schedules."""

from solorun.triggers.scheduler import Scheduler
from solorun.triggers.schedules import Schedules

__all__ = ["Scheduler", "Schedules"]
