"""The dashboard in Chromium, on the machine that serves it: how long a reader waits, and how smooth a fast log is."""

import asyncio
import gzip
import re
import statistics
import sys
import time
from pathlib import Path
from typing import Any, Final

from playwright.async_api import BrowserContext, Page

from solorun.dashboard.assets import STATIC_DIRECTORY
from tests.benchmarks.chromium import chromium, find_chromium
from tests.benchmarks.measuring import Goal, Result, Scale
from tests.benchmarks.serving import command_project, ours

_LINE: Final = "line %.0f of a log, as long as lines of logs usually are, more or less"
_FAST: Final = f"exec '{sys.executable}' fast_log.py"
_FRAMES: Final = """milliseconds => new Promise(resolve => {
  const begin = performance.now(); let frames = 0;
  requestAnimationFrame(function count(now) {
    frames++;
    if (now - begin > milliseconds) resolve(frames / (now - begin) * 1000); else requestAnimationFrame(count);
  });
})"""

_WATCH_FOR_LINE: Final = """new MutationObserver((_, observer) => {
  if (!document.querySelector('.log-pane .row[data-seq]')) return;
  observer.disconnect();
  const afterTheFrame = new MessageChannel();
  afterTheFrame.port1.onmessage = () => window.shownAt = performance.now();
  afterTheFrame.port2.postMessage(0);
}).observe(document, {childList: true, subtree: true})"""
"""Rows are inserted while a frame is rendered; a message posted then arrives after that frame."""


async def dashboard(scale: Scale) -> list[Result]:
    """Initial bytes, first paint, a million lines, a live log, 5,000 lines a second, the heap."""
    path = find_chromium()
    if path is None:
        return [Result("dashboard", "", None, skipped="needs Chromium and the built dashboard")]
    lines = scale.lines(1_000_000)
    projects = command_project("million", f"seq -f '{_LINE}' 1 {lines}") + command_project("rate", _FAST)
    results = [Result("dashboard, initial JS and CSS", "kB gz", Goal(at_most=60), ours=_first_bytes() / 1000)]
    async with ours(projects) as service, chromium(path) as context:
        await context.add_init_script(_WATCH_FOR_LINE)
        url = service.service.url
        paints = [await _first_paint(context, url) for _ in range(scale.pairs)]
        results.append(Result("dashboard, first paint", "ms", Goal(at_most=300), ours=statistics.median(paints)))
        million = await service.start("million")
        await service.ended(million)
        page, _, driven = await _wait_for_line(context, f"{url}/p/million/runs/{million}")
        results.append(Result(f"dashboard, {lines:,} lines usable", "s", Goal(at_most=1), ours=driven))
        await page.close()
        rate = await service.start("rate")
        await service.running(rate)
        waits = []
        for _ in range(scale.pairs):
            page, *waited = await _wait_for_line(context, f"{url}/p/rate/runs/{rate}")
            waits.append(waited)
            await page.close()
        shown, driven = map(statistics.median, zip(*waits, strict=True))
        results.append(Result("dashboard, a live log shown", "s", Goal(at_most=0.5), ours=shown))
        results.append(Result("dashboard, a live log as the driver sees it", "s", None, ours=driven))
        page, *_ = await _wait_for_line(context, f"{url}/p/rate/runs/{rate}")
        began, before = time.perf_counter(), await _last_seq(page)
        frames = await page.evaluate(_FRAMES, scale.seconds * 2000)
        rate_shown = (await _last_seq(page) - before) / (time.perf_counter() - began)
        assert (await service.get(rate))["status"] == "running", "the log is not live"
        results.append(Result("dashboard, lines shown per second", "lines/s", None, ours=rate_shown))
        results.append(Result("dashboard, 5,000 lines/s", "frames/s", Goal(at_least=55), ours=frames))
        results.append(Result("dashboard, heap", "MB", Goal(at_most=20), ours=await _heap(context, page)))
        await service.cancel(rate)
    return results


async def _first_paint(context: BrowserContext, url: str) -> float:
    page = await context.new_page()
    await page.goto(url)
    await page.wait_for_selector("article")
    # The element may exist before it is painted.
    painted = await page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
    milliseconds: float = await painted.json_value()
    await page.close()
    return milliseconds


async def _wait_for_line(context: BrowserContext, address: str) -> tuple[Page, float, float]:
    """The page, and the seconds until it showed a line of the log, by its own clock and by the driver's. The driver
    polls the page at each frame, which slows it down.
    """
    page = await context.new_page()
    began = time.perf_counter()
    await page.goto(address, wait_until="commit")
    await page.wait_for_selector(".log-pane .row[data-seq]")
    driven = time.perf_counter() - began
    shown: Any = await (await page.wait_for_function("() => window.shownAt")).json_value()
    return page, float(shown) / 1000, driven


async def _last_seq(page: Page) -> int:
    """The seq of the last visible line, which is the end of a followed log."""
    return int(await page.locator(".log-pane .row[data-seq]").last.get_attribute("data-seq") or 0)


async def _heap(context: BrowserContext, page: Page) -> float:
    tools = await context.new_cdp_session(page)
    await tools.send("HeapProfiler.collectGarbage")
    await asyncio.sleep(0)
    used: Any = await page.evaluate("performance.memory.usedJSHeapSize")
    return float(used) / 1e6


def _first_bytes() -> int:
    """The compressed size of the files that the page refers to, which load before any interaction."""
    names = re.findall(r"assets/([\w.-]+\.(?:js|css))", (STATIC_DIRECTORY / "index.html").read_text())
    return sum(len(gzip.compress(_asset(name).read_bytes())) for name in set(names))


def _asset(name: str) -> Path:
    return STATIC_DIRECTORY / "assets" / name
