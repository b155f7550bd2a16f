"""Chromium for the benchmarks of the dashboard."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from playwright.async_api import BrowserContext, async_playwright

from solorun.dashboard.assets import STATIC_DIRECTORY

_LIMIT_MILLISECONDS: Final = 120_000


def find_chromium() -> str | None:
    """The path of Chromium. None if there is none, or if the dashboard has not been built."""
    path = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium") or shutil.which("google-chrome")
    return path if (STATIC_DIRECTORY / "index.html").exists() else None


@asynccontextmanager
async def chromium(path: str) -> AsyncIterator[BrowserContext]:
    """A browser with an empty profile."""
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=[*sandbox, "--enable-precise-memory-info"]
        )
        context = await browser.new_context(viewport={"width": 1440, "height": 860})
        context.set_default_timeout(_LIMIT_MILLISECONDS)
        yield context
        await browser.close()
