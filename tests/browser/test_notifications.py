"""The page of the notifications: targets, deliveries, and what became of each."""

import json
import re
import urllib.request
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import served

TOML = project_toml("etl", {"load": "exit 3"}, notify=["ops"]) + '[notify.ops]\napprise = "$OPS_URL"\n'


def test_the_page_shows_what_became_of_each_notification_and_sends_it_again(
    open_page: OpenPage, tmp_path: Path
) -> None:
    with served(tmp_path, TOML) as service:
        page = open_page("/", url=service.url)
        page.get_by_role("navigation", name="Main").get_by_role("link", name="Notifications").click()
        target = page.get_by_role("region", name="Targets").get_by_role("row").nth(1)
        expect(target).to_have_text(re.compile(r"^ops apprise\s*failed, interrupted,.*etl.*OPS_URL not set"))
        expect(page.get_by_role("main")).to_contain_text("No deliveries.")

        urllib.request.urlopen(
            urllib.request.Request(
                f"{service.api}/projects/etl/runs", json.dumps({}).encode(), {"content-type": "application/json"}
            )
        ).close()
        delivery = page.get_by_role("region", name="Deliveries").get_by_role("row").nth(1)
        expect(delivery).to_have_text(re.compile(r"^failed\s+etl #1.*next attempt in.*the variable OPS_URL is not set"))
        delivery.get_by_role("button", name="Send now").click()
        expect(delivery).to_contain_text("2 attempts")
        target.get_by_role("button", name="Send a test to ops").click()
        expect(delivery).to_have_text(re.compile(r"^test\s+ops"))

        page.get_by_role("link", name="etl #1").click()
        expect(page.get_by_role("heading", name="etl #1")).to_be_visible()
        page.get_by_role("tab", name="Events").click()
        of_run = page.get_by_role("region", name="Notifications").get_by_role("row")
        expect(of_run).to_have_count(2)
        expect(of_run.nth(1)).to_contain_text("the variable OPS_URL is not set")
        of_run.nth(1).get_by_role("button", name="Send now").click()
        expect(of_run.nth(1)).to_contain_text("3 attempts")
        page.goto(f"{service.url}/p/etl")
        page.get_by_role("main").get_by_role("link", name="ops").click()
        expect(page.get_by_role("combobox", name="Target")).to_have_value("ops")


def test_without_targets_the_page_says_how_to_declare_one(open_page: OpenPage, tmp_path: Path) -> None:
    with served(tmp_path, project_toml("plain", {"work": "true"})) as service:
        page = open_page("/notifications", url=service.url)

        expect(page.get_by_role("main")).to_contain_text("No notification targets. Declare one in solorun.toml")
