"""Decides who may call, before anything else happens and for every path, even paths that do not exist.

Denies by default: unless it is exempt, a request needs the token (if the service has one). Requests that a browser
sends to the API from another site, or to a host name that is not ours, are refused.
"""

import asyncio
import hashlib
import hmac
import logging
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NoReturn
from urllib.parse import quote, urlsplit

from starlette.routing import compile_path

from solorun.auth.sessions import Sessions
from solorun.auth.throttle import Throttle
from solorun.errors import CrossOrigin, DeliveryNotVerified, HostNotAllowed, RepeatedHeader, TokenRequired, Unauthorized
from solorun.http.operation import Operation
from solorun.http.request import Request, address_of
from solorun.http.responses import Response, redirect
from solorun.http.sparse_log import SparseLog
from solorun.settings import LOOPBACK_HOSTS, Settings
from solorun.store import SessionStore

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_HOST: Final = re.compile(rb"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_PROXY_HEADERS: Final = (b"forwarded", b"via", b"x-real-ip")
_PROXY_PREFIXES: Final = (b"x-forwarded-", b"cf-")
_FORWARDED_PROTO: Final = re.compile(rb'(?:^|;)[ \t]*proto="?([a-z]+)', re.IGNORECASE)
_SINGLE_HEADERS: Final = frozenset(
    {b"host", b"origin", b"authorization", b"sec-fetch-site", b"content-length", b"idempotency-key"}
)
_WILDCARDS: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - nothing is bound here
_MAX_REMEMBERED_HOSTS: Final = 256
_MAX_COOKIES: Final = 4
"""A browser sends several cookies of one name if their paths differ. Each is looked up in the database."""

_logger = logging.getLogger("solorun.auth")


class Authorizer:
    """Admits or refuses requests.

    Those for the exact path of a public one of `operations` need no token. Those for an operation that verifies itself
    are checked for their host only, and only if the whole path matches.
    """

    def __init__(
        self,
        settings: Settings,
        operations: Iterable[Operation[Any]],
        failure_delay_seconds: float,
        store: SessionStore,
        *,
        now: Callable[[], datetime],
        is_hosted: bool = False,
    ) -> None:
        """`is_hosted`: a host application has identified the caller, at any host name and behind any proxy."""
        self._throttle = Throttle()
        self._failure_delay_seconds = failure_delay_seconds
        self._wrong_tokens, self._missing_tokens = SparseLog(_logger), SparseLog(_logger)
        self._wrong_deliveries = SparseLog(_logger)
        public = {operation.route for operation in operations if operation.public}
        self._public = public | {route.replace("GET ", "HEAD ") for route in public}
        self._self_verified: dict[str, list[re.Pattern[str]]] = {}
        for operation in operations:
            if operation.verifies_itself:
                self._self_verified.setdefault(operation.method, []).append(compile_path(operation.path)[0])
        self._token_hash = None if settings.token is None else _hash(settings.token.encode())
        self.sessions = Sessions(store, self._token_hash or b"", now)
        self._public_origin = _origin_of(settings.public_url)
        self._is_hosted = is_hosted
        self._hosts = _allowed_hosts(settings)
        self._good_hosts: set[bytes] = set()
        self._is_https = (settings.public_url or "").startswith("https:")
        self._cookie_name = f"solorun_{_identity_of(settings)}"

    @property
    def requires_token(self) -> bool:
        return self._token_hash is not None

    def is_secure(self, request: Request) -> bool:
        """Whether the client uses https, as far as the settings or a proxy say so."""
        return self._is_https or _scheme_of(request) == b"https"

    def cookie_name(self, request: Request) -> str:
        return ("__Host-" if self.is_secure(request) else "") + self._cookie_name

    async def authorize(self, request: Request) -> Response | None:
        """None if the request may proceed, a response if a browser should log in first.

        Raises RepeatedHeader, HostNotAllowed, TokenRequired, CrossOrigin, Unauthorized.
        """
        if len(request.headers) != len(request.scope["headers"]):
            _check_repeated(request)
        if not self._is_hosted:
            self._check_host(request)
        if self._is_self_verified(request):
            return None
        if self._token_hash is None and not self._is_hosted:
            _check_not_proxied(request)
        is_safe = request.method in SAFE_METHODS
        is_browser = (not is_safe or request.path.startswith("/api/")) and self._check_origin(request)
        if self._token_hash is None or f"{request.method} {request.path}" in self._public:
            return None
        if self._has_token(request):
            return None
        session = await self._find_session(request)
        if session is not None:
            if is_safe or is_browser:
                request.is_still_authorized = self.sessions.check(session)
                return None
            raise CrossOrigin("A request with a session must say where it comes from, as browsers do.")
        if is_safe and _is_navigation(request):
            return redirect(f"{request.root_path}/login?next={quote(request.target, safe='')}")
        if b"authorization" in request.headers:
            await self._refuse_token(request)
        self._missing_tokens.warning(
            "%s %s from %s without a token.", request.method, request.path, _client_of(request)
        )
        raise Unauthorized

    async def log_in(self, request: Request, token: str) -> str:
        """A new session that replaces the request's own. Raises Unauthorized if the token is wrong."""
        if not self._is_valid_token(token.encode()):
            await self._refuse_token(request)
        await self.log_out(request)
        return await self.sessions.begin()

    async def log_out(self, request: Request) -> None:
        """End the request's session, if it has one."""
        session = await self._find_session(request)
        if session is not None:
            await self.sessions.end(session)

    async def refuse_delivery(self, request: Request) -> NoReturn:
        """Log and raise DeliveryNotVerified, after a delay if the address has sent too many of these."""
        self._wrong_deliveries.warning("%s from %s is not verified.", request.path, _client_of(request))
        if self._throttle.is_exceeded(address_of(request.scope)):
            await asyncio.sleep(self._failure_delay_seconds)
        raise DeliveryNotVerified

    async def _refuse_token(self, request: Request) -> NoReturn:
        """Log and raise Unauthorized, after a delay if the address has sent too many wrong tokens."""
        self._wrong_tokens.warning(
            "%s %s from %s with a wrong token.", request.method, request.path, _client_of(request)
        )
        if self._throttle.is_exceeded(address_of(request.scope)):
            await asyncio.sleep(self._failure_delay_seconds)
        raise Unauthorized

    def _is_self_verified(self, request: Request) -> bool:
        for path in self._self_verified.get(request.method, ()):  # noqa: SIM110 - a generator costs more than the match
            if path.fullmatch(request.path):
                return True
        return False

    def _has_token(self, request: Request) -> bool:
        scheme, _, credentials = request.headers.get(b"authorization", b"").partition(b" ")
        return scheme.lower() == b"bearer" and self._is_valid_token(credentials.strip())

    def _is_valid_token(self, token: bytes) -> bool:
        """Compares in constant time."""
        return self._token_hash is not None and hmac.compare_digest(_hash(token), self._token_hash)

    async def _find_session(self, request: Request) -> str | None:
        """The session in the request's cookie, if it is still open."""
        cookies = [
            cookie.strip().partition("=") for cookie in request.headers.get(b"cookie", b"").decode("latin-1").split(";")
        ]
        cookie_name = self.cookie_name(request)
        sessions = [value for name, _, value in cookies if name == cookie_name]
        for session in sessions[:_MAX_COOKIES]:
            if await self.sessions.is_open(session):
                return session
        return None

    def _check_host(self, request: Request) -> None:
        """The only defence against DNS rebinding: a page under a name that is made to point here is same-origin."""
        host = request.headers.get(b"host", b"")
        if host in self._good_hosts:
            return
        match = _HOST.fullmatch(host)
        if match is None or match[1].decode("ascii").lower() not in self._hosts:
            raise HostNotAllowed
        if len(self._good_hosts) < _MAX_REMEMBERED_HOSTS:
            self._good_hosts.add(host)

    def _check_origin(self, request: Request) -> bool:
        """Whether a browser sent the request from one of our own pages. Raises CrossOrigin if it came from elsewhere.

        Checks in the order of Go's CrossOriginProtection: Sec-Fetch-Site, which only plain http omits, then Origin.
        """
        headers = request.headers
        site = headers.get(b"sec-fetch-site")
        if site is not None:
            if site in (b"same-origin", b"none"):
                return True
            raise CrossOrigin
        origin = headers.get(b"origin")
        if origin is None:
            return False
        origin = origin.lower()
        scheme, _, host = origin.partition(b"://")
        if origin == self._public_origin or (scheme in (b"http", b"https") and host == headers[b"host"].lower()):
            return True
        raise CrossOrigin


def _identity_of(settings: Settings) -> str:
    """Cookies ignore ports and, with `Secure`, paths: services under one host name must not overwrite each other's.

    Those that share a database share their cookies. They may reach its server at different addresses.
    """
    status = settings.data_dir.stat()
    place = urlsplit(settings.database_url).path if settings.database_url else f"{status.st_dev}:{status.st_ino}"
    return hashlib.sha256(f"{place}:{settings.root_path}".encode()).hexdigest()[:16]


def _allowed_hosts(settings: Settings) -> frozenset[str]:
    names = {*LOOPBACK_HOSTS, *(host.lower() for host in settings.allowed_hosts)}
    if settings.public_url is not None:
        names.add(urlsplit(settings.public_url).hostname or "")
    if settings.host not in _WILDCARDS:
        names.add(settings.host.lower())
    return frozenset(f"[{name}]" if ":" in name and not name.startswith("[") else name for name in names)


def _origin_of(public_url: str | None) -> bytes | None:
    """The origin as browsers write it: without a path, and without the default port of its scheme."""
    if public_url is None:
        return None
    url = urlsplit(public_url.lower())
    default_port = {"https": ":443", "http": ":80"}.get(url.scheme, ":")
    return f"{url.scheme}://{url.netloc.removesuffix(default_port)}".encode("ascii", "ignore")


def _check_repeated(request: Request) -> None:
    """Refuse a repeated header that must have one value: a proxy may have read the other one."""
    seen: set[bytes] = set()
    for name, _ in request.scope["headers"]:
        if name in seen and name in _SINGLE_HEADERS:
            raise RepeatedHeader(f"The header {name.decode('ascii')} must not be repeated.")
        seen.add(name)


def _check_not_proxied(request: Request) -> None:
    """Refuse what a proxy on this machine forwards, as far as that can be noticed."""
    if _has_proxy_header(tuple(request.headers)):
        raise TokenRequired
    # This is how nginx forwards requests unless it is configured otherwise.
    if request.scope["http_version"] == "1.0" and request.headers.get(b"connection", b"").lower() == b"close":
        raise TokenRequired


@lru_cache(maxsize=128)
def _has_proxy_header(names: tuple[bytes, ...]) -> bool:
    """Each client sends the same names with all its requests."""
    return any(name in _PROXY_HEADERS or name.startswith(_PROXY_PREFIXES) for name in names)


def _scheme_of(request: Request) -> bytes:
    """The scheme of the client's own connection, if a proxy reports it. A false report harms only its sender: a browser
    drops a `Secure` cookie that plain http brings.
    """
    reported = request.headers.get(b"x-forwarded-proto", b"").partition(b",")[0].strip()
    first = _FORWARDED_PROTO.search(request.headers.get(b"forwarded", b"").partition(b",")[0])
    return (reported or (first and first[1]) or request.scope["scheme"].encode()).lower()


def _client_of(request: Request) -> str:
    """The address of the client for the log, with what a proxy says about it."""
    forwarded = request.headers.get(b"x-forwarded-for", b"")[:100].decode("latin-1")
    return address_of(request.scope) + (f" (for {forwarded})" if forwarded else "")


def _is_navigation(request: Request) -> bool:
    """Whether a person opened the address in a browser."""
    return (
        b"text/html" in request.headers.get(b"accept", b"")
        and request.headers.get(b"sec-fetch-mode", b"navigate") == b"navigate"
        and not request.path.startswith("/api/")
    )


def _hash(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
