"""Who the caller of a request is and what they may do, as the host application says: `identify` and `authorize`.

Without `authorize`, every caller may do everything.
"""

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable

from starlette.exceptions import HTTPException
from starlette.requests import Request as HostRequest
from starlette.types import Scope

from solorun.auth.live_check import LiveCheck
from solorun.errors import Forbidden
from solorun.right import Right
from solorun.run import MAX_CALLER_CHARACTERS, is_caller

_logger = logging.getLogger("solorun.auth")

Identify = Callable[[HostRequest], str | Awaitable[str]]
"""The name of the caller, which is recorded for what the request starts, cancels or pauses.

The request is that of Starlette, without its body. An HTTPException is passed on to the host application.
"""

Authorize = Callable[[HostRequest, Right, str | None], bool | Awaitable[bool]]
"""Whether the request may do this with the project, or with all of Solorun if the project is None.

The request is that of Starlette, without its body. An HTTPException is passed on to the host application.
"""


async def identify_caller(identify: Identify, scope: Scope) -> str:
    """Raises ValueError if the name cannot be recorded, and what `identify` raises."""
    answer = identify(HostRequest(scope))
    name = await answer if inspect.isawaitable(answer) else answer
    if not isinstance(name, str) or not is_caller(name):
        limits = f"1 to {MAX_CALLER_CHARACTERS} characters without control characters"
        raise ValueError(f"`identify` must return a name of {limits}, and returned {name!r}")
    return name


class Permissions:
    """The permissions of one caller. Each answer is remembered until `check_again`."""

    def __init__(self, authorize: Authorize | None, scope: Scope) -> None:
        self._authorize = authorize
        self._scope = scope
        self._answers: dict[tuple[Right, str | None], bool] = {}

    @property
    def are_limited(self) -> bool:
        return self._authorize is not None

    async def allow(self, right: Right, project: str | None) -> bool:
        if self._authorize is None:
            return True
        if (right, project) not in self._answers:
            answer = self._authorize(HostRequest(self._scope), right, project)
            self._answers[right, project] = bool(await answer if inspect.isawaitable(answer) else answer)
        return self._answers[right, project]

    async def would_allow(self, right: Right, project: str | None) -> bool:
        """The same for what the caller has not requested: an exception for the host application is a refusal."""
        try:
            return await self.allow(right, project)
        except HTTPException:
            return False

    async def check(self, right: Right, project: str | None) -> None:
        """Raises Forbidden."""
        if not await self.allow(right, project):
            raise Forbidden(f'This requires the right "{right}"{f" for the project {project}" if project else ""}.')

    async def find_visible(self, projects: Iterable[str]) -> set[str]:
        """Those of the projects that the caller may view."""
        return {project for project in projects if await self.would_allow(Right.VIEW, project)}

    async def find_rights(self, project: str | None) -> tuple[Right, ...]:
        """What the caller may do with the project."""
        return tuple([right for right in Right if await self.would_allow(right, project)])

    def check_again(self, project: str | None) -> LiveCheck:
        """Whether the caller may still view the project."""

        async def may_read() -> bool:
            self._answers.clear()
            try:
                return await self.allow(Right.VIEW, project)
            except Exception:
                _logger.exception("A stream ends, because `authorize` failed.")
                return False

        return LiveCheck(may_read)
