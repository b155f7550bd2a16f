"""Starts that find their project or a resource taken: what the dialog offers, and what each choice does."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import OpenPage
from tests.browser.projects import Api


def _start_in_form(page: Page, params: dict[str, str], *, is_busy: bool = True) -> Locator:
    """Fill in the project page's form, and start only if that is possible. Returns the choices of the refusal."""
    for name, value in params.items():
        page.get_by_label(name).fill(value)
    if is_busy:
        page.get_by_label("Don’t start").check()
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

    choices = _start_in_form(page, params)

    expect(choices.get_by_role("alert")).to_have_text(f"Project paced-offer has an active run: {run_id}.")
    expect(choices.get_by_role("listitem")).to_have_text(
        [
            f"Join run #{run_id} Opens run #{run_id}, which does the same work.",
            "Queue Waits in the queue as number 1.",
            f"Replace run #{run_id} Cancels run #{run_id} and begins when that run has stopped.",
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

    choices = _start_in_form(page, params, is_busy=False)

    expect(choices.get_by_role("alert")).to_contain_text(f"gpu is held by run {holder} of train-early")
    expect(choices.get_by_role("button")).to_have_text(["Queue"])
    choices.get_by_role("button", name="Queue").click()
    assert _opened_run(page, api)["waits_for"] == ["gpu"]


def test_a_project_that_queues_says_so_before_the_start(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    api.complete("line-plain", params={**params, "shares": ""})
    page = open_page("/p/line-plain")
    says = page.get_by_text("If the project or a resource is busy, the run waits in the queue.")
    expect(says).to_be_visible()
    api.start("line-plain", params=params)

    expect(says).to_have_count(0)
    page.get_by_role("button", name="Queue run").click()

    assert _opened_run(page, api)["status"] == "queued"


def test_a_busy_project_offers_its_choices_before_the_start(
    open_page: OpenPage, api: Api, params: dict[str, str]
) -> None:
    run_id = api.start("paced-before", params=params)
    page = open_page("/p/paced-before")
    policies = page.get_by_role("group", name="While the project is busy")
    expect(policies.locator("label")).to_have_text(
        [re.compile("Queue, as number 1(, begins at about .*)?$"), f"Cancel #{run_id} and start", "Don’t start"]
    )
    expect(page.get_by_text("Same scope, different parameters: gates, shares.")).to_be_visible()

    page.get_by_role("button", name=f"Values from #{run_id}").click()
    expect(page.get_by_text("Same scope and parameters.")).to_be_visible()
    policies.get_by_label("Join").check()
    expect(page.get_by_role("button", name=f"Join run #{run_id}")).to_be_enabled()
    page.get_by_role("button", name="Values from the defaults").click()
    expect(policies.get_by_label("Queue")).to_be_checked()
    page.get_by_role("button", name="Queue run").click()

    assert _opened_run(page, api)["status"] == "queued"


def test_an_active_run_is_replaced_without_a_refusal(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    run_id = api.start("paced-swap", params=params)
    page = open_page("/p/paced-swap")

    page.get_by_label(f"Cancel #{run_id} and start").check()
    page.get_by_role("button", name=f"Replace run #{run_id}").click()

    assert _opened_run(page, api)["replaces"] == run_id


def test_a_refusal_keeps_what_was_entered(open_page: OpenPage, api: Api, params: dict[str, str]) -> None:
    api.start("paced-kept", params=params)
    page = open_page("/p/paced-kept")

    choices = _start_in_form(page, {"gates": "elsewhere", "shares": "7"})

    expect(choices).to_be_visible()
    expect(page.get_by_label("gates")).to_have_value("elsewhere")
    expect(page.get_by_label("shares")).to_have_value("7")


def test_the_button_of_the_dialog_turns_back_when_the_project_is_free(
    open_page: OpenPage, api: Api, params: dict[str, str]
) -> None:
    api.start("paced-back", params=params)
    page = open_page("/p/paced-back")
    expect(page.get_by_text("The project is busy.")).to_be_visible()
    page.locator("body").press("s")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Don’t start").check()
    dialog.get_by_role("button", name="Start run").click()
    expect(dialog.get_by_role("region", name="Choices")).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()
    page.locator("body").press("s")
    expect(dialog.get_by_role("button", name="Queue run")).to_be_enabled()

    (Path(params["gates"]) / "40").touch()

    expect(dialog.get_by_role("button", name="Start run")).to_be_enabled()
    expect(dialog.get_by_role("status").first).to_have_text("The project is free: a run can start.")
    expect(dialog.get_by_role("group")).to_have_count(0)


@pytest.mark.parametrize("label", ["Project", "gates"])
def test_two_keys_send_the_dialog_from_any_field(
    open_page: OpenPage, api: Api, params: dict[str, str], label: str
) -> None:
    first = api.complete("paced-sent", params={**params, "shares": ""})
    page = open_page("/p/paced-sent")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.locator("body").press("s")
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("gates").fill(params["gates"])

    dialog.get_by_label(label, exact=True).press("ControlOrMeta+Enter")

    run = _opened_run(page, api)
    assert (run["id"], run["params"]) == (first + 1, {"gates": params["gates"]})
