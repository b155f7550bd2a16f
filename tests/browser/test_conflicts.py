"""Starts that find their project or a resource taken: what the dialog offers, and what each choice does."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


def _start_in_form(page: Page, params: dict[str, str]) -> Locator:
    """Fill in the project page's form, and start. Returns the choices of the refusal."""
    for name, value in params.items():
        page.get_by_label(name).fill(value)
    page.get_by_role("button", name="Start run").click()
    return page.get_by_role("region", name="Choices")


def _opened_run(page: Page, api: Api) -> Any:
    """The run whose page has opened."""
    expect(page.get_by_role("heading", name=re.compile(r" #\d+$"), level=1)).to_be_visible()
    return api.run(int(page.url.rpartition("/")[2]))


def test_a_refused_start_offers_what_is_possible(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    run_id = api.start("paced-offer", params=params)
    page = open_page("/p/paced-offer")
    expect(page.get_by_text("The project is busy.")).to_be_visible()
    expect(page.get_by_role("button", name="Queue")).to_have_count(0)

    choices = _start_in_form(page, params)

    expect(choices.get_by_role("alert")).to_have_text(f"Project paced-offer has an active run: {run_id}.")
    expect(choices.get_by_role("listitem")).to_have_text(
        [
            f"Join run #{run_id} Opens run #{run_id}, which does the same work.",
            "Queue Waits as number 1 in the queue.",
            f"Replace run #{run_id} Cancels run #{run_id}, and begins when it has stopped.",
        ]
    )
    (Path(params["gates"]) / "40").touch()
    expect(choices).to_have_count(0)


def test_a_choice_that_is_not_possible_says_why(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    run_id = api.start("paced-differ", params=params)
    page = open_page("/p/paced-differ")

    choices = _start_in_form(page, {"shares": "41"})

    expect(choices).to_contain_text(f"Joining run #{run_id} is not possible: its parameters differ.")
    expect(choices.get_by_role("button")).to_have_text(["Queue", f"Replace run #{run_id}"])


def test_a_refused_start_can_wait_in_the_queue(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    api.start("paced-wait", params=params)
    page = open_page("/p/paced-wait")

    _start_in_form(page, params).get_by_role("button", name="Queue").click()

    queued = _opened_run(page, api)
    expect(page.locator("header .badge")).to_have_text("queued")
    assert (queued["status"], queued["queue_position"], queued["triggered_by"]) == ("queued", 1, "dashboard")


def test_a_refused_start_can_join_the_active_run(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    run_id = api.start("paced-join", params=params)
    page = open_page("/p/paced-join")

    _start_in_form(page, params).get_by_role("button", name="Join").click()

    assert _opened_run(page, api)["id"] == run_id
    assert len(api.runs("paced-join")) == 1


def test_a_refused_start_can_replace_the_active_run(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    run_id = api.start("paced-replace", params=params)
    page = open_page("/p/paced-replace")

    _start_in_form(page, {**params, "shares": "1"}).get_by_role("button", name="Replace").click()

    replacement = _opened_run(page, api)
    assert replacement["replaces"] == run_id
    assert api.run(run_id)["cancel_reason"] == f"replaced by run {replacement['id']}"


def test_a_start_that_lacks_a_resource_can_wait(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    api.complete("train-late", params={**params, "shares": ""})
    holder = api.start("train-early", params=params)
    page = open_page("/p/train-late")

    choices = _start_in_form(page, params)

    expect(choices.get_by_role("alert")).to_contain_text(f"gpu is held by run {holder} of train-early")
    expect(choices.get_by_role("button")).to_have_text(["Queue"])
    choices.get_by_role("button", name="Queue").click()
    assert _opened_run(page, api)["waits_for"] == ["gpu"]


def test_a_project_that_queues_says_so_before_the_start(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    api.start("line-plain", params=params)
    page = open_page("/p/line-plain")
    expect(page.get_by_text("If the project or a resource is busy, the run waits in the queue.")).to_be_visible()

    choices = _start_in_form(page, params)

    assert _opened_run(page, api)["status"] == "queued"
    expect(choices).to_have_count(0)
