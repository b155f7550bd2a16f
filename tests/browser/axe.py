"""Violations that axe finds on a page, in light and dark and at each size."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Page, ViewportSize

DESKTOP: Final[ViewportSize] = {"width": 1440, "height": 860}
PHONE: Final[ViewportSize] = {"width": 390, "height": 844}
_AXE: Final = Path(__file__).parents[2] / "app" / "dashboard" / "node_modules" / "axe-core" / "axe.min.js"
_RULES: Final = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "resultTypes": ["violations"],
}
_FIND_VIOLATIONS: Final = """async rules => {
  const {violations} = await axe.run(document, rules);
  return violations.map(({id, nodes}) => [id, nodes.slice(0, 3).map(node => node.target)]);
}"""
"""The violations and where they are. The rest of the result stays in the page, because it is slow to transfer."""
_SCHEMES: Final = ("light", "dark")
_SET_SCHEME: Final = "scheme => (document.documentElement.style.colorScheme = scheme)"
"""As the user's choice does. Playwright does not emulate a scheme in Firefox."""
_SETTLED: Final = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
"""Two frames, after which a change of size or colours is drawn."""


def violations_everywhere(page: Page, sizes: Sequence[ViewportSize]) -> dict[str, list[Any]]:
    """Violations on a page in light and dark at each size. The page is loaded once."""
    page.evaluate(_AXE.read_text())
    page.emulate_media(reduced_motion="reduce")
    found: dict[str, list[Any]] = {}
    for size in sizes:
        page.set_viewport_size(size)
        for scheme in _SCHEMES:
            page.evaluate(_SET_SCHEME, scheme)
            page.evaluate(_SETTLED)
            found[f"{scheme}, {size['width']} px"] = page.evaluate(_FIND_VIOLATIONS, _RULES)
    return {variant: violations for variant, violations in found.items() if violations}
