"""Requests that a test holds, so that their answers are late. You get a request only by waiting for it."""

import re
import time
from typing import Final

from playwright.sync_api import APIResponse, BrowserContext, Page, Route

_LIMIT_SECONDS: Final = 120.0


class HeldRequest:
    """One that has arrived. If it has an answer, the service has sent it, and the page does not have it yet."""

    def __init__(self, route: Route, answer: APIResponse | None) -> None:
        self._route = route
        self._answer = answer

    def release(self) -> None:
        if self._answer is None:
            self._route.continue_()
        else:
            self._route.fulfill(response=self._answer)


class Hold:
    """Holds the first request to a URL, from a page or from any page of a context."""

    def __init__(self, source: Page | BrowserContext, url: str | re.Pattern[str], *, is_answered: bool = False) -> None:
        self._held: HeldRequest | None = None
        self._is_answered = is_answered
        source.route(url, self._hold, times=1)

    def wait(self, page: Page) -> HeldRequest:
        """Until the request is held. Waiting in the page lets Playwright call the handler."""
        deadline = time.monotonic() + _LIMIT_SECONDS
        while self._held is None:
            assert time.monotonic() < deadline, "no request was held in time"
            page.wait_for_timeout(10)
        return self._held

    def _hold(self, route: Route) -> None:
        self._held = HeldRequest(route, route.fetch() if self._is_answered else None)


class HoldAll:
    """Holds every request to a URL from any page of a context."""

    def __init__(self, context: BrowserContext, url: re.Pattern[str]) -> None:
        self.requests: list[Route] = []
        context.route(url, lambda route: self.requests.append(route))

    def release_oldest(self) -> bool:
        """Let one request go on. Returns whether any was held."""
        if self.requests:
            self.requests.pop(0).continue_()
            return True
        return False
