"""The documentation's pictures of the dashboard."""

from pathlib import Path

from playwright.sync_api import Browser

from tests.browser.browsers import not_in_firefox
from tests.browser.pictures import IMAGES, NAMES, take_pictures

MAX_BYTES = 130_000


@not_in_firefox("the command uses Chromium, and Firefox takes larger pictures")
def test_the_command_takes_every_picture(browser: Browser, tmp_path: Path) -> None:
    take_pictures(browser, tmp_path)

    taken = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sorted(taken) == sorted(NAMES) == sorted(path.name for path in IMAGES.iterdir())
    assert max(taken.values()) < MAX_BYTES
