"""Triggers: start runs without a person.

`scheduler` starts what is due by the declared `schedules`, at most once among all services. `hooks` turns an incoming
delivery into a start after its `verification`.
"""

from solorun.triggers.hooks import Hooks
from solorun.triggers.scheduler import Scheduler
from solorun.triggers.schedules import Schedules
from solorun.triggers.verification import Delivery

__all__ = ["Delivery", "Hooks", "Scheduler", "Schedules"]
