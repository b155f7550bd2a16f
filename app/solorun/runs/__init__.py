"""The engine: starts runs exactly once, carries them to their end, stops them, and settles what a crash left behind."""

from solorun.runs.manager import RunManager

__all__ = ["RunManager"]
