"""Every route with every method and every kind of bad request: anything not explicitly allowed is refused."""

import re
from collections.abc import Iterator

import pytest

from solorun.api.routes import OPERATIONS
from solorun.dashboard import Dashboard
from tests.fakes.application import TOKEN, OpenServed

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
SAFE = ("GET", "HEAD", "OPTIONS")
VALUES = {
    "run_id": "1",
    "run": "1",
    "other": "2",
    "project": "deploy",
    "hook": "push",
    "schedule": "deploy.nightly",
    "name": "report.txt",
    "slug": "internal",
    "delivery_id": "1",
    "target": "ops",
    "worker": "red-1",
}
PAGES = Dashboard().endpoints
PUBLIC = {
    ("GET", "/livez"),
    ("HEAD", "/livez"),
    ("GET", "/readyz"),
    ("HEAD", "/readyz"),
    ("GET", "/login"),
    ("HEAD", "/login"),
    ("POST", "/login"),
    ("GET", "/login.css"),
    ("HEAD", "/login.css"),
}
"""The only addresses that may be public. Repeated here, so that a change of the table alone fails."""

SELF_VERIFIED = {("POST", "/hooks/deploy/push")}
"""The only addresses that check neither origin nor token, because what they receive is signed or has its own token."""

ENDLESS = {("GET", "/api/v1/events")}
"""Never requested with a valid token here: there is no socket to close."""


def _fill(template: str) -> str:
    return re.sub(r"\{(\w+)(?::\w+)?\}", lambda match: VALUES[match[1]], template)


def _paths() -> list[str]:
    templates = {operation.path for operation in OPERATIONS} | {page.path for page in PAGES}
    return [*sorted(_fill(template) for template in templates), "/nowhere", "/api/v1/nowhere"]


PATHS = _paths()
ADDRESSES = [(method, path) for path in PATHS for method in METHODS]
PROTECTED = [address for address in ADDRESSES if address not in PUBLIC | SELF_VERIFIED]
GUARDED = [
    (method, path)
    for method, path in ADDRESSES
    if (method not in SAFE or path.startswith("/api/")) and (method, path) not in SELF_VERIFIED
]
"""Never answered to a page of another site."""


def _slug(type_: str) -> str:
    return type_.rpartition("/")[2]


def _refusals() -> Iterator[tuple[str, list[tuple[str, str]], dict[str, str], int, str]]:
    right = {"authorization": f"Bearer {TOKEN}"}
    for host in ("evil.example", "evil.example:8700", "127.0.0.1.evil.example", "localhost@evil.example", "[::2]", ""):
        yield f"host {host!r}", ADDRESSES, {**right, "host": host}, 403, "host-not-allowed"
    for site in ("cross-site", "same-site", "nonsense", ""):
        yield f"from {site!r}", GUARDED, {**right, "sec-fetch-site": site}, 403, "cross-origin"
    for origin in ("https://evil.example", "null", "", "http://127.0.0.1", "file://127.0.0.1:8700"):
        yield f"origin {origin!r}", GUARDED, {**right, "origin": origin}, 403, "cross-origin"
    for what, authorization in {
        "no token": "",
        "bad token": "Bearer wrong",
        "part of the token": f"Bearer {TOKEN[:-1]}",
        "basic": f"Basic {TOKEN}",
        "token without scheme": TOKEN,
        "empty bearer": "Bearer ",
    }.items():
        yield what, PROTECTED, {"authorization": authorization}, 401, "unauthorized"
        yield f"{what} at a hook", sorted(SELF_VERIFIED), {"authorization": authorization}, 401, "delivery-not-verified"
    yield "the token at a hook", sorted(SELF_VERIFIED), right, 401, "delivery-not-verified"
    yield "expired session", PROTECTED, {"cookie": "solorun=of-yesterday"}, 401, "unauthorized"


CASES = list(_refusals())


@pytest.mark.parametrize(
    ("addresses", "headers", "status", "slug"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
async def test_bad_requests_are_refused_on_every_route_with_every_method(
    open_served: OpenServed, addresses: list[tuple[str, str]], headers: dict[str, str], status: int, slug: str
) -> None:
    async with open_served(token=TOKEN) as served:
        responses = {
            address: await served.client.request(address[0], address[1], headers=headers) for address in addresses
        }

    unexpected = {
        address: response.status_code
        for address, response in responses.items()
        if response.status_code != status or (address[0] != "HEAD" and _slug(response.json()["type"]) != slug)
    }
    assert unexpected == {}


async def test_a_proxied_request_needs_a_token_on_every_route(open_served: OpenServed) -> None:
    names = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via", "cf-ray")

    async with open_served() as served:
        responses = [
            await served.client.request(method, path, headers={name: "for=192.0.2.1"})
            for name in names
            for method, path in ADDRESSES
            if (method, path) not in SELF_VERIFIED
        ]

    assert {response.status_code for response in responses} == {403}
    assert {_slug(response.json()["type"]) for response in responses if response.content} == {"token-required"}


async def test_a_body_that_is_too_large_is_refused_on_every_route(open_served: OpenServed) -> None:
    async with open_served() as served:
        responses = [
            await served.client.request(method, path, headers={"content-length": str(1024 * 1024 + 1)})
            for method, path in ADDRESSES
        ]

    assert {response.status_code for response in responses} == {413}


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_body_that_is_not_json_is_refused_by_every_operation_with_a_body(
    open_served: OpenServed, media_type: str
) -> None:
    paths = [_fill(operation.path) for operation in OPERATIONS if operation.body is not None]

    async with open_served() as served:
        responses = [
            await served.client.post(path, content=b"{}", headers={"content-type": media_type}) for path in paths
        ]

    assert len(responses) >= 2
    assert {(response.status_code, _slug(response.json()["type"])) for response in responses} == {
        (415, "unsupported-media-type")
    }


async def test_unknown_methods_get_405_with_the_allowed_methods(open_served: OpenServed) -> None:
    """An unknown method gets a 405 with the allowed ones."""
    known = {(operation.method, _fill(operation.path)) for operation in OPERATIONS}
    known |= {("HEAD", path) for method, path in known if method == "GET"}
    known |= {(method, _fill(page.path)) for page in PAGES for method in ("GET", "HEAD")}
    unknown = [address for address in ADDRESSES if address not in known and "nowhere" not in address[1]]

    async with open_served(token=TOKEN, headers={"authorization": f"Bearer {TOKEN}"}) as served:
        responses = [await served.client.request(method, path) for method, path in unknown]

    assert {response.status_code for response in responses} == {405}
    assert all(response.headers["allow"] for response in responses)


async def test_the_application_has_the_endpoints_of_the_table_and_the_dashboard(open_served: OpenServed) -> None:
    async with open_served() as served:
        addresses = [(endpoint.method, endpoint.path) for endpoint in served.app.endpoints]

    expected = [(operation.method, operation.path) for operation in OPERATIONS]
    assert addresses == expected + [(page.method, page.path) for page in PAGES]
    assert len(set(addresses)) == len(addresses)


async def test_every_response_has_the_security_headers(open_served: OpenServed) -> None:
    addresses = [address for address in ADDRESSES if address not in ENDLESS]

    async with open_served() as served:
        responses = [await served.client.request(method, path) for method, path in addresses]

    names = {
        "content-security-policy",
        "x-content-type-options",
        "x-frame-options",
        "referrer-policy",
        "cache-control",
        "cross-origin-opener-policy",
        "cross-origin-resource-policy",
    }
    assert [response.url.path for response in responses if not names <= set(response.headers)] == []
