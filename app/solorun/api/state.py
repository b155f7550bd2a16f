"""What all handlers share: the service, the open streams, the sessions, the counters."""

from collections import Counter
from dataclasses import dataclass, field

from solorun.auth.authorization import Authorizer
from solorun.auth.sessions import LoginThrottle, Sessions
from solorun.http.event_stream import Streams
from solorun.http.operation import Operation
from solorun.service import Service


@dataclass(frozen=True, slots=True)
class Context:
    """One application's state. `root_path` is the public path below which every address of ours lies."""

    service: Service
    operations: tuple[Operation, ...]
    root_path: str
    access: Authorizer
    sessions: Sessions
    throttle: LoginThrottle
    streams: Streams
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How many answers each operation gave, by operation and HTTP status."""
