"""Types and scripted responses for tests of the command line."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from solorun.client.problems import MEDIA_TYPE
from solorun.status import Status
from solorun.wire.encoding import encode
from solorun.wire.problems import ProblemDetails
from tests.fakes.scripted_service import Request, Response, json_response, make_run


class Ended:
    """The result of a command."""

    def __init__(self, code: int, out: str, err: str, requests: list[Request]) -> None:
        self.code = code
        self.out = out
        self.err = err
        self.requests = requests

    @property
    def documents(self) -> list[Any]:
        return [msgspec.json.decode(line) for line in self.out.splitlines()]


Solorun = Callable[..., Awaitable[Ended]]


def problem(slug: str, status: int, detail: str = "No.", **members: Any) -> Response:
    details = ProblemDetails(f"/problems/{slug}", "Title", status, detail)
    return json_response(encode(msgspec.structs.replace(details, **members)), status, MEDIA_TYPE)


def plain(value: object) -> Any:
    """The value as decoded JSON."""
    return msgspec.json.decode(encode(value))


def answer(value: object, status: int = 200) -> Response:
    return json_response(encode(value), status)


RUNNING = make_run(17)
COMPLETED = make_run(17, Status.COMPLETED, last_seq=2)
