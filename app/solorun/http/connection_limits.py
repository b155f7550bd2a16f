"""How long a client may take, and how much all clients together may leave unread."""

from dataclasses import dataclass

from solorun.http.responses import SEND_TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The limits of every connection."""

    idle_timeout_seconds: float = 10.0
    """A request's head must be complete within this time, and its body must not pause for longer."""
    request_timeout_seconds: float = 60.0
    """How long a whole request may take to arrive, however steadily: a client must not hold a connection by dripping.
    """
    send_timeout_seconds: float = SEND_TIMEOUT_SECONDS
    """A client that reads nothing of a response for this long is disconnected."""
    keep_alive_seconds: int = 10
    """How long a connection may wait for its next request."""
    max_unread_bytes: int = 256 * 1024 * 1024
