"""Handlers of the login page: a bare form, so that a browser can change the token for a session. No scripts."""

import html
import re
from typing import Annotated, Final
from urllib.parse import parse_qs, quote

import msgspec
from msgspec import Meta

from solorun.auth.sessions import SESSION_SECONDS
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
"""As the dashboard looks, without its files: those need a session."""

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
_FAILED: Final = '<p role="alert">That is not the token, or there were too many attempts: wait a minute.</p>\n  '

_NEXT: Final = re.compile(r"/(?!/)[!#-\[\]-~]*", re.ASCII)
"""An address of ours: what begins with `//`, or holds a backslash, a space or a quote, could lead elsewhere."""

# Under `no-referrer` a browser sends `Origin: null` with a form, which is nobody's origin.
_HEADERS: Final = [(b"referrer-policy", b"same-origin")]


class LoginQuery(msgspec.Struct, forbid_unknown_fields=True):
    next: Annotated[str, Meta(description="Where to go afterwards: a path of this service.")] = "/"
    failed: Annotated[bool, Meta(description="Whether an attempt has failed before.")] = False


async def show_login(request: Request) -> Response:
    context, query = request.context, request.query
    if not context.access.asks_for_token:
        return redirect(context.root_path + safe_next(query.next))
    page = _PAGE.format(
        root=html.escape(context.root_path),
        next=html.escape(safe_next(query.next)),
        failed=_FAILED if query.failed else "",
    )
    return Response(page.encode(), media_type=HTML, headers=_HEADERS)


async def show_style(_request: Request) -> Response:
    return Response(STYLE, media_type=b"text/css; charset=utf-8", headers=[(b"cache-control", b"max-age=3600")])


async def log_in(request: Request) -> Response:
    """Right: a new session, never one that was there before. Wrong: back to the form, or 401 for a program."""
    context = request.context
    form = _parse_form(await request.read_form())
    target = safe_next(form.get("next", ["/"])[0])
    peer = (request.scope.get("client") or ("",))[0]
    if context.throttle.wait_seconds(peer) > 0 or not context.access.is_valid_token(
        form.get("token", [""])[0].encode()
    ):
        context.throttle.record_failure(peer)
        if b"text/html" in request.headers.get(b"accept", b""):
            return redirect(f"{context.root_path}/login?failed=1&next={quote(target, safe='')}")
        raise Unauthorized
    _end_session(request)
    cookie = _cookie(request, context.sessions.begin(), max_age=SESSION_SECONDS)
    return redirect(context.root_path + target, headers=[cookie])


async def log_out(request: Request) -> Response:
    _end_session(request)
    return redirect(f"{request.context.root_path}/login", headers=[_cookie(request, "", max_age=0)])


def _parse_form(body: bytes) -> dict[str, list[str]]:
    try:
        return parse_qs(body.decode("latin-1"), max_num_fields=10)
    except ValueError:
        raise InvalidRequest(errors=[FieldError("", "too many fields")]) from None


def safe_next(address: str) -> str:
    """`address` if it is a path of ours, else the front page."""
    return address if _NEXT.fullmatch(address) else "/"


def _end_session(request: Request) -> None:
    session = request.context.access.find_session(request.headers)
    if session is not None:
        request.context.sessions.end(session)


def _cookie(request: Request, session: str, *, max_age: int) -> Header:
    access = request.context.access
    secure = "; Secure" if access.is_secure else ""
    text = f"{access.cookie_name}={session}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}"
    return (b"set-cookie", text.encode("ascii"))
