"""The parameters that stand in paths: their descriptions, and how ids are parsed."""

import re
from collections.abc import Mapping
from typing import Any, Final

from solorun.errors import Problem, RunNotFound
from solorun.http.request import Request
from solorun.run import MAX_RUN_ID

PATH_PARAMETERS: Final[Mapping[str, Mapping[str, Any]]] = {
    "project": {"description": "The project's name.", "schema": {"type": "string"}},
    "run_id": {
        "description": "The run's id.",
        "schema": {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_RUN_ID},
    },
    "delivery_id": {
        "description": "The delivery's id.",
        "schema": {"type": "integer", "format": "int64", "minimum": 0, "maximum": MAX_RUN_ID},
    },
    "target": {"description": "The notification target's name.", "schema": {"type": "string"}},
    "hook": {"description": "The hook's name.", "schema": {"type": "string"}},
    "name": {"description": "The artifact's name, which may contain `/`.", "schema": {"type": "string"}},
    "schedule": {"description": "The schedule's id.", "schema": {"type": "string"}},
    "worker": {"description": "The worker's id.", "schema": {"type": "string"}},
    "slug": {"description": "The last part of a problem's `type`.", "schema": {"type": "string"}},
}

RUN_PATH: Final = "/api/v1/runs/{run_id}"
_ID: Final = re.compile(r"[0-9]{1,19}", re.ASCII)


def run_id_of(request: Request) -> int:
    """The run in the request's path. Raises RunNotFound."""
    return parse_id(request.path_params["run_id"], RunNotFound)


def parse_id(text: str, error: type[Problem]) -> int:
    """An id in decimal. Raises `error` for anything that cannot be one."""
    if _ID.fullmatch(text) is None or int(text) > MAX_RUN_ID:
        raise error
    return int(text)
