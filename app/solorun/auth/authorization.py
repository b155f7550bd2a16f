"""Who may call: decided before anything else is, for every path, also those that do not exist. Denies by default.

Whatever is not an exact exemption needs the token (when the service has one); whatever a browser sends from
elsewhere, or under a name that is not ours, is refused.
"""

import hashlib
import hmac
import re
from collections.abc import Collection, Mapping
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.types import Scope

from solorun.auth.sessions import Sessions
from solorun.errors import CrossOrigin, HostNotAllowed, TokenRequired, Unauthorized
from solorun.http.responses import Response, redirect
from solorun.settings import LOOPBACK_HOSTS, Settings

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_HOST: Final = re.compile(rb"(\[[0-9a-fA-F:.]{2,45}\]|[A-Za-z0-9._-]{1,253})(?::[0-9]{1,5})?")
_PROXY_HEADERS: Final = (b"forwarded", b"via", b"x-real-ip")
_SINGLE_HEADERS: Final = frozenset({b"host", b"origin", b"authorization", b"sec-fetch-site", b"content-length"})
_WILDCARDS: Final = frozenset({"0.0.0.0", "::", ""})  # noqa: S104 - nothing is bound here
_MAX_REMEMBERED_HOSTS: Final = 256


class Authorizer:
    """Admits requests or refuses them. `public`: the exact (method, path) pairs that need no token."""

    def __init__(self, settings: Settings, sessions: Sessions, public: Collection[tuple[str, str]]) -> None:
        self._sessions = sessions
        self._public = frozenset(public)
        self._root_path = settings.root_path
        self._token_hash = None if settings.token is None else _hash(settings.token.encode())
        self._public_origin = _origin_of(settings.public_url)
        self._hosts = _allowed_hosts(settings)
        self._good_hosts: set[bytes] = set()
        self.is_secure = (settings.public_url or "").startswith("https:")
        # Cookies know no ports: two services on one machine would take each other's.
        self.cookie_name = "__Host-solorun" if self.is_secure else f"solorun_{settings.port}"

    @property
    def asks_for_token(self) -> bool:
        return self._token_hash is not None

    def authorize(self, scope: Scope, headers: Mapping[bytes, bytes]) -> Response | None:
        """None when the request may go on, an answer when a browser should log in first.

        `headers` are those of the scope, by name. Raises HostNotAllowed, TokenRequired, CrossOrigin, Unauthorized.
        """
        if len(headers) != len(scope["headers"]):
            _check_repeated(scope)
        self._check_host(headers)
        if self._token_hash is None:
            _check_not_proxied(headers)
        method: str = scope["method"]
        is_safe = method in SAFE_METHODS
        is_browser = False if is_safe else self._check_origin(headers)
        if self._token_hash is None or (method, scope["path"]) in self._public:
            return None
        if self.is_token(headers.get(b"authorization", b"")):
            return None
        if self.find_session(headers) is not None:
            if is_safe or is_browser:
                return None
            raise CrossOrigin("A session is a browser's, and a browser says where its requests come from.")
        if is_safe and _is_navigation(scope, headers):
            return redirect(f"{self._root_path}/login?next={quote(_address(scope), safe='')}")
        raise Unauthorized

    def is_token(self, authorization: bytes) -> bool:
        """Whether this is `Bearer` and the token."""
        scheme, _, credentials = authorization.partition(b" ")
        return scheme.lower() == b"bearer" and self.is_valid_token(credentials.strip())

    def is_valid_token(self, token: bytes) -> bool:
        """Compares in constant time."""
        return self._token_hash is not None and hmac.compare_digest(_hash(token), self._token_hash)

    def find_session(self, headers: Mapping[bytes, bytes]) -> str | None:
        """The session that the request's cookie names, if it is still open."""
        for cookie in headers.get(b"cookie", b"").decode("latin-1").split(";"):
            name, _, value = cookie.strip().partition("=")
            if name == self.cookie_name and self._sessions.is_valid(value):
                return value
        return None

    def _check_host(self, headers: Mapping[bytes, bytes]) -> None:
        """The only defence against a name that is made to point here (DNS rebinding): such a page is same-origin."""
        host = headers.get(b"host", b"")
        if host in self._good_hosts:
            return
        match = _HOST.fullmatch(host)
        if match is None or match[1].decode("ascii").lower() not in self._hosts:
            raise HostNotAllowed
        if len(self._good_hosts) < _MAX_REMEMBERED_HOSTS:
            self._good_hosts.add(host)

    def _check_origin(self, headers: Mapping[bytes, bytes]) -> bool:
        """Whether the request is a browser's, and from our own pages. Raises CrossOrigin when it is from elsewhere.

        The order is that of Go's CrossOriginProtection: Sec-Fetch-Site, which only plain http leaves out, then Origin.
        """
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
    """As a browser writes it: without a path, and without the port that its scheme means anyway."""
    if public_url is None:
        return None
    url = urlsplit(public_url.lower())
    default_port = {"https": ":443", "http": ":80"}.get(url.scheme, ":")
    return f"{url.scheme}://{url.netloc.removesuffix(default_port)}".encode("ascii", "ignore")


def _check_repeated(scope: Scope) -> None:
    """Two of a header that decides something: whoever is before us may have read the other one."""
    seen: set[bytes] = set()
    for name, _ in scope["headers"]:
        if name in seen and name in _SINGLE_HEADERS:
            raise HostNotAllowed(f"The header {name.decode('ascii')} is given more than once.")
        seen.add(name)


def _check_not_proxied(headers: Mapping[bytes, bytes]) -> None:
    for name in headers:
        if name in _PROXY_HEADERS or name.startswith(b"x-forwarded-"):
            raise TokenRequired


def _is_navigation(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a person is looking at the address in a browser."""
    return (
        b"text/html" in headers.get(b"accept", b"")
        and headers.get(b"sec-fetch-mode", b"navigate") == b"navigate"
        and not scope["path"].startswith("/api/")
    )


def _address(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return quote(scope["path"]) + (f"?{query}" if query else "")


def _hash(token: bytes) -> bytes:
    return hashlib.sha256(token).digest()
