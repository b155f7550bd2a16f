"""What a tab says of itself among other tabs: a title, and an icon that is a ring which closes as the work does."""

import math
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api

BLUE, AMBER, GREEN, RED, GREY = "#2f7cf6", "#bf8700", "#2da44e", "#e5484d", "#8c959f"
AROUND = 2 * math.pi * 6


def _expect_icon(page: Page, colour: str, share: float = 1.0) -> None:
    """The ring in this colour, closed by this share."""
    ring = f'stroke="{colour}" stroke-width="4" stroke-dasharray="{AROUND * share:.1f} 99"'
    page.wait_for_function(
        "ring => decodeURIComponent(document.querySelector('link[rel=icon]').href).includes(ring)", arg=ring
    )


def _start(api: Api, project: str, gates: Path, shares: str) -> int:
    return api.start(project, params={"gates": str(gates), "shares": shares})


def test_the_ring_closes_as_the_run_goes_on_and_then_tells_how_it_ended(
    open_page: OpenPage, api: Api, tmp_path: Path
) -> None:
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


def test_the_ring_of_a_run_that_is_being_stopped_has_another_colour_until_it_is(
    open_page: OpenPage, api: Api, tmp_path: Path
) -> None:
    run_id = _start(api, "paced-stop", tmp_path, "40")
    page = open_page(f"/p/paced-stop/runs/{run_id}")
    _expect_icon(page, BLUE, 0.4)

    page.get_by_role("button", name="Stop").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Stop run").click()
    expect(page).to_have_title(f"cancelling · paced-stop #{run_id}")
    _expect_icon(page, AMBER, 0.4)
    (tmp_path / "40").touch()

    expect(page).to_have_title(f"⊘ · paced-stop #{run_id}")
    _expect_icon(page, GREY)


def test_the_icon_is_the_one_of_what_is_shown_and_everywhere_else_that_of_all(
    open_page: OpenPage, api: Api, tmp_path: Path
) -> None:
    api.complete("novel", params={"book": "broken"})
    page = open_page("/runs")
    _expect_icon(page, RED)
    expect(page).to_have_title("Solorun")

    run_id = _start(api, "paced-all", tmp_path, "50")
    _expect_icon(page, BLUE)
    expect(page).to_have_title("1 running · Solorun")
    page.get_by_role("link", name=f"#{run_id}", exact=True).click()
    _expect_icon(page, BLUE, 0.5)
    page.go_back()
    _expect_icon(page, BLUE)
    (tmp_path / "50").touch()

    _expect_icon(page, RED)
    expect(page).to_have_title("Solorun")


def test_the_icon_is_a_picture_that_a_browser_can_draw(open_page: OpenPage, api: Api) -> None:
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
