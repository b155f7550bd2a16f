"""Authorization: hosts, origins, tokens, and a public path behind a proxy."""

import pytest

from tests.fakes.application import BEARER, TOKEN, OpenServed

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


@pytest.mark.parametrize("path", ["/solorunner/livez", "/livez/", "/livez/x", "//livez", "/LIVEZ", "/livez%0A"])
async def test_paths_that_resemble_public_ones_need_a_token(open_served: OpenServed, path: str) -> None:
    async with open_served(token=TOKEN, public_url="https://localhost/solorun") as served:
        response = await served.client.get(f"http://127.0.0.1:8700{path}")

    assert response.status_code == 401
