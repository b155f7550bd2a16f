"""What all handlers share: the service, the open streams, the sessions, the counters."""

from collections import Counter
from dataclasses import dataclass, field

from solorun.api.access import Access
from solorun.api.operation import Operation
from solorun.api.sessions import LoginThrottle, Sessions
from solorun.api.sse import Streams
from solorun.service import Service


@dataclass(frozen=True, slots=True)
class Context:
    """One application's state. `root_path` is the public path below which every address of ours lies."""

    service: Service
    operations: tuple[Operation, ...]
    root_path: str
    access: Access
    sessions: Sessions
    throttle: LoginThrottle
    streams: Streams
    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How many answers each operation gave, by operation and HTTP status."""
