"""The title of a tab, and its icon: a ring that closes as the run progresses."""

import math
import re
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.running_service import ServedService

BLUE, AMBER, GREEN, RED, GREY = "#2f7cf6", "#bf8700", "#2da44e", "#e5484d", "#8c959f"
CIRCUMFERENCE = 2 * math.pi * 6


def _expect_icon(page: Page, colour: str, share: float = 1.0) -> None:
    """Expect a ring in this colour, closed to this share."""
    ring = f'stroke="{colour}" stroke-width="4" stroke-dasharray="{CIRCUMFERENCE * share:.1f} 99"'
    page.wait_for_function(
        "ring => decodeURIComponent(document.querySelector('link[rel=icon]').href).includes(ring)", arg=ring
    )


def _start(api: Api, project: str, gates: Path, shares: str) -> int:
    return api.start(project, params={"gates": str(gates), "shares": shares})


def test_the_ring_shows_the_progress_and_then_the_result(open_page: OpenPage, api: Api, tmp_path: Path) -> None:
    run_id = _start(api, "paced-ring", tmp_path, "29 57 90")
    page = open_page(f"/p/paced-ring/runs/{run_id}")

    expect(page).to_have_title(f"29 % · paced-ring #{run_id}")
    _expect_icon(page, BLUE, 0.25)
    (tmp_path / "29").touch()
    expect(page).to_have_title(f"57 % · paced-ring #{run_id}")
    _expect_icon(page, BLUE, 0.55)
    (tmp_path / "57").touch()
    expect(page).to_have_title(f"90 % · paced-ring #{run_id}")
    _expect_icon(page, BLUE, 0.9)
    (tmp_path / "90").touch()

    expect(page).to_have_title(f"✓ · paced-ring #{run_id}")
    _expect_icon(page, GREEN)


def test_the_ring_changes_colour_while_the_run_is_being_cancelled(
    open_page: OpenPage, api: Api, tmp_path: Path
) -> None:
    run_id = _start(api, "paced-cancelled", tmp_path, "40")
    page = open_page(f"/p/paced-cancelled/runs/{run_id}")
    _expect_icon(page, BLUE, 0.4)

    page.get_by_role("button", name="Cancel").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Cancel run").click()
    expect(page).to_have_title(f"cancelling · paced-cancelled #{run_id}")
    _expect_icon(page, AMBER, 0.4)
    (tmp_path / "40").touch()

    expect(page).to_have_title(f"⊘ · paced-cancelled #{run_id}")
    _expect_icon(page, GREY)


def test_the_icon_shows_the_open_run_or_the_state_of_all_projects(
    open_page: OpenPage, api: Api, tmp_path: Path
) -> None:
    api.complete("novel", params={"book": "broken"})
    page = open_page("/runs")
    _expect_icon(page, RED)
    expect(page).to_have_title("All runs · Solorun")

    run_id = _start(api, "paced-all", tmp_path, "50")
    _expect_icon(page, BLUE)
    expect(page).to_have_title("1 running · All runs · Solorun")
    page.get_by_role("link", name=f"#{run_id}", exact=True).click()
    _expect_icon(page, BLUE, 0.5)
    page.go_back()
    _expect_icon(page, BLUE)
    (tmp_path / "50").touch()

    _expect_icon(page, RED)
    expect(page).to_have_title("All runs · Solorun")


def test_the_browser_can_draw_the_icon(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/novel/runs/{api.complete('novel')}")
    _expect_icon(page, GREEN)

    width = page.evaluate(
        """async () => {
          const image = new Image();
          image.src = document.querySelector('link[rel=icon]').href;
          await image.decode();
          return image.naturalWidth;
        }"""
    )

    assert width > 0


def test_a_failure_that_was_seen_is_red_nowhere(open_page: OpenPage, street: ServedService, street_api: Api) -> None:
    street_api.complete("project-12")
    page = open_page("/", url=street.url)
    dot = page.locator(".sidebar").get_by_role("link", name=re.compile("^project-12 ?, failed")).locator("i")
    _expect_icon(page, RED)
    expect(dot).to_have_class(re.compile("failed"))

    page.get_by_role("button", name="Seen project-12").click()

    _expect_icon(page, GREEN)
    expect(dot).to_have_class(re.compile("none"))
    page.get_by_role("link", name="project-12", exact=True).click()
    _expect_icon(page, GREY)
    street_api.complete("project-12")
    _expect_icon(page, RED)
    expect(dot).to_have_class(re.compile("failed"))
