"""Pinning a run, so that it is never deleted."""

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


def test_a_run_is_pinned_and_marked_in_the_list_of_runs(open_page: OpenPage, api: Api) -> None:
    run_id = api.complete("novel", params={"book": "broken"})
    page = open_page(f"/p/novel/runs/{run_id}")
    button = page.get_by_role("button", name="Pin", exact=True)

    button.click()

    expect(page.get_by_role("button", name="Pinned", pressed=True)).to_be_visible()
    assert api.run(run_id)["pinned"] is True
    row = open_page("/runs").get_by_role("row").filter(has_text=f"#{run_id}")
    expect(row.get_by_text("Pinned")).to_be_attached()

    page.get_by_role("button", name="Pinned").click()
    expect(page.get_by_role("button", name="Pin", exact=True, pressed=False)).to_be_visible()
    assert api.run(run_id)["pinned"] is False
