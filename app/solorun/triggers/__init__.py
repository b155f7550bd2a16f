"""Triggers: what starts runs without a person."""

from solorun.triggers.hooks import Hooks
from solorun.triggers.scheduler import Scheduler
from solorun.triggers.schedules import Schedules
from solorun.triggers.verification import Delivery

__all__ = ["Delivery", "Hooks", "Scheduler", "Schedules"]
