"""How long a reader of a long log waits for the first match of a search, by the clock of the page in Chromium."""

import statistics
from collections import Counter
from typing import Any, Final

from playwright.async_api import BrowserContext, Page

from tests.benchmarks.chromium import chromium, find_chromium
from tests.benchmarks.measuring import Goal, Result, Scale
from tests.benchmarks.samples import make_lines

RARE: Final = "completed"
"""Only in the last record, which reports the end of the step."""
_COMMON_CHARACTERS: Final = 3
_FIRST_AT: Final = range(1_000, 2_000)
"""Where the common word is first: beyond what the page has loaded."""
_KEY_MILLISECONDS: Final = 80
"""Between two keys, as people type."""
_TRIALS: Final = 7
_WATCH: Final = """
addEventListener('keydown', event => window.pressedAt = event.timeStamp, true);
window.watchFor = word => {
  window.shown = null;
  const observer = new MutationObserver(() => {
    if (![...document.querySelectorAll('.log-pane .row.current mark')].some(mark => mark.textContent === word)) return;
    observer.disconnect();
    const afterTheFrame = new MessageChannel();
    afterTheFrame.port1.onmessage = () => {
      const reads = performance.getEntriesByType('resource')
        .filter(({ name, startTime }) => name.includes('/log?') && startTime >= pressedAt);
      const sum = of => reads.reduce((total, read) => total + of(read), 0);
      window.shown = {
        total: performance.now() - pressedAt,
        before: (reads[0]?.startTime ?? pressedAt) - pressedAt,
        service: sum(read => read.responseStart - read.requestStart),
        requests: reads.length,
      };
    };
    afterTheFrame.port2.postMessage(0);
  });
  observer.observe(document.querySelector('.log-pane'), { childList: true, subtree: true, characterData: true,
    attributes: true });
}
"""
"""Rows change while a frame is rendered; a message posted then arrives after that frame."""


def find_common() -> str:
    """A word of many lines, none of which is near the beginning of a log."""
    found: Counter[str] = Counter()
    first: dict[str, int] = {}
    for index, line in enumerate(make_lines()):
        number = line.split()[3]
        for start in range(len(number) - _COMMON_CHARACTERS + 1):
            word = number[start : start + _COMMON_CHARACTERS]
            found[word] += 1
            first.setdefault(word, index)
    return max((word for word in found if first[word] in _FIRST_AT), key=lambda word: (found[word], word))


async def first_match(scale: Scale, page_address: str, lines: int) -> list[Result]:
    """`page_address`: of the completed run, whose log has that many of the benchmarks' lines."""
    path = find_chromium()
    if path is None:
        return [Result("first match on the screen", "", None, skipped="needs Chromium and the built dashboard")]
    common, rare = find_common(), RARE
    async with chromium(path) as context:
        await context.add_init_script(_WATCH)
        trials = _TRIALS if scale.pairs > 1 else 1
        common_waits = [await _search(context, page_address, common) for _ in range(trials)]
        rare_waits = [await _search(context, page_address, rare) for _ in range(trials)]
    return [
        _median(f"first match of a common word, {lines:,} lines", "ms", Goal(at_most=150), common_waits, "total", 1),
        _median("of which before the first request", "ms", None, common_waits, "before", 1),
        _median("of which requests", "ms", None, common_waits, "service", 1),
        _median("the same of a word in the last line only", "s", Goal(at_most=1.5), rare_waits, "total", 1000),
    ]


def _median(
    name: str, unit: str, goal: Goal | None, waits: list[dict[str, float]], part: str, milliseconds: float
) -> Result:
    return Result(name, unit, goal, ours=statistics.median(wait[part] for wait in waits) / milliseconds)


async def _search(context: BrowserContext, address: str, word: str) -> dict[str, float]:
    """The milliseconds from the last key to the match on the screen, and what they consist of."""
    page: Page = await context.new_page()
    await page.goto(address)
    await page.wait_for_selector(".log-pane .row[data-seq='1']")
    await page.evaluate("word => watchFor(word)", word)
    await page.keyboard.press("/")
    await page.keyboard.type(word, delay=_KEY_MILLISECONDS)
    shown: Any = await (await page.wait_for_function("() => window.shown")).json_value()
    await page.close()
    return {name: float(value) for name, value in shown.items()}
