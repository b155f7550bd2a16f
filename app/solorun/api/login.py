"""Handlers of the login page: a plain form, without scripts, that exchanges the token for a browser session."""

import html
import re
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import quote

import msgspec
from msgspec import Meta

from solorun.api.route import route
from solorun.api.state import State
from solorun.auth.authorization import Authorizer
from solorun.auth.sessions import SESSION_SECONDS
from solorun.errors import Unauthorized
from solorun.http.operation import ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import HTML, TEXT, Header, Response, redirect
from solorun.right import Right

_DIRECTORY: Final = Path(__file__).parent
_PAGE: Final = (_DIRECTORY / "login.html").read_text("utf-8")
_STYLE: Final = (_DIRECTORY / "login.css").read_bytes()
_FAILED: Final = '<p role="alert">Wrong token.</p>\n  '

_NEXT: Final = re.compile(r"/(?!/)[!#-\[\]-~]*", re.ASCII)
"""A path of this service. A leading `//`, a backslash, a space or a quote could lead to another site."""

# Under `no-referrer` browsers send forms with `Origin: null`, which would be refused.
_HEADERS: Final = [(b"referrer-policy", b"same-origin")]


class LoginForm(msgspec.Struct):
    """The fields of the login form."""

    token: str = ""
    next: str = "/"


class LoginQuery(msgspec.Struct, forbid_unknown_fields=True):
    next: Annotated[str, Meta(description="Where to go after logging in: a path of this service.")] = "/"
    failed: Annotated[bool, Meta(description="Whether the previous attempt failed.")] = False


@route(
    "GET /login",
    summary="Show the login page",
    responses=(
        ResponseSpec(200, "The page", "text/html; charset=utf-8"),
        ResponseSpec(303, "Redirects to `next` if the service has no token", TEXT.decode()),
    ),
    query=LoginQuery,
    public=True,
    tag="session",
)
async def show_login(state: State, request: Request) -> Response:
    query: LoginQuery = request.query
    if not state.authorizer.requires_token:
        return redirect(request.root_path + safe_next(query.next))
    page = _PAGE.format(
        root=html.escape(request.root_path),
        next=html.escape(safe_next(query.next)),
        failed=_FAILED if query.failed else "",
    )
    return Response(page.encode(), media_type=HTML, headers=_HEADERS)


@route(
    "GET /login.css",
    summary="Get the style sheet of the login page",
    responses=(ResponseSpec(200, "The style sheet", "text/css; charset=utf-8"),),
    public=True,
    tag="session",
)
async def show_login_style(_state: State, _request: Request) -> Response:
    return Response(_STYLE, media_type=b"text/css; charset=utf-8", headers=[(b"cache-control", b"max-age=3600")])


@route(
    "POST /login",
    summary="Log in with a token",
    responses=(ResponseSpec(303, "Sets the session cookie and redirects to `next`", TEXT.decode()),),
    form=LoginForm,
    public=True,
    tag="session",
)
async def log_in(state: State, request: Request) -> Response:
    """With the right token, a new session. With a wrong one, the form again, or 401 for a program."""
    form = await request.read_form(LoginForm)
    target = safe_next(form.next)
    try:
        session = await state.authorizer.log_in(request, form.token)
    except Unauthorized:
        if b"text/html" in request.headers.get(b"accept", b""):
            return redirect(f"{request.root_path}/login?failed=1&next={quote(target, safe='')}")
        raise
    state.streams.end_unauthorized()
    cookie = _cookie(state.authorizer, request, session, max_age=SESSION_SECONDS)
    return redirect(request.root_path + target, headers=[cookie])


@route(
    "POST /logout",
    summary="End the session",
    responses=(ResponseSpec(303, "Redirects to the login page", TEXT.decode()),),
    right=Right.VIEW,
    tag="session",
)
async def log_out(state: State, request: Request) -> Response:
    await state.authorizer.log_out(request)
    state.streams.end_unauthorized()
    return redirect(f"{request.root_path}/login", headers=[_cookie(state.authorizer, request, "", max_age=0)])


def safe_next(address: str) -> str:
    """`address` if it is a path of this service, otherwise the front page."""
    return address if _NEXT.fullmatch(address) else "/"


def _cookie(authorizer: Authorizer, request: Request, session: str, *, max_age: int) -> Header:
    # A __Host- cookie must have the path "/". Without one, services on different paths of a host keep their own.
    is_secure = authorizer.is_secure(request)
    path = "/" if is_secure else request.root_path or "/"
    secure = "; Secure" if is_secure else ""
    attributes = f"Path={path}; Max-Age={max_age}; HttpOnly; SameSite=Strict{secure}"
    return (b"set-cookie", f"{authorizer.cookie_name(request)}={session}; {attributes}".encode("ascii"))
