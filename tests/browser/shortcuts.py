"""Shortcuts of two keys. The second key follows within milliseconds, however slow the machine is."""

from playwright.sync_api import Page


def press_in_turn(page: Page, *keys: str) -> None:
    page.evaluate(
        """keys => {
          for (const key of keys)
            document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true}));
        }""",
        keys,
    )
