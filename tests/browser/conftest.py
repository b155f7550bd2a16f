"""A browser, a real service, and its pages. The browser is closed after this package, because its event loop would
interfere with asynchronous tests. A page error, a violation of the content security policy, or a request to another
host fails the test.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page, Playwright, expect, sync_playwright

from solorun.dashboard.assets import STATIC_DIRECTORY
from tests.browser.axe import DESKTOP
from tests.browser.browsers import launch
from tests.browser.deployments import Deployment, serving_cluster
from tests.browser.projects import CONFIGURATION, COROUTINE, DEAF, STREET, Api
from tests.fakes.running_service import ServedService, served

OpenPage = Callable[..., Page]
NewContext = Callable[..., BrowserContext]

# The shared service has more projects than the overview shows at first. Which of them have runs depends on the tests
# before this one.
_SHOW_ALL_PROJECTS = """
if (location.href.startsWith(%s)) localStorage["solorun.preferences"] ??= JSON.stringify({othersOpen: true});
"""

TIMEOUT_MILLISECONDS = 60_000
"""For every wait. Generous, because slow machines are no failure; the benchmarks measure speed."""
expect.set_options(timeout=TIMEOUT_MILLISECONDS)


@pytest.fixture(scope="package")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="package")
def browser(playwright: Playwright) -> Iterator[Browser]:
    launched = launch(playwright)
    yield launched
    launched.close()


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    if not (STATIC_DIRECTORY / "index.html").exists():
        pytest.skip("the dashboard is not built: run `npm ci && npm run build` in app/dashboard")
    directory = tmp_path_factory.mktemp("service")
    (directory / "deaf.py").write_text(COROUTINE)
    with served(directory, DEAF + CONFIGURATION) as started:
        yield started


@pytest.fixture(scope="package")
def embedded(service: ServedService) -> Deployment:
    return Deployment(service.url)


@pytest.fixture(scope="package")
def cluster(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[Deployment]:
    with serving_cluster(tmp_path_factory.mktemp, postgres_url) as started:
        yield started


@pytest.fixture
def deployment(request: pytest.FixtureRequest) -> Deployment:
    """The service alone, unless the test is parametrized with `on_both`."""
    found: Deployment = request.getfixturevalue(getattr(request, "param", "embedded"))
    return found


@pytest.fixture
def api(deployment: Deployment) -> Iterator[Api]:
    api = Api(deployment.url, deployment.token)
    yield api
    api.cancel_all()
    api.close()


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    """A service with more projects than a screen shows, and a family. One project has run."""
    with served(tmp_path_factory.mktemp("street"), STREET) as started:
        api = Api(started.url)
        api.complete("project-00")
        api.close()
        yield started


@pytest.fixture
def street_api(street: ServedService) -> Iterator[Api]:
    api = Api(street.url)
    yield api
    api.cancel_all()
    api.close()


@pytest.fixture
def params(api: Api, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Parameters of runs of a paced project, which work until the file `40` exists, or the test ends."""
    yield {"gates": str(tmp_path), "shares": "40"}
    (tmp_path / "40").touch()


@pytest.fixture
def new_context(browser: Browser) -> Iterator[NewContext]:
    """Opens a context with these options of Playwright, until the end of the test."""
    contexts: list[BrowserContext] = []

    def open_context(**options: Any) -> BrowserContext:
        contexts.append(browser.new_context(**{"viewport": DESKTOP, "locale": "en-GB"} | options))
        return contexts[-1]

    yield open_context
    for context in contexts:
        # A handler of a test may still be at work on a request. Its failure would fail the next call, in another test.
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")
        context.unroute_all(behavior="ignoreErrors")
        context.close()


@pytest.fixture
def context(new_context: NewContext) -> BrowserContext:
    return new_context()


@pytest.fixture
def open_page(deployment: Deployment, context: BrowserContext) -> Iterator[OpenPage]:
    """Opens a path of the dashboard, by default in the test's own context."""
    problems: list[str] = []
    deployment.log_in(context)
    context.add_init_script(_SHOW_ALL_PROJECTS % json.dumps(deployment.url))

    def open_path(path: str, *, within: BrowserContext = context, url: str = deployment.url) -> Page:
        page = within.new_page()
        page.set_default_timeout(TIMEOUT_MILLISECONDS)
        page.on("pageerror", lambda error: problems.extend(_page_error(error)))
        page.on(
            "console", lambda message: problems.append(message.text) if "Content Security" in message.text else None
        )
        page.on("request", lambda request: problems.extend(_foreign(request.url, url)))
        page.goto(url + path, wait_until="domcontentloaded")
        return page

    yield open_path
    assert problems == []


def _page_error(error: Error) -> list[str]:
    """Its message. Firefox also reports each file that a test has the service refuse, and Playwright splits what it
    reports into a name and a message.
    """
    report = f"{error.name}: {error.message}"
    return [] if "blocked" in report and "MIME type" in report else [report]


def _foreign(address: str, url: str) -> list[str]:
    parts = urlsplit(address)
    return [address] if parts.scheme in ("http", "https") and parts.netloc != urlsplit(url).netloc else []
