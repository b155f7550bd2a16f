"""What the checkers read."""

from dataclasses import dataclass

from tests.faults.database import Database
from tests.faults.history import History


@dataclass(frozen=True, slots=True)
class Evidence:
    """A finished trial. `at_rest`: no run should be active."""

    history: History
    database: Database
    at_rest: bool = True
