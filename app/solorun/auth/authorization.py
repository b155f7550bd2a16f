"""Decides who may call, before anything else happens and for every path, even paths that do not exist.

Denies by default: unless it is exempt, a request needs the token (if the service has one). Requests that a browser
sends from another site, or to a host name that is not ours, are refused.
"""

import hmac
import re
from collections.abc import Collection, Iterable
from typing import Any, Final
from urllib.parse import quote, urlsplit

from solorun.auth.sessions import LoginThrottle, Sessions, hash_secret
from solorun.errors import CrossOrigin, HostNotAllowed, TokenRequired, Unauthorized
from solorun.http.operation import Operation
from solorun.http.request import Request
from solorun.http.responses import Response, redirect
from solorun.settings import LOOPBACK_HOSTS, Settings

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_HOST: Final = re.compile(rb"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_PROXY_HEADERS: Final = (b"forwarded", b"via", b"x-real-ip")
_SINGLE_HEADERS: Final = frozenset({b"host", b"origin", b"authorization", b"sec-fetch-site", b"content-length"})
_WILDCARDS: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - nothing is bound here
_MAX_REMEMBERED_HOSTS: Final = 256


def public_addresses(operations: Iterable[Operation[Any]]) -> frozenset[tuple[str, str]]:
    """The exact (method, path) pairs that need no token."""
    return frozenset(
        (method, operation.path)
        for operation in operations
        if operation.public
        for method in ((operation.method, "HEAD") if operation.method == "GET" else (operation.method,))
    )


class Authorizer:
    """Admits or refuses requests. `public` holds the exact (method, path) pairs that need no token."""

    def __init__(self, settings: Settings, public: Collection[tuple[str, str]]) -> None:
        self.sessions = Sessions()
        self._throttle = LoginThrottle()
        self._public = frozenset(public)
        self._token_hash = None if settings.token is None else hash_secret(settings.token.encode())
        self._public_origin = _origin_of(settings.public_url)
        self._hosts = _allowed_hosts(settings)
        self._good_hosts: set[bytes] = set()
        self.is_secure = (settings.public_url or "").startswith("https:")
        # Cookies ignore ports: two services on one machine would overwrite each other's.
        self.cookie_name = "__Host-solorun" if self.is_secure else f"solorun_{settings.port}"

    @property
    def requires_token(self) -> bool:
        return self._token_hash is not None

    def authorize(self, request: Request) -> Response | None:
        """None if the request may proceed, a response if a browser should log in first.

        Raises HostNotAllowed, TokenRequired, CrossOrigin, Unauthorized.
        """
        if len(request.headers) != len(request.scope["headers"]):
            _check_repeated(request)
        self._check_host(request)
        if self._token_hash is None:
            _check_not_proxied(request)
        is_safe = request.method in SAFE_METHODS
        is_browser = False if is_safe else self._check_origin(request)
        if self._token_hash is None or (request.method, request.path) in self._public:
            return None
        if self._has_token(request):
            return None
        if self._find_session(request) is not None:
            if is_safe or is_browser:
                return None
            raise CrossOrigin("A request with a session must say where it comes from, as browsers do.")
        if is_safe and _is_navigation(request):
            return redirect(f"{request.root_path}/login?next={quote(request.target, safe='')}")
        raise Unauthorized

    def log_in(self, request: Request, token: str) -> str | None:
        """A new session that replaces the request's own, or None if the token is wrong or there were too many tries."""
        peer = (request.scope.get("client") or ("",))[0]
        if self._throttle.wait_seconds(peer) > 0 or not self._is_valid_token(token.encode()):
            self._throttle.record_failure(peer)
            return None
        self.log_out(request)
        return self.sessions.begin()

    def log_out(self, request: Request) -> None:
        """End the request's session, if it has one."""
        session = self._find_session(request)
        if session is not None:
            self.sessions.end(session)

    def _has_token(self, request: Request) -> bool:
        scheme, _, credentials = request.headers.get(b"authorization", b"").partition(b" ")
        return scheme.lower() == b"bearer" and self._is_valid_token(credentials.strip())

    def _is_valid_token(self, token: bytes) -> bool:
        """Compares in constant time."""
        return self._token_hash is not None and hmac.compare_digest(hash_secret(token), self._token_hash)

    def _find_session(self, request: Request) -> str | None:
        """The session in the request's cookie, if it is still open."""
        for cookie in request.headers.get(b"cookie", b"").decode("latin-1").split(";"):
            name, _, value = cookie.strip().partition("=")
            if name == self.cookie_name and self.sessions.is_valid(value):
                return value
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
    """Refuse a repeated header that matters for security: a proxy may have read the other value."""
    seen: set[bytes] = set()
    for name, _ in request.scope["headers"]:
        if name in seen and name in _SINGLE_HEADERS:
            raise HostNotAllowed(f"The header {name.decode('ascii')} must not be repeated.")
        seen.add(name)


def _check_not_proxied(request: Request) -> None:
    for name in request.headers:
        if name in _PROXY_HEADERS or name.startswith(b"x-forwarded-"):
            raise TokenRequired


def _is_navigation(request: Request) -> bool:
    """Whether a person opened the address in a browser."""
    return (
        b"text/html" in request.headers.get(b"accept", b"")
        and request.headers.get(b"sec-fetch-mode", b"navigate") == b"navigate"
        and not request.path.startswith("/api/")
    )
