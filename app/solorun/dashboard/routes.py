"""The dashboard's routes. Its source lies in `app/dashboard`; what is built from it is found in `static/`."""

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

_NOT_BUILT = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Solorun</title>
<p>The dashboard is not part of this build. The service is running: see <code>solorun runs</code>,
<code>solorun follow</code>, or the HTTP API under <code>/api/v1</code>.</p>
</html>
"""


def routes() -> list[Route]:
    return [Route("/", _show_front_page)]


async def _show_front_page(_request: Request) -> Response:
    return HTMLResponse(_NOT_BUILT)
