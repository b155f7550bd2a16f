"""The service alone, and two services with a worker behind a proxy. The dashboard works the same on both."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext

from tests.browser.projects import CONFIGURATION
from tests.fakes.postgres import fresh_schema
from tests.fakes.round_robin_proxy import round_robin_proxy
from tests.fakes.running_service import served, serving_worker

TOKEN = "a-token-of-forty-characters-or-so-1234567"

on_both = pytest.mark.parametrize("deployment", ["embedded", "cluster"], indirect=True)
"""The tests that also run behind a proxy, whose requests take turns between two services."""


@dataclass(frozen=True)
class Deployment:
    """Where the dashboard is, and the token that it requires."""

    url: str
    token: str | None = None

    def log_in(self, context: BrowserContext) -> None:
        """Begin a session, if one is required."""
        if self.token is not None:
            form: dict[str, str | float | bool] = {"token": self.token}
            context.request.post(f"{self.url}/login", form=form, headers={"sec-fetch-site": "same-origin"})


@contextmanager
def serving_cluster(make_directory: Callable[[str], Path], postgres_url: str) -> Iterator[Deployment]:
    with ExitStack() as stack:
        database_url = stack.enter_context(fresh_schema(postgres_url))
        shared = str(make_directory("shared"))

        def serve(name: str) -> int:
            service = served(
                make_directory(name),
                CONFIGURATION,
                SOLORUN_DATABASE_URL=database_url,
                SOLORUN_SHARED_DIR=shared,
                SOLORUN_TOKEN=TOKEN,
                SOLORUN_EXECUTE_RUNS="false",
            )
            return stack.enter_context(service).port

        ports = serve("one"), serve("two")
        worker = serving_worker(
            make_directory("worker"), CONFIGURATION, SOLORUN_DATABASE_URL=database_url, SOLORUN_SHARED_DIR=shared
        )
        stack.enter_context(worker)
        yield Deployment(f"http://127.0.0.1:{stack.enter_context(round_robin_proxy(ports))}", TOKEN)
