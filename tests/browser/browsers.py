"""The browsers that are installed on this machine: Chromium, and the Firefox of a Linux distribution."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""By preference. The headless shell has no window, so a page takes half the processor time."""
WITHOUT_FEATURES = (
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,"
    "PaintHolding,HttpsUpgrades,OptimizationHints,PreconnectToSearch,NetworkTimeServiceQuerying"
)
"""The address bar of each invisible window loads pages too, which takes a quarter of the processor time of a test.
Playwright switches the other features off, and Chromium reads only the last of such arguments.
"""


_NAME = os.environ.get("SOLORUN_TEST_BROWSER", "chromium")


def not_in_firefox(reason: str) -> pytest.MarkDecorator:
    """For a test that requires what Firefox lacks, or what Playwright cannot do there through WebDriver BiDi."""
    return pytest.mark.skipif(_NAME == "firefox", reason=reason)


def launch(playwright: Playwright, **preferences: str | float | bool) -> Browser:
    """The browser of all tests: Chromium, or the one that SOLORUN_TEST_BROWSER names.

    Firefox has these preferences, for what Playwright emulates in Chromium alone.
    """
    match _NAME:
        case "chromium":
            return launch_chromium(playwright)
        case "firefox":
            return launch_firefox(playwright, **preferences)
        case _:
            raise ValueError(f"SOLORUN_TEST_BROWSER is chromium or firefox, not {_NAME}")


def launch_chromium(playwright: Playwright) -> Browser:
    own = playwright.chromium.executable_path
    system = next(filter(None, map(shutil.which, CHROMIUMS)), None)
    path = os.environ.get("CHROMIUM_PATH") or (own if Path(own).exists() else system)
    if path is None:
        pytest.skip("no Chromium: run `playwright install chromium`, or set CHROMIUM_PATH")
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=path, args=[*sandbox, WITHOUT_FEATURES])


def launch_firefox(playwright: Playwright, **preferences: str | float | bool) -> Browser:
    """Not Playwright's own Firefox, which is patched: the one that people use, through WebDriver BiDi."""
    path = os.environ.get("FIREFOX_PATH") or shutil.which("firefox-esr")
    if path is None:
        pytest.skip("no Firefox: run `apt-get install firefox-esr`, or set FIREFOX_PATH")
    return playwright.firefox.launch(channel="moz-firefox", executable_path=path, firefox_user_prefs=preferences)
