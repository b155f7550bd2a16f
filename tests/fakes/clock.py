"""A clock that a test sets."""

from datetime import datetime


class Clock:
    """Call it for the time."""

    def __init__(self, start: str) -> None:
        self.time = datetime.fromisoformat(start)

    def __call__(self) -> datetime:
        return self.time

    def set(self, time: str) -> None:
        self.time = datetime.fromisoformat(time)
