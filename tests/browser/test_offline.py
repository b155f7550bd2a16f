"""What keys and buttons that need the service do while it is unreachable: they say that they wait for it."""

import json
import re
import urllib.request
from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import ServedService, served

REASON = "Waits for the connection to the service"
NOTIFYING = project_toml("etl", {"load": "exit 3"}, notify=["ops"]) + '[notify.ops]\napprise = "$OPS_URL"\n'


def _press_in_vain(page: Page, key: str) -> None:
    page.keyboard.press(key)
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text(
        re.compile(rf"{key} waits for the connection to the service\.")
    )
    expect(page.get_by_role("dialog")).to_have_count(0)


def test_a_key_that_waits_for_the_service_says_so(open_page: OpenPage, api: Api, service: ServedService) -> None:
    ended, active = api.complete("novel"), api.start("ticker")
    ended_page, page = open_page(f"/p/novel/runs/{ended}"), open_page(f"/p/ticker/runs/{active}")
    expect(page.get_by_role("main").get_by_role("button", name="Cancel")).to_be_enabled()
    expect(ended_page.get_by_role("button", name="Run again…")).to_be_enabled()

    service.kill()
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("No connection")
    expect(page.get_by_role("main").get_by_role("alert")).not_to_contain_text("waits for")
    _press_in_vain(page, "x")
    _press_in_vain(page, "s")
    page.keyboard.press("r")  # Does nothing on the page of an active run.
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text("s waits")
    expect(ended_page.get_by_role("main").get_by_role("alert")).to_contain_text("No connection")
    _press_in_vain(ended_page, "r")
    service.start()

    expect(page.get_by_role("main").get_by_role("alert")).to_have_count(0)


def test_buttons_that_send_notifications_wait_for_the_service(open_page: OpenPage, tmp_path: Path) -> None:
    with served(tmp_path, NOTIFYING) as service:
        start = urllib.request.Request(
            f"{service.api}/projects/etl/runs", json.dumps({}).encode(), {"content-type": "application/json"}
        )
        urllib.request.urlopen(start).close()
        page = open_page("/notifications", url=service.url)
        buttons = page.get_by_role("main").get_by_role("button", name=re.compile("^Send "))
        expect(buttons).to_have_text([re.compile("^Send a test"), re.compile("^Send now")])
        expect(buttons.first).to_be_enabled()

        service.kill()
        for button in (buttons.first, buttons.last):
            expect(button).to_be_disabled()
            expect(button).to_have_attribute("title", REASON)
        service.start()

        expect(buttons.first).to_be_enabled()


def test_the_session_is_not_left_while_the_service_is_unreachable(
    open_page: OpenPage, context: BrowserContext, tmp_path: Path
) -> None:
    with served(tmp_path, NOTIFYING, SOLORUN_TOKEN="correct-horse-battery") as service:
        page = open_page("/", url=service.url)
        page.get_by_label("Token").fill("correct-horse-battery")
        page.get_by_role("button", name="Log in").click()
        expect(page.get_by_role("article").first).to_be_visible()
        page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Help and settings")
        log_out = dialog.get_by_role("button", name="Log out")
        expect(log_out).to_be_enabled()
        # The page does not know yet that the service is unreachable.
        page.route("**/logout", lambda route: route.abort())

        log_out.click()
        expect(dialog.get_by_role("alert")).to_have_text("The service is not responding.")
        service.kill()
        expect(log_out).to_be_disabled()
        expect(log_out).to_have_attribute("title", REASON)
        expect(dialog.get_by_role("status")).to_have_text(REASON)
        page.unroute("**/logout")
        service.start()
        expect(log_out).to_be_enabled()
        log_out.click()

        page.wait_for_url(f"{service.url}/login")
