"""Handlers of the login page: a plain form, without scripts, that exchanges the token for a browser session."""

import html
import re
from typing import Annotated, Final, Protocol
from urllib.parse import parse_qs, quote

import msgspec
from msgspec import Meta

from solorun.auth.authorization import Authorizer
from solorun.auth.sessions import SESSION_SECONDS, LoginThrottle, Sessions
from solorun.errors import FieldError, InvalidRequest, Unauthorized
from solorun.http.request import Request
from solorun.http.responses import HTML, Header, Response, redirect

STYLE: Final = b"""\
:root { color-scheme: light dark; font: 14px/20px system-ui, sans-serif; }
body {
  display: grid; place-items: center; min-height: 90vh; margin: 0;
  background: light-dark(#f6f8fa, #0d1117); color: light-dark(#1f2328, #e6edf3);
}
form {
  display: grid; gap: 8px; box-sizing: border-box; width: min(360px, calc(100vw - 28px)); padding: 24px;
  border: 1px solid light-dark(#d1d9e0, #2a313c); border-radius: 12px; background: light-dark(#fff, #151b23);
}
h1 { margin: 0 0 8px; font-size: 20px; line-height: 28px; font-weight: 600; letter-spacing: -0.02em; }
p {
  margin: 0; padding: 8px 12px; border-radius: 7px;
  background: light-dark(#f9eef0, #1f1418); color: light-dark(#b3202b, #f85149);
}
label { font-weight: 500; }
input, button { box-sizing: border-box; min-height: 36px; padding: 6px 12px; border-radius: 7px; font: inherit; }
input {
  border: 1px solid light-dark(#868f99, #656c76); background: light-dark(#fff, #0d1117);
  color: inherit; font-size: 16px;
}
button {
  margin-top: 8px; border: 0; font-weight: 500; cursor: pointer;
  background: light-dark(#1f2328, #e6edf3); color: light-dark(#fff, #0d1117);
}
:focus-visible { outline: 2px solid light-dark(#0550ae, #4493f8); outline-offset: 2px; }
"""
"""Matches the dashboard's look without its files, which need a session."""

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Log in to Solorun</title>
<link rel="stylesheet" href="{root}/login.css">
<main>
<form method="post" action="{root}/login">
  <h1>Solorun</h1>
  {failed}<label for="token">Token</label>
  <input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
  <input name="next" type="hidden" value="{next}">
  <button>Log in</button>
</form>
</main>
"""
_FAILED: Final = '<p role="alert">Wrong token, or too many attempts. Wait a minute and try again.</p>\n  '

_NEXT: Final = re.compile(r"/(?!/)[!#-\[\]-~]*", re.ASCII)
"""A path of this service. A leading `//`, a backslash, a space or a quote could lead to another site."""

# Under `no-referrer` browsers send forms with `Origin: null`, which would be refused.
_HEADERS: Final = [(b"referrer-policy", b"same-origin")]


class LoginState(Protocol):
    """The part of the application's state that these handlers use."""

    @property
    def authorizer(self) -> Authorizer: ...

    @property
    def sessions(self) -> Sessions: ...

    @property
    def throttle(self) -> LoginThrottle: ...


class LoginForm(msgspec.Struct):
    """The fields of the login form."""

    token: str
    next: str = "/"


class LoginQuery(msgspec.Struct, forbid_unknown_fields=True):
    next: Annotated[str, Meta(description="Where to go after logging in: a path of this service.")] = "/"
    failed: Annotated[bool, Meta(description="Whether the previous attempt failed.")] = False


async def show_login(state: LoginState, request: Request) -> Response:
    query: LoginQuery = request.query
    if not state.authorizer.requires_token:
        return redirect(request.root_path + safe_next(query.next))
    page = _PAGE.format(
        root=html.escape(request.root_path),
        next=html.escape(safe_next(query.next)),
        failed=_FAILED if query.failed else "",
    )
    return Response(page.encode(), media_type=HTML, headers=_HEADERS)


async def show_style(_state: LoginState, _request: Request) -> Response:
    return Response(STYLE, media_type=b"text/css; charset=utf-8", headers=[(b"cache-control", b"max-age=3600")])


async def log_in(state: LoginState, request: Request) -> Response:
    """With the right token, a new session. With a wrong one, the form again, or 401 for a program."""
    form = _parse_form(await request.read_form())
    target = safe_next(form.get("next", ["/"])[0])
    token = form.get("token", [""])[0].encode()
    peer = (request.scope.get("client") or ("",))[0]
    if state.throttle.wait_seconds(peer) > 0 or not state.authorizer.is_valid_token(token):
        state.throttle.record_failure(peer)
        if b"text/html" in request.headers.get(b"accept", b""):
            return redirect(f"{request.root_path}/login?failed=1&next={quote(target, safe='')}")
        raise Unauthorized
    # Never reuse a session that existed before the login.
    _end_session(state, request)
    cookie = _cookie(state, request, state.sessions.begin(), max_age=SESSION_SECONDS)
    return redirect(request.root_path + target, headers=[cookie])


async def log_out(state: LoginState, request: Request) -> Response:
    _end_session(state, request)
    return redirect(f"{request.root_path}/login", headers=[_cookie(state, request, "", max_age=0)])


def safe_next(address: str) -> str:
    """`address` if it is a path of this service, otherwise the front page."""
    return address if _NEXT.fullmatch(address) else "/"


def _parse_form(body: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(body.decode("latin-1"), max_num_fields=10)
    except ValueError:
        raise InvalidRequest(faults=[FieldError("", "too many fields")]) from None


def _end_session(state: LoginState, request: Request) -> None:
    session = state.authorizer.find_session(request)
    if session is not None:
        state.sessions.end(session)


def _cookie(state: LoginState, request: Request, session: str, *, max_age: int) -> Header:
    authorizer = state.authorizer
    # A __Host- cookie must have the path "/". Otherwise two services below one host keep their own.
    path = "/" if authorizer.is_secure else request.root_path or "/"
    secure = "; Secure" if authorizer.is_secure else ""
    text = f"{authorizer.cookie_name}={session}; Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}"
    return (b"set-cookie", text.encode("ascii"))
