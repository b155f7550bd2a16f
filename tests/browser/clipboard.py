"""What a page has copied."""

from playwright.sync_api import Page

FIELD = "document.body.append(Object.assign(document.createElement('textarea'), { id: 'pasted' }))"


def pasted(page: Page) -> list[str]:
    """The lines on the clipboard. They are pasted, because Firefox lets no page read them."""
    page.evaluate(FIELD)
    field = page.locator("#pasted")
    field.press("ControlOrMeta+v")
    return field.input_value().split("\n")
