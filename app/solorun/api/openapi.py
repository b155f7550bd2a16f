"""The OpenAPI document of this API, and its handler."""

from functools import lru_cache
from importlib.metadata import version
from typing import Any

from solorun.api.path_parameters import PATH_PARAMETERS
from solorun.api.state import State
from solorun.http.openapi import Operations, build_document
from solorun.http.request import Request
from solorun.http.responses import Response
from solorun.wire import encode


async def show_document(state: State, request: Request) -> Response:
    return Response(_encode_document(state.operations, request.root_path))


def document(operations: Operations, root_path: str = "") -> dict[str, Any]:
    """The whole document as plain values. All paths are relative to `root_path`."""
    return build_document(
        operations,
        info={
            "title": "Solorun",
            "version": version("solorun"),
            "description": "Runs jobs that must never overlap: start them, watch them live, cancel them reliably.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        path_parameters=PATH_PARAMETERS,
        root_path=root_path,
    )


@lru_cache(maxsize=8)
def _encode_document(operations: Operations, root_path: str) -> bytes:
    return encode(document(operations, root_path))
