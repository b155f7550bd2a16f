"""The HTTP under the client: one pool of connections to one service, and its failures as errors of ours.

It knows addresses, the token and time limits, but no endpoint; `run_client.py` and `follow.py` send through it.
"""

import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any, Final

import httpx

from solorun.client.problems import error_of
from solorun.errors import ConfigurationInvalid, FieldError, ServiceUnreachable

API_PATH: Final = "/api/v1"
CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 30.0
"""How long a request waits for its answer. A start may wait 5 s for the database."""
SILENT_STREAM_SECONDS: Final = 45.0
"""The service says something at least every 15 s: a stream that is silent for three times that is dead."""

Query = Mapping[str, str | int | Sequence[str] | None]

# No limit of connections: each follow keeps one, and a limit would make the next request wait for the end of a run.
# Idle ones are given up before the service does so, which would look like a lost answer.
_LIMITS: Final = httpx.Limits(max_connections=None, max_keepalive_connections=20, keepalive_expiry=2.0)


class Connection:
    """Sends requests below `url`. Safe to use from many tasks at once."""

    def __init__(self, url: str, token: str | None, transport: httpx.AsyncBaseTransport | None) -> None:
        self.url = url.rstrip("/")
        parts = _parse(self.url)
        self._http = httpx.AsyncClient(
            base_url=self.url + API_PATH,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            limits=_LIMITS,
            # A proxy of the environment is meant for the world outside: it cannot reach this machine's loopback.
            trust_env=not _is_loopback(parts.host),
            # Reading the certificates of the world takes longer than most requests; only https needs them.
            verify=parts.scheme == "https",
            transport=transport,
        )

    async def request(self, method: str, path: str, *, query: Query | None = None, body: bytes | None = None) -> bytes:
        """The body of the answer. Raises the error that the answer stands for, or ServiceUnreachable."""
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            response = await self._http.request(method, path, params=_given(query or {}), content=body, headers=headers)
        except httpx.HTTPError as error:
            raise self.unreachable(error) from error
        if response.status_code >= 300 or not _is_json(response):
            raise self._error_of(response, response.content)
        return response.content

    async def open_stream(
        self, path: str, *, query: Query | None = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """An answer whose body is still to be read with `aiter_raw`, which raises `httpx.HTTPError` for itself.

        The caller closes it. (Not a context manager: those are generators, and when a loop shuts down, generators that
        close each other are closed twice at once.)
        """
        request = self._http.build_request(
            "GET",
            path,
            params=_given(query or {}),
            headers={"Accept-Encoding": "identity", **(headers or {})},
            timeout=httpx.Timeout(SILENT_STREAM_SECONDS, connect=CONNECT_SECONDS),
        )
        try:
            response = await self._http.send(request, stream=True)
            if response.status_code >= 300:
                # Read to the end, it is closed as well.
                raise self._error_of(response, await response.aread())
        except httpx.HTTPError as error:
            raise self.unreachable(error) from error
        return response

    def unreachable(self, cause: httpx.HTTPError) -> ServiceUnreachable:
        """What a failure of the network means to the caller."""
        return ServiceUnreachable(f"The service at {self.url} cannot be reached: {_describe(cause)}.")

    async def close(self) -> None:
        """Close all connections, those of open streams too. Safe twice."""
        await self._http.aclose()

    def _error_of(self, response: httpx.Response, body: bytes) -> Exception:
        headers = response.headers
        error = error_of(
            response.status_code, headers.get("Content-Type", ""), body, retry_after=headers.get("Retry-After")
        )
        if isinstance(error, ServiceUnreachable):
            return ServiceUnreachable(f"The service at {self.url} cannot be reached. {error.message}")
        return error


def _parse(url: str) -> httpx.URL:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigurationInvalid([FieldError("url", f'"{url}" is not a URL: {error}')]) from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigurationInvalid(
            [FieldError("url", f'"{url}" is not the URL of a service; try "http://127.0.0.1:8700"')]
        )
    return parsed


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_json(response: httpx.Response) -> bool:
    return str(response.headers.get("Content-Type", "")).partition(";")[0].strip() == "application/json"


def _given(query: Query) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None and value != []}


def _describe(error: httpx.HTTPError) -> str:
    match error:
        case httpx.ConnectTimeout():
            return f"no connection within {CONNECT_SECONDS:.0f} s"
        case httpx.ConnectError():
            return "no connection"
        case httpx.ReadTimeout() | httpx.WriteTimeout():
            return "it did not answer in time"
        case _:
            return str(error) or type(error).__name__
