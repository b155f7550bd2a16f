"""The sidebar: finding a project by the keyboard, folded families, and its width. Names that are never alike."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

FAMILIES = ("glossary", "train")
TEAMS = ("art", "law", "sales")
CONFIGURATION = "".join(project_toml(f"project-{number}", {"work": "true"}) for number in range(8)) + "".join(
    project_toml(f"{family}-*", {"work": "true"}, title="One per team") for family in FAMILIES
)


@pytest.fixture(scope="module")
def teams(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedService]:
    """A service with three members of each of two families."""
    with served(tmp_path_factory.mktemp("teams"), CONFIGURATION) as started:
        api = Api(started.url)
        for family in FAMILIES:
            for team in TEAMS:
                api.complete(f"{family}-{team}")
        api.close()
        yield started


def test_a_project_is_opened_with_a_few_keys(open_page: OpenPage, teams: ServedService) -> None:
    page = open_page("/runs", url=teams.url)
    expect(page.locator(".sidebar").get_by_role("link", name=re.compile("train-law"))).to_be_visible()

    page.keyboard.press("p")
    page.keyboard.type("law")
    expect(page.locator(".sidebar a .name")).to_have_text(["glossary-law", "train-law"])
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", level=1)).to_have_text("glossary-law")
    expect(page.get_by_role("searchbox", name="Find a project")).to_have_value("")


def test_the_order_of_the_side_bar_is_that_of_the_overview(open_page: OpenPage, teams: ServedService) -> None:
    page = open_page("/", url=teams.url)
    expect(page.get_by_role("article")).to_have_count(8 + 6)

    names = page.locator("main article h3").all_inner_texts()

    assert page.locator(".sidebar a .name").all_inner_texts() == names


def test_a_family_folds_and_stays_folded(open_page: OpenPage, teams: ServedService) -> None:
    page = open_page("/", url=teams.url)
    member = page.locator(".sidebar").get_by_role("link", name=re.compile("glossary-art"))
    expect(member).to_be_visible()

    page.locator(".sidebar summary", has_text="glossary-*").click()
    expect(member).to_be_hidden()
    page.reload()
    expect(page.locator(".sidebar").get_by_role("link", name=re.compile("train-art"))).to_be_visible()
    expect(member).to_be_hidden()
    page.get_by_role("searchbox", name="Find a project").fill("glossary-a")

    expect(member).to_be_visible()


def test_the_width_of_the_side_bar_is_kept(open_page: OpenPage, teams: ServedService) -> None:
    page = open_page("/", url=teams.url)
    bar, handle = page.locator(".sidebar"), page.get_by_role("separator", name="Width of the sidebar")
    expect(bar).to_have_css("width", "208px")

    handle.hover()
    page.mouse.down()
    page.mouse.move(300, 400)
    page.mouse.up()
    expect(bar).to_have_css("width", "300px")
    page.reload()
    expect(bar).to_have_css("width", "300px")
    handle.press("ArrowRight")
    expect(bar).to_have_css("width", "310px")
    for _ in range(6):
        handle.press("ArrowRight")

    expect(bar).to_have_css("width", "360px")


def test_a_long_list_of_projects_does_not_make_the_page_taller(open_page: OpenPage, teams: ServedService) -> None:
    page = open_page("/p/glossary-law", url=teams.url)
    page.set_viewport_size({"width": 1280, "height": 500})
    expect(page.locator(".sidebar a .name")).to_have_count(8 + 6)

    heights = page.evaluate("[document.documentElement.scrollHeight, document.querySelector('main').offsetHeight]")

    assert heights[0] == heights[1]


def test_one_of_sixty_projects_is_opened_by_three_letters(open_page: OpenPage, tmp_path: Path) -> None:
    others = "".join(project_toml(f"project-{number:02}", {"work": "true"}) for number in range(59))
    with served(tmp_path, others + project_toml("wikipedia", {"work": "true"})) as many:
        page = open_page("/", url=many.url)
        expect(page.get_by_role("main").get_by_role("article").first).to_be_visible()

        page.keyboard.press("p")
        page.keyboard.type("wik")
        page.keyboard.press("Enter")

        expect(page.get_by_role("heading", level=1)).to_have_text("wikipedia")


CONTROLS = "link|button|searchbox|textbox|combobox|checkbox|radio|tab|menuitem"


def _names_of_controls(element: Locator, roles: str = CONTROLS) -> list[str]:
    """Whatever their role: a name is all that a voice or a list of links has."""
    return re.findall(rf'- (?:{roles}) "(.*?)"', element.aria_snapshot())


def _repeated(names: list[str]) -> list[str]:
    return [name for name, count in Counter(names).items() if count > 1]


@pytest.mark.parametrize("path", ["/", "/runs", "/p/glossary-law", "/p/glossary-law/runs/2"])
def test_no_two_controls_of_a_page_have_the_same_name(open_page: OpenPage, teams: ServedService, path: str) -> None:
    page = open_page(path, url=teams.url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    expect(page.locator("[aria-busy=true]")).to_have_count(0)
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")

    controls = _names_of_controls(page.locator("body"))

    assert len(controls) > 20
    assert _repeated(controls) == []


@pytest.mark.parametrize(("key", "text", "expected"), [("?", "", 6), ("s", "", 10), ("Control+k", "law", 6)])
def test_no_two_controls_of_a_dialog_have_the_same_name(
    open_page: OpenPage, teams: ServedService, key: str, text: str, expected: int
) -> None:
    page = open_page("/p/glossary-law/runs/2", url=teams.url)
    expect(page.locator("header .badge")).to_have_text("completed")
    expect(page.locator(".sidebar").get_by_role("link", name=re.compile("train-law"))).to_be_visible()

    page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.insert_text(text)

    # The options of a dialog are all in sight, unlike those of the filters of a page.
    controls = _names_of_controls(page.get_by_role("dialog"), f"{CONTROLS}|option")
    assert len(controls) >= expected
    assert _repeated(controls) == []
