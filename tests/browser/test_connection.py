"""The shared event stream: its loss, its return, and what pages show meanwhile."""

import re
import signal
from pathlib import Path
from urllib.parse import unquote

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import NewContext, OpenPage
from tests.browser.projects import Api
from tests.fakes.running_service import ServedService

GREY = "#8c959f"


def icon_colours(page: Page) -> set[str]:
    icon = page.locator("link[rel=icon]").get_attribute("href") or ""
    return set(re.findall(r'stroke="(#\w+)"', unquote(icon)))


def test_a_restart_of_the_service_is_shown_and_then_the_new_state(
    open_page: OpenPage, api: Api, service: ServedService
) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    connection = page.locator(".sidebar .connection")
    expect(connection).to_have_text("Connected")
    expect(page.locator(".log-pane")).to_contain_text(re.compile(r"tick \d"))

    service.signal(signal.SIGTERM)
    service.wait()
    expect(connection).to_contain_text(re.compile("Reconnecting|Offline"))
    expect(connection.get_by_role("button", name="Retry now")).to_be_visible()
    expect(page.get_by_role("heading", name=f"#{run_id}")).to_be_visible()
    expect(page.locator(".log-pane")).to_contain_text("tick")

    service.start()
    # In one step: the page may reconnect by itself at any moment, and the button is gone then.
    connection.evaluate("element => element.querySelector('button')?.click()")
    expect(connection).to_have_text("Connected")
    expect(page.locator("header .badge")).to_have_text("interrupted")
    assert api.run(run_id)["status"] == "interrupted"


def test_the_overview_recovers_from_a_crash_of_the_service(
    open_page: OpenPage, api: Api, service: ServedService
) -> None:
    run_id = api.start("ticker")
    page = open_page("/")
    card = page.get_by_role("article", name="ticker")
    expect(card.locator(".badge")).to_have_text("running")

    service.kill()
    expect(page.locator(".sidebar .connection")).to_contain_text(re.compile("Reconnecting|Offline"))
    service.start()

    expect(card.locator(".badge")).to_have_text("interrupted")
    expect(card).to_contain_text(f"#{run_id}")


def test_seven_tabs_stay_live_on_one_stream(open_page: OpenPage, context: BrowserContext, api: Api) -> None:
    streams: list[str] = []
    context.on("request", lambda request: streams.append(request.url) if "/api/v1/events" in request.url else None)
    # A browser opens at most six connections to a server.
    pages = [open_page("/") for _ in range(7)]
    expect(pages[-1].locator(".sidebar .connection")).to_have_text("Connected")

    api.start("ticker")

    statuses = [page.get_by_role("article", name="ticker").locator(".badge.running") for page in pages]
    api.wait_until(lambda: all(status.is_visible() for status in statuses))
    assert len(streams) == 1


def _show(page: Page, *, hidden: bool) -> None:
    """Simulate switching tabs, which a headless browser never does."""
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
          document.dispatchEvent(new Event('visibilitychange'));
        }""",
        hidden,
    )


def test_a_hidden_tab_closes_its_stream_and_catches_up_when_shown(open_page: OpenPage, api: Api) -> None:
    page = open_page("/")
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")

    with page.expect_event("requestfailed", lambda request: request.url.endswith("/api/v1/events")):
        _show(page, hidden=True)
    run_id = api.start("ticker")
    with page.expect_request("**/api/v1/events"):
        _show(page, hidden=False)

    card = page.get_by_role("article", name="ticker")
    expect(card.get_by_role("link", name=f"#{run_id}", exact=True)).to_be_visible()
    expect(card.locator(".badge")).to_have_text("running")


def test_another_tab_takes_over_when_the_first_is_closed(open_page: OpenPage, api: Api) -> None:
    first, second = open_page("/"), open_page("/")
    expect(second.locator(".sidebar .connection")).to_have_text("Connected")

    first.close()
    run_id = api.start("ticker")

    expect(second.get_by_role("article", name="ticker")).to_contain_text(f"#{run_id}")
    expect(second.get_by_role("article", name="ticker").locator(".badge")).to_have_text("running")


def test_two_tabs_follow_two_logs_on_one_stream(open_page: OpenPage, api: Api) -> None:
    ticker, unkillable = api.start("ticker"), api.start("unkillable")

    first = open_page(f"/p/ticker/runs/{ticker}")
    second = open_page(f"/p/unkillable/runs/{unkillable}")

    expect(first.locator(".log-pane")).to_contain_text(re.compile(r"tick \d\d"))
    expect(second.locator(".log-pane")).to_contain_text("deaf")
    stood_at = _last_seq(first)
    api.wait_until(lambda: _last_seq(first) > stood_at + 50)


def _last_seq(page: Page) -> int:
    return int(page.locator(".log-pane .row[data-seq]").last.get_attribute("data-seq") or 0)


def test_without_web_locks_a_tab_has_its_own_stream(open_page: OpenPage, new_context: NewContext, api: Api) -> None:
    plain = new_context()
    plain.add_init_script("Object.defineProperty(navigator, 'locks', {value: undefined})")
    page = open_page("/", within=plain)

    run_id = api.start("ticker")

    expect(page.get_by_role("article", name="ticker")).to_contain_text(f"#{run_id}")


def test_durations_stop_while_the_service_is_unreachable(open_page: OpenPage, api: Api, service: ServedService) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    service.kill()
    expect(page.locator(".sidebar .connection")).to_contain_text(re.compile("Reconnecting|Offline"))
    shown = page.locator(".facts").inner_text()

    page.wait_for_function("since => performance.now() > since + 2200", arg=page.evaluate("performance.now()"))

    assert page.locator(".facts").inner_text() == shown
    service.start()


def test_a_page_shows_that_its_state_is_old_while_the_service_is_unreachable(
    open_page: OpenPage, api: Api, service: ServedService
) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    badge = page.locator("header .badge")
    cancel = page.get_by_role("main").get_by_role("button", name="Cancel")
    expect(page.locator(".sidebar .connection")).to_have_text("Connected")
    expect(cancel).to_be_enabled()  # The rights of the user have been loaded.
    icon = page.locator("link[rel=icon]").get_attribute("href") or ""

    service.kill()
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text(
        re.compile(r"No connection since \d\d:\d\d:\d\d\. This page shows the state at that time\.")
    )
    expect(badge).to_have_text("was running")
    expect(page.get_by_role("main")).not_to_contain_text(re.compile(r"(?<!was )running"))
    expect(page.get_by_role("button", name="tick , was running")).to_be_visible()
    expect(cancel).to_be_disabled()
    expect(cancel).to_have_attribute("title", "Waits for the connection to the service")
    expect(page.get_by_role("main").get_by_role("alert")).to_contain_text(re.compile(r"Trying again( in \d+ s|…)"))
    expect(page).to_have_title(re.compile(rf"^as of \d\d:\d\d · ticker #{run_id}$"))
    expect(page.locator("link[rel=icon]")).not_to_have_attribute("href", icon)
    service.start()

    expect(badge).to_have_text("interrupted")
    expect(page.get_by_role("main").get_by_role("alert")).to_have_count(0)
    page.get_by_role("button", name="Show why tick was interrupted").click()
    # The end of the step is unknown: the time until the service was back is no duration.
    duration = r"[\d.]+\s(s|min)( \d+\ss)?"
    expect(page.locator(".failure h2")).to_have_text("tick interrupted")
    expect(page.locator(".failure .gap")).to_have_text(
        re.compile(
            rf"^\s*The last output came after {duration}, and the service noticed the end after {duration}\.\s*$"
        )
    )
    expect(page.locator(".failure")).to_contain_text("stopped while the run was active; its processes have ended, and")
    expect(page.locator(".failure")).not_to_contain_text("failed")
    expect(page.locator(".gantt .row .took")).to_have_text("—")
    worked, unknown = (page.locator(f".gantt .bar{which}").bounding_box() for which in (":not(.unknown)", ".unknown"))
    assert worked is not None
    assert unknown is not None
    assert abs(worked["x"] + worked["width"] - unknown["x"]) < 1


def test_the_end_of_a_step_is_known_after_a_shutdown(open_page: OpenPage, api: Api, service: ServedService) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    expect(page.locator(".log-pane")).to_contain_text(re.compile(r"tick \d"))

    service.stop()
    service.start()

    page.get_by_role("button", name="Show why tick was interrupted").click()
    expect(page.locator(".failure h2")).to_have_text("The service was shut down")
    expect(page.locator(".failure .reason")).to_have_text(re.compile(r"^tick interrupted after [\d.]+\s(s|min)"))
    expect(page.locator(".gantt .row .took")).to_have_text(re.compile(r"^[\d.]+\s(s|min)"))
    expect(page.locator(".gantt .bar.unknown")).to_have_count(0)


def test_cards_show_that_their_state_is_old_while_the_service_is_unreachable(
    open_page: OpenPage, api: Api, service: ServedService
) -> None:
    api.start("ticker")
    page = open_page("/")
    page.get_by_role("button", name="Cards").click()
    card = page.get_by_role("article", name="ticker")
    expect(card.locator(".badge")).to_have_text("running")
    assert icon_colours(page) != {GREY}

    service.kill()
    expect(card.locator(".badge")).to_have_text("was running")
    expect(card.locator("a.state")).to_have_accessible_name(re.compile("was running"))
    expect(card.get_by_role("img", name="tick was running")).to_be_visible()
    expect(card.locator(".bars a.running")).to_have_attribute("title", re.compile("was running"))
    assert icon_colours(page) == {GREY}
    expect(card.get_by_role("button")).to_be_disabled()
    start = page.get_by_role("button", name="Start run…")
    expect(page.get_by_role("article", name="novel").get_by_role("button", name="Start")).to_be_disabled()
    expect(start).to_be_disabled()
    expect(start).to_have_attribute("title", "Waits for the connection to the service")
    page.keyboard.press("s")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".counts")).to_contain_text("1 was running")
    service.start()

    expect(page.get_by_role("article", name="novel").get_by_role("button", name="Start")).to_be_enabled()


def test_the_palette_and_open_dialogs_say_what_they_wait_for(
    open_page: OpenPage, api: Api, service: ServedService
) -> None:
    run_id = api.start("ticker")
    page = open_page(f"/p/ticker/runs/{run_id}")
    expect(page.get_by_role("main").get_by_role("button", name="Cancel")).to_be_enabled()
    page.keyboard.press("x")
    dialog = page.get_by_role("dialog", name=f"Cancel run {run_id}")
    expect(dialog).to_be_visible()
    reason = "Waits for the connection to the service"

    service.kill()
    expect(dialog.get_by_role("status")).to_have_text(reason)
    expect(dialog.get_by_role("button", name="Cancel run")).to_be_disabled()
    expect(dialog.get_by_role("button", name="Cancel run")).to_have_attribute("title", reason)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_label("Search commands").fill("start novel")
    option = page.get_by_role("option", name=f"Start novel {reason}")
    expect(option).to_be_disabled()
    page.keyboard.press("Enter")
    expect(option).to_be_visible()
    service.start()

    expect(page.get_by_role("option", name="Start novel", exact=True)).to_be_enabled()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Start a run").get_by_role("status")).to_have_text(["", ""])


def test_a_page_that_fails_to_load_offers_a_retry(open_page: OpenPage) -> None:
    page = open_page("/nowhere")
    page.route("**/assets/RunsPage-*.js", lambda route: route.abort())
    page.get_by_role("link", name="All runs").first.click()
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")

    page.unroute("**/assets/RunsPage-*.js")
    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("heading", name="All runs")).to_be_visible()


def test_a_page_whose_stream_is_delayed_polls(open_page: OpenPage, api: Api, tmp_path: Path) -> None:
    run_id = api.start("paced-held", params={"gates": str(tmp_path), "shares": "40"})
    page = open_page("/nowhere")
    page.clock.install()
    # As a proxy that waits for the end of the response.
    page.route("**/api/v1/events*", lambda route: None)
    page.goto(page.url.replace("/nowhere", f"/p/paced-held/runs/{run_id}"), wait_until="domcontentloaded")
    expect(page.locator("header .badge")).to_have_text("running")
    page.clock.fast_forward("00:10")
    expect(page.locator(".sidebar .connection")).to_contain_text("Updates delayed · data as of")
    expect(page.locator(".log .status")).to_contain_text("Delayed, as of")

    (tmp_path / "40").touch()
    api.wait_until(lambda: api.run(run_id)["status"] == "completed")
    page.clock.fast_forward("00:10")

    expect(page.locator("header .badge")).to_have_text("completed")
    expect(page.locator(".log-pane")).to_contain_text("work completed")
