"""Layout shifts of a page. Only Chromium reports them: elsewhere, a test would find none and pass."""

from playwright.sync_api import Page

from tests.browser.browsers import not_in_firefox

counts_shifts = not_in_firefox("Firefox reports no layout shifts")

COUNT_SHIFTS = """
window.shifts = [];
new PerformanceObserver(list => {
  for (const {value, hadRecentInput, sources} of list.getEntries())
    if (!hadRecentInput)
      shifts.push([value, ...sources.map(({node, previousRect, currentRect}) =>
        `${node?.nodeName} ${node?.className}: ${previousRect.y} to ${currentRect.y}`)]);
}).observe({type: 'layout-shift', buffered: true});
"""
QUIET = """(wanted = 30) => new Promise(done => {
  let [seen, frames] = [-1, 0];
  const check = () => {
    const now = shifts.length + performance.getEntriesByType('resource').length;
    frames = now === seen ? frames + 1 : 0;
    seen = now;
    if (frames > wanted) done(shifts); else requestAnimationFrame(check);
  };
  requestAnimationFrame(check);
})"""
"""Resolves with the shifts when nothing has moved or loaded for the wanted number of frames."""


def forget_shifts(page: Page) -> None:
    """Wait until the page is still, and count only what moves from now on.

    A click may move things. Chromium leaves those out for 500 ms, and a busy machine shows them later.
    """
    page.evaluate(QUIET)
    page.evaluate("shifts.length = 0")
