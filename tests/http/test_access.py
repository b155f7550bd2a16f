"""Authorization: hosts, origins, tokens, sessions, and a public path behind a proxy."""

import asyncio
import itertools
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from solorun.api.login import safe_next
from solorun.auth.sessions import MAX_SESSIONS, SESSION_SECONDS, Sessions
from solorun.auth.throttle import MAX_FAILURES, Throttle
from tests.fakes.application import TOKEN, OpenServed

BEARER = {"authorization": f"Bearer {TOKEN}"}
RUNS = "/api/v1/projects/deploy/runs"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "LOCALHOST:8700", "127.0.0.1", "[::1]", "[::1]:8700", "runs.example.org:99"]
)
async def test_allowed_hosts_are_accepted_with_any_port(open_served: OpenServed, host: str) -> None:
    async with open_served(token=TOKEN, allowed_hosts=("Runs.example.org",)) as served:
        response = await served.client.get("/livez", headers={"host": host})

    assert response.status_code == 200


@pytest.mark.parametrize("host", ["10.1.2.3:8700", "hall.example.org"])
async def test_the_configured_host_and_the_public_host_are_accepted(open_served: OpenServed, host: str) -> None:
    async with open_served(token=TOKEN, host="10.1.2.3", public_url="https://hall.example.org/x") as served:
        response = await served.client.get("/livez", headers={"host": host})

    assert response.status_code == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "0.0.0.0:8700"])
async def test_a_wildcard_address_is_not_an_allowed_host(open_served: OpenServed, host: str) -> None:
    async with open_served(token=TOKEN, host="0.0.0.0") as served:
        response = await served.client.get("/livez", headers={"host": host})

    assert response.status_code == 403


@pytest.mark.parametrize("name", ["host", "authorization", "origin", "sec-fetch-site"])
async def test_a_header_that_decides_about_access_must_not_be_repeated(open_served: OpenServed, name: str) -> None:
    async with open_served(token=TOKEN) as served:
        response = await served.client.get("/api/v1/runs", headers=[(name, "localhost"), (name, "evil.example")])

    assert (response.status_code, response.json()["type"]) == (400, "/problems/repeated-header")
    assert response.json()["detail"] == f"The header {name} must not be repeated."


async def test_other_headers_may_be_repeated(open_served: OpenServed) -> None:
    async with open_served() as served:
        response = await served.client.get("/livez", headers=[("x-a", "1"), ("x-a", "2")])

    assert response.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:8700"},
        {"origin": "https://127.0.0.1:8700"},
        {},
    ],
    ids=str,
)
async def test_requests_from_our_own_pages_or_from_programs_may_start_runs(
    open_served: OpenServed, headers: dict[str, str]
) -> None:
    async with open_served() as served:
        response = await served.client.post(RUNS, headers=headers)

    assert response.status_code == 201


@pytest.mark.parametrize("public_url", ["https://runs.example.org/solorun", "https://runs.example.org:443/solorun"])
async def test_the_public_origin_is_accepted_with_any_host_from_the_proxy(
    open_served: OpenServed, public_url: str
) -> None:
    async with open_served(token=TOKEN, public_url=public_url, headers=BEARER) as served:
        response = await served.client.post(RUNS, headers={"origin": "https://runs.example.org"})

    assert response.status_code == 201


async def test_a_proxied_request_with_a_token_is_accepted(open_served: OpenServed) -> None:
    async with open_served(token=TOKEN, headers=BEARER) as served:
        response = await served.client.get("/api/v1/runs", headers={"x-forwarded-for": "192.0.2.1", "via": "1.1 proxy"})

    assert response.status_code == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_the_right_token_is_accepted_with_any_case_of_the_scheme(open_served: OpenServed, scheme: str) -> None:
    async with open_served(token=TOKEN) as served:
        response = await served.client.get("/metrics", headers={"authorization": f"{scheme} {TOKEN}"})

    assert response.status_code == 200


async def test_an_unauthorized_response_names_the_authentication_scheme(open_served: OpenServed) -> None:
    async with open_served(token=TOKEN) as served:
        response = await served.client.get("/api/v1/runs")

    assert response.headers["www-authenticate"] == 'Bearer realm="Solorun"'


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
    async with open_served(token=TOKEN) as served:
        reported = await _log_in(served.client, **{"x-forwarded-proto": "https, http"})

    attributes = plain.headers["set-cookie"].split("; ")[1:]
    assert attributes == ["Path=/", f"Max-Age={SESSION_SECONDS}", "HttpOnly", "SameSite=Strict"]
    assert secure.headers["set-cookie"].startswith("__Host-solorun_")
    assert secure.headers["set-cookie"].split("; ")[1:] == [*attributes, "Secure"]
    assert reported.headers["set-cookie"].split("; ")[1:] == [*attributes, "Secure"]


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


def test_a_session_expires() -> None:
    now = [0.0]
    sessions = Sessions(clock=lambda: now[0])
    session = sessions.begin()

    before = sessions.is_valid(session)
    now[0] += SESSION_SECONDS
    afterwards = sessions.is_valid(session)

    assert (before, afterwards, len(sessions)) == (True, False, 0)


def test_sessions_are_bounded_and_the_oldest_ends_first() -> None:
    sessions = Sessions()
    first, second, *_ = [sessions.begin() for _ in range(MAX_SESSIONS + 1)]

    assert len(sessions) == MAX_SESSIONS
    assert (sessions.is_valid(first), sessions.is_valid(second)) == (False, True)


def test_the_eleventh_wrong_token_within_a_minute_is_too_many() -> None:
    now = itertools.count(0.0, 5.5)
    throttle = Throttle(clock=lambda: next(now))

    first = [throttle.is_exceeded("10.0.0.1") for _ in range(11)]
    other = throttle.is_exceeded("10.0.0.2")
    list(itertools.islice(now, 10))

    assert first == [False] * 10 + [True]
    assert other is False
    assert throttle.is_exceeded("10.0.0.1") is False


def test_the_throttle_forgets_the_oldest_addresses() -> None:
    throttle = Throttle()
    for address in ["10.0.0.1"] * 11 + [str(number) for number in range(1000)]:
        throttle.is_exceeded(address)

    assert throttle.is_exceeded("10.0.0.1") is False


@pytest.mark.parametrize("prefix", ["", "/solorun"])
async def test_a_proxy_may_strip_or_keep_the_public_path(open_served: OpenServed, prefix: str) -> None:
    settings = {"token": TOKEN, "public_url": "https://localhost/solorun"}
    async with open_served(**settings, headers=BEARER) as served:
        started = await served.client.post(f"{prefix}{RUNS}")
        conflict = await served.client.post(f"{prefix}{RUNS}")
        page = await served.client.get(f"{prefix}/")
        listed = await served.client.get(f"{prefix}/api/v1/runs")

    address = f"/solorun/api/v1/runs/{started.json()['id']}"
    assert started.headers["location"] == address
    assert conflict.json()["links"]["self"] == address
    assert (page.status_code, listed.status_code) == (200, 200)


@pytest.mark.parametrize("prefix", ["", "/solorun"])
async def test_the_document_and_problems_include_the_public_path(open_served: OpenServed, prefix: str) -> None:
    settings = {"token": TOKEN, "public_url": "https://localhost/solorun"}
    async with open_served(**settings, headers=BEARER) as served:
        document = (await served.client.get(f"{prefix}/openapi.json")).json()
        problem = (await served.client.get(f"{prefix}/api/v1/runs/7")).json()
        await served.service.drain()
        unready = (await served.client.get(f"{prefix}/readyz")).json()
    async with open_served() as served:
        at_the_root = (await served.client.get("/openapi.json")).json()

    assert document["servers"] == [{"url": "/solorun"}]
    assert (problem["instance"], unready["instance"]) == ("/solorun/api/v1/runs/7", "/solorun/readyz")
    assert at_the_root["servers"] == [{"url": "/"}]


@pytest.mark.parametrize("path", ["/solorun", "/solorun/"])
async def test_the_login_stays_below_the_public_path(open_served: OpenServed, path: str) -> None:
    async with open_served(token=TOKEN, public_url="https://localhost/solorun") as served:
        refused = await served.client.get(path, headers={"accept": "text/html"})
        page = await served.client.get(refused.headers["location"])
        login = await _log_in(served.client)

    assert refused.headers["location"] == "/solorun/login?next=%2F"
    assert 'action="/solorun/login"' in page.text
    assert login.headers["location"] == "/solorun/"


@pytest.mark.parametrize("path", ["/solorunner/livez", "/livez/", "/livez/x", "//livez", "/LIVEZ", "/livez%0A"])
async def test_paths_that_resemble_public_ones_need_a_token(open_served: OpenServed, path: str) -> None:
    async with open_served(token=TOKEN, public_url="https://localhost/solorun") as served:
        response = await served.client.get(f"http://127.0.0.1:8700{path}")

    assert response.status_code == 401
