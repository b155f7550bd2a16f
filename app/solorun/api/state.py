"""What all handlers share: the service, the open streams, the counters."""

from collections import Counter
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

import anyio

from solorun.api.family_limit import FamilyLimit
from solorun.auth.authorization import Authorizer
from solorun.auth.permissions import Authorize, Identify, Permissions, identify_caller
from solorun.http.event_stream import Streams
from solorun.http.operation import Operation
from solorun.http.request import Request
from solorun.http.turns import Turns
from solorun.service import Service


@dataclass(frozen=True, slots=True)
class State:
    """The state of one application. Each handler receives it with the request."""

    service: Service
    operations: "tuple[Operation[State], ...]"
    authorizer: Authorizer
    streams: Streams
    family_limit: FamilyLimit
    authorize: Authorize | None = None
    """How the host application limits what callers may do."""
    identify: Identify | None = None
    """How the host application names callers."""
    searches: WeakValueDictionary[tuple[str, bytes], anyio.Lock] = field(default_factory=WeakValueDictionary)
    """The search of each client, by its address and cookies. A client's next search waits for it."""
    turns: Turns = field(default_factory=Turns)
    """Of clients that request large pages."""
    responses: Counter[tuple[str, int]] = field(default_factory=Counter)
    """How many responses were sent, by operation id and HTTP status."""

    @property
    def is_hosted(self) -> bool:
        """Whether a host application limits or names callers."""
        return self.authorize is not None or self.identify is not None

    def permissions_of(self, request: Request) -> Permissions:
        """What the caller of this request may do."""
        return Permissions(self.authorize, request.scope)

    async def name_caller(self, request: Request, claimed: str) -> str:
        """The name that the host application gives the caller, or else the one that the request claims."""
        return claimed if self.identify is None else await identify_caller(self.identify, request.scope)
