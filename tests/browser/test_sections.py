"""The sections of the overview, what moves between them and when, and the first visit."""

import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import PHONE, violations_everywhere
from tests.browser.conftest import NewContext, OpenPage
from tests.browser.projects import STREET_LENGTH, Api
from tests.browser.shifts import COUNT_SHIFTS, QUIET, counts_shifts, forget_shifts
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served


def _names(page: Page) -> list[str]:
    return page.locator("main article h3").all_inner_texts()


def _section(page: Page, heading: str) -> Locator:
    """The names of the projects in the section with this heading."""
    return page.get_by_role("region", name=re.compile(f"^{heading}")).locator("article h3")


def _fail_and_run(page: Page, api: Api) -> None:
    """Start a run that fails and one that goes on, and let more time pass on the page than projects need to settle."""
    api.start("project-12")
    api.start("project-13")
    expect(page.get_by_role("article", name="project-12").locator(".badge")).to_have_text("failed")
    expect(page.get_by_role("article", name="project-13")).to_contain_text(re.compile(r"work · ([6-9]|[1-9]\d)\ss"))


def test_projects_are_in_sections_in_the_order_of_the_file(
    open_page: OpenPage, street: ServedService, street_api: Api
) -> None:
    street_api.complete("project-12")
    street_api.start("project-13")

    page = open_page("/", url=street.url)

    expect(_section(page, "Running")).to_have_text(["project-13"])
    expect(_section(page, "Needs attention")).to_have_text(["project-12"])
    others = [f"project-{number:02}" for number in range(STREET_LENGTH - 2)]
    assert _section(page, "All others").all_inner_texts()[: STREET_LENGTH - 2] == others
    shown = page.locator(".sidebar nav .name").all_inner_texts()
    assert [name for name in shown if name.startswith("project-")] == [*others, "project-12", "project-13"]


@counts_shifts
def test_no_project_moves_while_the_pointer_is_in_the_list(
    open_page: OpenPage, new_context: NewContext, street: ServedService, street_api: Api
) -> None:
    street_api.complete("project-12")
    context = new_context()
    context.add_init_script(COUNT_SHIFTS)
    page = open_page("/", within=context, url=street.url)
    page.get_by_role("article", name="project-05").hover()
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    forget_shifts(page)
    names = _names(page)

    for _ in range(36):
        street_api.complete("project-05")
    _fail_and_run(page, street_api)
    moved = page.evaluate(QUIET)

    assert _names(page) == names
    assert sum(value for value, *_ in moved) <= 0.05, moved
    page.locator(".sidebar").hover()
    expect(_section(page, "Running")).to_have_text(["project-13"])


def test_no_project_moves_while_the_focus_is_in_the_list(
    open_page: OpenPage, street: ServedService, street_api: Api
) -> None:
    street_api.complete("project-12")
    page = open_page("/", url=street.url)
    expect(page.get_by_role("article", name="project-05")).to_be_visible()
    page.locator("body").press("j")
    expect(page.locator("article :focus")).to_have_count(1)
    names = _names(page)

    _fail_and_run(page, street_api)

    assert _names(page) == names
    page.get_by_role("searchbox", name="Filter projects").focus()
    expect(_section(page, "Running")).to_have_text(["project-13"])


def test_a_failure_that_was_seen_needs_no_look_until_the_next_one(
    open_page: OpenPage, street: ServedService, street_api: Api
) -> None:
    street_api.complete("project-12")
    page = open_page("/", url=street.url)

    page.get_by_role("button", name="Seen project-12").click()
    expect(page.locator(".counts")).to_contain_text("0 projects need attention")
    expect(_section(page, "Needs attention")).to_have_text(["project-12"])
    page.locator(".sidebar").hover()
    expect(_section(page, "Needs attention")).to_have_count(0)
    page.reload()
    expect(_section(page, "All projects")).to_contain_text(["project-12"])
    expect(page.get_by_role("button", name="Seen project-12")).to_have_attribute("aria-pressed", "true")
    street_api.complete("project-12")

    expect(_section(page, "Needs attention")).to_have_text(["project-12"])
    page.get_by_role("button", name="Mark all as seen").click()
    expect(page.locator(".counts")).to_contain_text("0 projects need attention")


def test_a_failure_is_marked_as_seen_on_a_phone(
    open_page: OpenPage, new_context: NewContext, street: ServedService, street_api: Api
) -> None:
    street_api.complete("project-12")
    page = open_page("/", within=new_context(viewport=PHONE), url=street.url)
    row = page.get_by_role("article", name="project-12")

    expect(row.get_by_role("link", name=re.compile("^Run .*, failed"))).to_be_visible()
    row.get_by_role("button", name="Seen project-12").click()

    expect(page.locator(".counts")).to_contain_text("0 projects need attention")
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    assert violations_everywhere(page, [PHONE]) == {}


def test_a_long_section_of_other_projects_is_closed(open_page: OpenPage, tmp_path: Path) -> None:
    projects = "".join(project_toml(f"project-{number:02}", {"work": "exit 3"}) for number in range(32))
    with served(tmp_path, projects) as long:
        api = Api(long.url)
        api.complete("project-07")
        api.close()
        page = open_page("/", url=long.url)
        expect(_section(page, "Needs attention")).to_have_text(["project-07"])
        expect(_section(page, "All others")).to_have_count(0)

        page.get_by_role("button", name="All others 31").click()
        expect(_section(page, "All others")).to_have_count(31)
        page.reload()
        expect(_section(page, "All others")).to_have_count(31)
        page.get_by_role("button", name="All others 31").click()
        page.get_by_role("searchbox", name="Filter projects").fill("ject-3")

        expect(_section(page, "All others")).to_have_text(["project-30", "project-31"])


def test_the_first_visit_says_what_to_press(open_page: OpenPage, tmp_path: Path) -> None:
    with served(tmp_path, project_toml("handbook", {"collect": "true", "print": "true"})) as new:
        page = open_page("/", url=new.url)
        expect(page.get_by_role("heading", level=2).get_by_text("Nothing has run yet")).to_be_visible()
        expect(page.get_by_role("main")).to_contain_text("solorun start handbook")
        expect(page.get_by_role("article", name="handbook")).to_contain_text("collect → print")
        expect(page.locator(".counts, .cards, .bars, .strip")).to_have_count(0)

        page.keyboard.press("s")
        page.get_by_role("dialog").get_by_role("button", name="Start run").click()
        expect(page.locator("header .badge")).to_have_text("completed")
        page.get_by_role("link", name="Overview").first.click()

        expect(_section(page, "All projects")).to_have_text(["handbook"])
        expect(page.locator(".bars")).to_have_count(1)


@counts_shifts
def test_the_page_does_not_jump_while_projects_run(
    open_page: OpenPage, new_context: NewContext, street: ServedService, street_api: Api
) -> None:
    context = new_context()
    context.add_init_script(COUNT_SHIFTS)
    page = open_page("/", within=context, url=street.url)
    expect(page.get_by_role("article", name="project-00")).to_be_visible()
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    forget_shifts(page)

    for number in (0, 5, 13):
        street_api.start(f"project-{number:02}")
    expect(page.get_by_role("article", name="project-13").locator(".badge")).to_have_text("running")
    expect(page.get_by_role("article", name="project-05").locator(".badge")).to_have_text("completed")
    expect(_section(page, "Running")).to_have_text(["project-13"])
    shifts = page.evaluate(QUIET)

    assert sum(value for value, *_ in shifts) <= 0.05, shifts
