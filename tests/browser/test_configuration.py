"""What the dashboard says while solorun.toml is invalid."""

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.fakes.project_toml import project_toml
from tests.fakes.running_service import served


def test_a_start_with_an_earlier_configuration_says_so(open_page: OpenPage, tmp_path: Path) -> None:
    valid = project_toml("novel", {"fetch": "echo fetched"})
    with served(tmp_path, valid) as service:
        page = open_page("/p/novel", url=service.url)
        expect(page.get_by_role("button", name="Start run")).to_be_enabled()
        expect(page.get_by_text("solorun.toml has errors")).to_have_count(0)
        (tmp_path / "solorun.toml").write_text(valid + "[projects.other]\nstepz = 1\n")

        page.get_by_role("button", name="Start run").click()

        notice = page.locator(".notice.bad")
        expect(notice).to_contain_text("solorun.toml had errors, so this run uses its last valid version.")
        expect(notice).to_contain_text("stepz")
        for path, sentence in (("/", "Runs use"), ("/p/novel", "A run uses")):
            page.goto(service.url + path)
            expect(notice).to_contain_text(re.compile(f"solorun.toml has errors. {sentence} its last valid version."))
            expect(notice).to_contain_text("stepz")
