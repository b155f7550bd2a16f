"""The hooks on the page of a project, with their last deliveries."""

import re
from pathlib import Path

import httpx
from playwright.sync_api import expect

from tests.browser.axe import DESKTOP, PHONE, violations_everywhere
from tests.browser.conftest import OpenPage
from tests.fakes.patience import PATIENCE_SECONDS
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import served

TOKEN = "correct-horse-of-the-hook"
TOML = project_toml(
    "site",
    {"build": "true"},
    hooks={"push": {"secret": "$HOOK", "verify": "token"}, "tag": {"secret": "$HOOK", "verify": "token"}},
)


def test_a_project_shows_its_hooks_and_the_run_of_the_last_delivery(open_page: OpenPage, tmp_path: Path) -> None:
    with served(tmp_path, TOML, HOOK=TOKEN) as service:
        page = open_page("/p/site", url=service.url)
        hooks = page.get_by_role("region", name="Hooks").get_by_role("listitem")
        expect(hooks).to_have_text(
            [re.compile(rf"^POST /hooks/site/{name} .*No delivery yet$") for name in ("push", "tag")]
        )

        headers = {"x-gitlab-token": TOKEN, "x-gitlab-event": "Push Hook"}
        delivered = httpx.post(
            f"{service.url}/hooks/site/push", headers=headers, trust_env=False, timeout=PATIENCE_SECONDS
        )

        run_id = delivered.json()["run_id"]
        expect(hooks.first).to_contain_text(f"Last delivery started: run #{run_id}, event Push Hook")
        assert violations_everywhere(page, [DESKTOP, PHONE]) == {}
        hooks.first.get_by_role("link").click()
        expect(page.get_by_role("heading", name=f"site #{run_id}")).to_be_visible()
        assert TOKEN not in page.content()
