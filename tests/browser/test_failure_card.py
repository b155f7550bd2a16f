"""The card that says why a run failed or was interrupted, at the top of its page."""

import re
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.axe import DESKTOP, PHONE, violations_everywhere
from tests.browser.clipboard import pasted
from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import served


@pytest.mark.parametrize(
    ("project", "headline", "ending"),
    [
        ("limited", "think timed out after 1 s", "think failed"),
        ("bounded", "The run timed out after 1 s", "work failed"),
    ],
)
def test_a_run_that_timed_out_is_headed_by_its_limit(
    open_page: OpenPage, api: Api, project: str, headline: str, ending: str
) -> None:
    page = open_page(f"/p/{project}/runs/{api.complete(project)}")

    expect(page.locator(".failure h2")).to_have_text(headline)
    expect(page.locator(".failure .reason")).to_have_text(re.compile(rf"^{ending} after [\d.]+\ss$"))


def test_a_failed_run_explains_itself(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}")
    card = page.locator(".failure")
    expect(card.locator("h2")).to_have_text(re.compile(r"^translate failed after \S+\ss$"))
    expect(card.locator(".reason")).to_have_text("placeholder {name} is missing from segment 1943")
    expect(card.locator("footer")).to_contain_text("Exit code 3")
    expect(card.locator("pre")).to_contain_text("placeholder {name} is missing from segment 1943")


def test_a_failed_run_is_compared_in_one_place(open_page: OpenPage, api: Api) -> None:
    good = api.complete("novel")
    page = open_page(f"/p/novel/runs/{api.complete('novel', params={'book': 'broken'})}")

    expect(page.locator(".failure footer")).to_contain_text(f"Last success: #{good}")
    expect(page.get_by_role("link", name="Compare")).to_have_count(1)
    expect(page.get_by_role("link", name="Compare")).to_have_attribute("href", re.compile(rf"{good}\D"))


def test_the_card_of_a_silent_step_has_no_empty_lines(open_page: OpenPage, tmp_path: Path) -> None:
    with served(tmp_path, project_toml("silent", {"count": "exit 3"})) as service:
        api = Api(service.url)
        page = open_page(f"/p/silent/runs/{api.complete('silent')}", url=service.url)
        api.close()

        expect(page.locator(".failure")).to_contain_text("The step wrote nothing.")
        expect(page.locator(".failure pre")).to_have_count(0)


def test_the_card_shows_the_command_that_failed(open_page: OpenPage, tmp_path: Path) -> None:
    toml = project_toml("silent", {"count": ["grep", "-c", "photon", "/dev/null"]}) + project_toml(
        "long", {"count": "seq 300\n# the second line\nexit 3"}
    )
    with served(tmp_path, toml) as service:
        api = Api(service.url)
        page = open_page(f"/p/silent/runs/{api.complete('silent')}", url=service.url)
        expect(page.locator(".failure")).to_contain_text("$ grep -c photon /dev/null")

        page.goto(f"{service.url}/p/long/runs/{api.complete('long')}")
        api.close()
        command = page.locator(".failure").get_by_role("button", name="Command: ")
        expect(command).to_contain_text("# the second line")
        folded = command.bounding_box()
        command.press("Enter")

        expect(command).to_have_attribute("aria-expanded", "true")
        unfolded = command.bounding_box()
    assert folded is not None
    assert unfolded is not None
    assert unfolded["height"] > 2 * folded["height"]


def test_the_card_of_a_function_has_no_command(open_page: OpenPage, tmp_path: Path) -> None:
    (tmp_path / "work.py").write_text("async def work(step):\n    raise ValueError('no photon')\n")
    toml = "[projects.function]\n[[projects.function.steps]]\nname = 'count'\ncall = 'work:work'\n"
    with served(tmp_path, toml) as service:
        api = Api(service.url)
        page = open_page(f"/p/function/runs/{api.complete('function')}", url=service.url)
        api.close()

        expect(page.locator(".failure pre")).to_contain_text("no photon")
        expect(page.locator(".failure")).not_to_contain_text("command")


def test_a_phone_shows_the_innermost_frame_first(open_page: OpenPage, tmp_path: Path) -> None:
    frames = "".join(f"def f{number}(): f{number + 1}()\n" for number in range(9)) + "f0()\n"
    (tmp_path / "deep.py").write_text(frames)
    command = [sys.executable, str(tmp_path / "deep.py")]
    with served(tmp_path, project_toml("deep", {"dive": command})) as service:
        api = Api(service.url)
        page = open_page("/", url=service.url)
        page.set_viewport_size(PHONE)
        page.goto(f"{service.url}/p/deep/runs/{api.complete('deep')}")
        api.close()

        expect(page.locator(".failure pre")).to_contain_text("in f8")
        expect(page.locator(".failure .own", has_text="in f8")).to_be_in_viewport(ratio=1)


def test_an_interrupted_run_shows_its_last_line(open_page: OpenPage, tmp_path: Path) -> None:
    with served(tmp_path, project_toml("cut", {"count": "seq -f 'item %g' 40; sleep 600"})) as service:
        api = Api(service.url)
        run_id = api.start("cut")
        page = open_page(f"/p/cut/runs/{run_id}", url=service.url)
        expect(page.locator(".log-pane")).to_contain_text("item 40")
        service.kill()
        service.start()
        api.close()
        page.set_viewport_size({"width": 1280, "height": 700})
        page.reload()

        lines = page.locator(".failure pre")
        expect(lines).to_contain_text("item 40")
        expect(lines.locator("span", has_text="item 40")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("width", [1440, 390])
def test_a_failed_run_shows_its_exception_first(open_page: OpenPage, api: Api, width: int) -> None:
    page = open_page(f"/p/crash/runs/{api.complete('crash')}")
    page.set_viewport_size({"width": width, "height": 844})

    reason = page.locator(".failure .reason")
    expect(reason).to_have_text("KeyError: 'text'")
    expect(reason).to_be_in_viewport(ratio=1)


def test_the_card_of_a_failed_run_leads_to_the_reason(open_page: OpenPage, api: Api) -> None:
    """The only record with the level `error` is the service's own."""
    run_id = api.complete("flood", params={"lines": "many"})
    seq = next(record["seq"] for record in api.log(run_id) if record["message"].startswith("seq: invalid"))
    page = open_page(f"/p/flood/runs/{run_id}")
    card = page.locator(".failure")
    expect(card.locator(".reason")).to_contain_text("seq: invalid")

    card.get_by_role("button", name=f"Go to line {seq}").click()

    expect(page.locator(f".log-pane [data-seq='{seq}']")).to_have_class(re.compile("current"))


def test_the_reason_and_the_first_error_each_lead_to_their_own_line(open_page: OpenPage, tmp_path: Path) -> None:
    work = "echo 'error: row 12 is odd' >&2; seq 60; echo 'ValueError: no photon' >&2; exit 3"
    with served(tmp_path, project_toml("odd", {"count": work})) as service:
        api = Api(service.url)
        page = open_page(f"/p/odd/runs/{api.complete('odd')}", url=service.url)
        api.close()
        card, current = page.locator(".failure"), page.locator(".log-pane .row.current")

        card.locator(".reason").get_by_role("button").click()
        expect(current).to_contain_text("ValueError: no photon")
        card.get_by_role("button", name="Go to the first error").click()

        expect(current).to_contain_text("row 12 is odd")


def test_a_phone_cuts_nothing_of_the_card(open_page: OpenPage, tmp_path: Path) -> None:
    step = "translate_all_of_the_documents_into_german_and_french"
    work = "seq 60; echo 'OperationalError: the connection to the server db.internal failed' >&2; exit 3"
    with served(tmp_path, project_toml("wide", {step: work})) as service:
        api = Api(service.url)
        page = open_page("/", url=service.url)
        page.set_viewport_size(PHONE)
        page.goto(f"{service.url}/p/wide/runs/{api.complete('wide')}")
        api.close()

        card = page.locator(".failure")
        expect(card.locator("pre")).to_contain_text("OperationalError")
        assert card.evaluate("card => card.scrollWidth <= card.clientWidth")
        assert (
            card.locator("pre").evaluate("pre => pre.clientHeight / parseFloat(getComputedStyle(pre).lineHeight)") == 8
        )


def test_the_error_of_a_failed_run_is_copied_as_text(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("crash")
    page = open_page(f"/p/crash/runs/{run_id}")
    expect(page.locator(".failure pre")).to_contain_text("Traceback")

    page.get_by_role("button", name="Copy error").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()

    heading, reason, blank, first, *_, command, address = pasted(page)
    assert re.fullmatch(rf"crash #{run_id}: parse failed after \S+\ss", heading)
    assert (reason, blank, first) == ("exit code 1: KeyError: 'text'", "", "Traceback (most recent call last):")
    assert command.startswith("Command: ")
    assert command.endswith("work.py crash")
    assert address.startswith(page.url)


def test_the_frames_of_libraries_are_folded(open_page: OpenPage, api: Api) -> None:
    page = open_page(f"/p/crash/runs/{api.complete('crash')}")
    excerpt = page.locator(".failure pre")
    frames = excerpt.get_by_role("button", name="2 frames of site-packages")
    expect(frames).to_have_attribute("aria-expanded", "false")
    expect(excerpt.locator(".own")).to_have_text([re.compile('"main.py"'), re.compile('"work.py"')])
    expect(excerpt).not_to_contain_text("site-packages/a.py")

    frames.click()
    expect(excerpt).to_contain_text("site-packages/a.py")
    assert violations_everywhere(page, [DESKTOP, PHONE]) == {}
    frames.click()

    expect(excerpt).not_to_contain_text("site-packages/a.py")
    page.get_by_role("button", name="Copy error").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert '  File "/venv/site-packages/a.py", line 1, in parse' in pasted(page)


def test_a_failure_that_recurs_says_so(open_page: OpenPage, api: Api) -> None:
    api.complete("flaky", params={"lucky": "1"})
    api.complete("flaky", params={"lucky": "9"})
    page = open_page(f"/p/flaky/runs/{api.complete('flaky', params={'lucky': '9'})}")

    expect(page.locator(".failure .recurrence")).to_have_text(
        re.compile(r"^\d+ of the last \d+ runs failed in the same way|^The last \d+ runs failed in the same way$")
    )
