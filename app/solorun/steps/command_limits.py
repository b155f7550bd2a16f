"""How long a command and its processes may take at the end of a step."""

from dataclasses import dataclass

from solorun.steps.orphans import UNKILLABLE_AFTER_SECONDS


@dataclass(frozen=True, slots=True)
class CommandLimits:
    """The limits of every command."""

    drain_seconds: float = 0.5
    """How long processes that outlive the command may take to exit. Time spent waiting for a full log does not
    count.
    """
    max_drain_seconds: float = 2.0
    """The limit including that time: an endless writer keeps the log full. What is in the pipe by then is still
    read.
    """
    ping_seconds: float = 1.0
    """The time between two pings to a shim that stops its command."""
    unkillable_after_seconds: float = UNKILLABLE_AFTER_SECONDS
    """A process that survives SIGKILL for this long is named in a warning."""
