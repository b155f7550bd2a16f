"""The login of a browser, its session, and the delay of wrong tokens."""

import asyncio
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from solorun.api.login import safe_next
from solorun.auth.sessions import SESSION_SECONDS
from solorun.auth.throttle import MAX_FAILURES
from tests.fakes.application import BEARER, TOKEN, OpenServed

RUNS = "/api/v1/projects/deploy/runs"


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/?a=b", {}, 303),
        ("/somewhere", {"sec-fetch-mode": "navigate"}, 303),
        ("/", {"sec-fetch-mode": "cors"}, 401),
        ("/api/v1/runs", {}, 401),
    ],
)
async def test_a_browser_without_a_session_is_redirected_to_the_login(
    open_served: OpenServed, path: str, headers: dict[str, str], status: int
) -> None:
    async with open_served(token=TOKEN) as served:
        response = await served.client.get(path, headers={"accept": "text/html,*/*", **headers})

    address = urlsplit(response.headers.get("location", "/login?next=" + httpx.URL(path).raw_path.decode()))
    assert response.status_code == status
    assert address.path == "/login"
    assert parse_qs(address.query)["next"] == [path]


async def _log_in(client: httpx.AsyncClient, token: str = TOKEN, **headers: str) -> httpx.Response:
    return await client.post(
        "/login", data={"token": token, "next": "/"}, headers={"sec-fetch-site": "same-origin", **headers}
    )


async def test_a_login_begins_a_session_and_a_logout_ends_it(open_served: OpenServed) -> None:
    async with open_served(token=TOKEN) as served:
        login = await _log_in(served.client)
        during = await served.client.get("/api/v1/runs")
        start = await served.client.post(RUNS, headers={"sec-fetch-site": "same-origin"})
        ((name, cookie),) = served.client.cookies.items()
        logout = await served.client.post("/logout", headers={"sec-fetch-site": "same-origin"})
        afterwards = await served.client.get("/api/v1/runs", headers={"cookie": f"{name}={cookie}"})

    assert (login.status_code, login.headers["location"]) == (303, "/")
    assert (during.status_code, start.status_code, logout.status_code) == (200, 201, 303)
    assert afterwards.status_code == 401
    assert not served.client.cookies


async def test_the_session_cookie_is_hidden_from_scripts_and_other_sites(open_served: OpenServed) -> None:
    async with open_served(token=TOKEN) as served:
        plain = await _log_in(served.client)
    async with open_served(token=TOKEN, public_url="https://localhost/solorun") as served:
        secure = await _log_in(served.client)

    attributes = plain.headers["set-cookie"].split("; ")[1:]
    assert attributes == ["Path=/", f"Max-Age={SESSION_SECONDS}", "HttpOnly", "SameSite=Strict"]
    assert secure.headers["set-cookie"].startswith("__Host-solorun_")
    assert secure.headers["set-cookie"].split("; ")[1:] == [*attributes, "Secure"]


@pytest.mark.parametrize(
    ("headers", "is_secure"),
    [
        ({}, False),
        ({"x-forwarded-proto": "https, http"}, True),
        ({"x-forwarded-proto": "HTTPS"}, True),
        ({"x-forwarded-proto": "http, https"}, False),
        ({"forwarded": "for=192.0.2.1;proto=https"}, True),
        ({"forwarded": 'Proto="https"; for=192.0.2.1, proto=http'}, True),
        ({"forwarded": "for=192.0.2.1, proto=https"}, False),
        ({"forwarded": "for=proto=https"}, False),
        ({"x-forwarded-proto": "http", "forwarded": "proto=https"}, False),
    ],
)
async def test_a_session_cookie_is_secure_if_the_proxy_says_that_the_client_uses_https(
    open_served: OpenServed, headers: dict[str, str], is_secure: bool
) -> None:
    async with open_served(token=TOKEN) as served:
        login = await _log_in(served.client, **headers)
        afterwards = await served.client.get(
            "/api/v1/runs", headers={**headers, "cookie": login.headers["set-cookie"].partition(";")[0]}
        )

    assert login.headers["set-cookie"].endswith("; Secure") is is_secure
    assert afterwards.status_code == 200


async def test_services_under_one_host_name_have_their_own_cookies(tmp_path: Path, open_served: OpenServed) -> None:
    names = set()
    for directory, public_url in [("a", None), ("a", "http://localhost/x"), ("b", None), ("b", "https://localhost/x")]:
        async with open_served(token=TOKEN, data_dir=tmp_path / directory, public_url=public_url) as served:
            await _log_in(served.client)
            names |= {name.removeprefix("__Host-") for name in served.client.cookies}

    assert len(names) == 4


async def test_a_login_ends_the_previous_session(open_served: OpenServed) -> None:
    async with open_served(token=TOKEN) as served:
        await _log_in(served.client)
        ((name, first),) = served.client.cookies.items()
        await _log_in(served.client)
        second = served.client.cookies[name]
        served.client.cookies.clear()
        response = await served.client.get("/api/v1/runs", headers={"cookie": f"{name}={first}"})

    assert first != second
    assert response.status_code == 401


async def test_a_session_without_browser_headers_may_read_but_not_start(open_served: OpenServed) -> None:
    async with open_served(token=TOKEN) as served:
        await _log_in(served.client)

        reading = await served.client.get("/api/v1/runs")
        starting = await served.client.post(RUNS)

    assert (reading.status_code, starting.status_code) == (200, 403)
    assert starting.json()["type"] == "/problems/cross-origin"


async def test_a_wrong_token_shows_the_form_again_or_returns_401_to_programs(open_served: OpenServed) -> None:
    async with open_served(token=TOKEN) as served:
        browser = await _log_in(served.client, "wrong", accept="text/html")
        page = await served.client.get(browser.headers["location"])
        program = await _log_in(served.client, "wrong")

    assert browser.status_code == 303
    assert "Wrong token." in page.text
    assert (program.status_code, program.json()["type"]) == (401, "/problems/unauthorized")
    assert "set-cookie" not in browser.headers


async def test_wrong_tokens_delay_other_wrong_tokens_and_never_the_right_one(
    open_served: OpenServed, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = {"authorization": "Bearer wrong"}
    async with open_served(token=TOKEN, failure_delay_seconds=3600) as served:
        early = [(await served.client.get("/api/v1/runs", headers=wrong)).status_code for _ in range(5)]
        early += [(await _log_in(served.client, "wrong")).status_code for _ in range(MAX_FAILURES - 5)]
        delayed = [
            asyncio.create_task(served.client.get("/metrics", headers=wrong)),
            asyncio.create_task(_log_in(served.client, "wrong")),
        ]
        bearer = await served.client.get("/api/v1/runs", headers=BEARER)
        session = await _log_in(served.client)
        missing = await served.client.get("/metrics", headers={"cookie": ""})
        answered = [task.done() for task in delayed]
        for task in delayed:
            task.cancel()

    assert early == [401] * MAX_FAILURES
    assert (bearer.status_code, session.status_code, missing.status_code) == (200, 303, 401)
    assert answered == [False, False]
    messages = [entry.getMessage() for entry in caplog.records if entry.name == "solorun.auth"]
    assert messages[0] == "GET /api/v1/runs from 127.0.0.1 with a wrong token."
    assert "GET /metrics from 127.0.0.1 without a token." in messages


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b'{"token": "x"}', "application/json", 415),
        (b"&".join([b"a=b"] * 50), "application/x-www-form-urlencoded", 422),
        (b"", "application/x-www-form-urlencoded", 401),
        (b"token=%FF", "application/x-www-form-urlencoded", 401),
    ],
)
async def test_the_login_accepts_only_a_small_form(
    open_served: OpenServed, body: bytes, media_type: str, status: int
) -> None:
    async with open_served(token=TOKEN) as served:
        response = await served.client.post("/login", content=body, headers={"content-type": media_type})

    assert response.status_code == status


async def test_the_login_page_is_a_plain_form_without_scripts(open_served: OpenServed) -> None:
    async with open_served(token=TOKEN) as served:
        page = await served.client.get("/login", params={"next": '/x?a="><script>'})
        style = await served.client.get("/login.css")

    assert (page.status_code, style.status_code) == (200, 200)
    assert "<script" not in page.text
    assert 'name="next" type="hidden" value="/"' in page.text
    assert "form-action 'self'" in page.headers["content-security-policy"]
    # Under no-referrer, browsers would send the form with `Origin: null`.
    assert page.headers["referrer-policy"] == "same-origin"


async def test_the_login_redirects_if_no_token_is_required(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.get("/login?next=/runs/1")

    assert (response.status_code, response.headers["location"]) == (303, "/runs/1")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("/", "/"),
        ("/runs/1?a=b&c=d#e", "/runs/1?a=b&c=d#e"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("/a\\b", "/"),
        ("https://evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
        ("/a b", "/"),
        ("/a\r\nset-cookie: x=y", "/"),
        ("/\t/evil.example", "/"),
        ("/ü", "/"),
    ],
)
def test_a_login_redirects_only_to_paths_of_this_service(address: str, expected: str) -> None:
    assert safe_next(address) == expected


@pytest.mark.parametrize("path", ["/solorun", "/solorun/"])
async def test_the_login_stays_below_the_public_path(open_served: OpenServed, path: str) -> None:
    async with open_served(token=TOKEN, public_url="https://localhost/solorun") as served:
        refused = await served.client.get(path, headers={"accept": "text/html"})
        page = await served.client.get(refused.headers["location"])
        login = await _log_in(served.client)

    assert refused.headers["location"] == "/solorun/login?next=%2F"
    assert 'action="/solorun/login"' in page.text
    assert login.headers["location"] == "/solorun/"
