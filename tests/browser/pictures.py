"""Takes the documentation's pictures of the dashboard: `uv run python -m tests.browser.pictures`.

It needs Chromium, like the tests of the dashboard.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from tests.browser.browsers import launch_chromium
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

IMAGES: Final = Path(__file__).parents[2] / "docs" / "images"
NAMES: Final = ("dashboard.png", "live.png", "overview.png")
_SIZE: Final[ViewportSize] = {"width": 1280, "height": 720}
_LOW: Final[ViewportSize] = {"width": 1280, "height": 560}
_TIMEOUT_MILLISECONDS: Final = 60_000

_PUBLISH: Final = """import json, os
for number in range(1, 9):
    print(f"::progress current={number},total=12::page {number}")
    print(f"uploading page {number}", flush=True)
if os.path.exists("broken"):
    page = json.loads('{"title": "Dark adaptation"}')
    print(page["author"])
print("published 12 pages")
"""
_SCAN: Final = """import os, time
for number in range(1, 215):
    print(f"::progress current={number},total=600::frame {number}")
    print(f"frame {number:03}: {number * 7919 % 900} stars, seeing 1.{number * 31 % 90 + 10} arcsec", flush=True)
print("::warning::frame 215 is overexposed", flush=True)
while not os.path.exists("done"):
    time.sleep(0.05)
"""
_PROJECTS: Final = (
    project_toml(
        "handbook",
        {
            "collect": "for i in 1 2 3 4 5 6; do echo reading chapter $i; sleep 0.1; done",
            "check": "sleep 0.3; echo '::warning::2 links redirect'",
            "publish": "python3 publish.py",
        },
        title="The observatory's handbook",
    )
    + project_toml(
        "sky-survey",
        {"calibrate": "sleep 0.4", "scan": "python3 scan.py", "stack": "sleep 0.2"},
        cancel_grace="1s",
    )
    + project_toml("backup", {"dump": "sleep 0.1", "upload": "sleep 0.1"})
    + project_toml("glossary-*", {"extract": "sleep 0.1", "render": "sleep 0.1"}, title="A glossary per team")
)


def take_pictures(browser: Browser, directory: Path) -> None:
    with _observatory() as (service, api):
        failed, running = _history(service, api)
        failure = _open(browser, f"{service.url}/p/handbook/runs/{failed}")
        expect(failure.locator(".failure pre")).to_contain_text("KeyError")
        expect(failure.locator(".log-pane .row.current")).to_be_visible()
        failure.screenshot(path=directory / "dashboard.png")
        overview = _open(browser, service.url)
        expect(overview.locator(".sidebar .connection")).to_have_text("Connected")
        expect(overview.locator("article .bars a.failed")).to_have_count(1)
        overview.screenshot(path=directory / "overview.png")
        live = _open(browser, f"{service.url}/p/sky-survey/runs/{running}", is_dark=True)
        live.set_viewport_size(_LOW)
        expect(live.locator(".log-pane")).to_contain_text("overexposed")
        live.screenshot(path=directory / "live.png")


@contextmanager
def _observatory() -> Iterator[tuple[ServedService, Api]]:
    with tempfile.TemporaryDirectory(prefix="observatory-") as directory:
        path = Path(directory)
        (path / "publish.py").write_text(_PUBLISH)
        (path / "scan.py").write_text(_SCAN)
        with served(path, _PROJECTS) as service:
            api = Api(service.url)
            yield service, api
            api.cancel_all()
            api.close()


def _history(service: ServedService, api: Api) -> tuple[int, int]:
    """A few runs of each project; of those, a failed one and one that is running."""
    (service.directory / "done").touch()
    for project in ("backup", "glossary-optics", "handbook", "sky-survey", "glossary-radio") * 4:
        api.complete(project)
    (service.directory / "broken").touch()
    failed = api.complete("handbook")
    (service.directory / "done").unlink()
    return failed, api.start("sky-survey")


def _open(browser: Browser, address: str, *, is_dark: bool = False) -> Page:
    page = browser.new_page(viewport=_SIZE, color_scheme="dark" if is_dark else "light", reduced_motion="reduce")
    page.set_default_timeout(_TIMEOUT_MILLISECONDS)
    page.goto(address)
    page.evaluate("document.fonts.ready")
    return page


if __name__ == "__main__":
    with sync_playwright() as started:
        take_pictures(launch_chromium(started), IMAGES)
