"""The OpenAPI 3.1 document, made from the route table and the structs that it names."""

import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any, Final

import msgspec

from solorun.errors import (
    CrossOrigin,
    HostNotAllowed,
    InternalError,
    InvalidRequest,
    PayloadTooLarge,
    Problem,
    TokenRequired,
    Unauthorized,
    UnsupportedMediaType,
)
from solorun.http.operation import PATH_PARAMETERS, Operation
from solorun.http.problems import NOT_READY_TYPE, PROBLEM_JSON, PROBLEMS, TYPE_PREFIX
from solorun.http.request import Request
from solorun.http.responses import Response
from solorun.wire import ProblemDetails, encode

_REF: Final = "#/components/schemas/{name}"
_PATH_PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")
_METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})


async def show_document(request: Request) -> Response:
    return Response(_encoded_document(request.context.operations, request.context.root_path))


@cache
def _encoded_document(operations: tuple[Operation, ...], root_path: str) -> bytes:
    return encode(document(operations, root_path))


def document(operations: Iterable[Operation], root_path: str = "") -> dict[str, Any]:
    """The whole document, as plain values. Every path of it lies below `root_path`."""
    operations = list(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = _PATH_PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Solorun",
            "version": version("solorun"),
            "description": "One run at a time, per project. Started over HTTP, watched live, cancelled for certain.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": root_path or "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(operations),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def problems_of(operation: Operation) -> list[type[Problem]]:
    """All problems that an operation may answer with: its own, and those of every operation of its kind."""
    problems = [*operation.problems, InvalidRequest, HostNotAllowed, TokenRequired, PayloadTooLarge, InternalError]
    if not operation.public or operation.form is not None:
        problems.append(Unauthorized)
    if operation.method in _METHODS_WITH_BODY:
        problems += [CrossOrigin, UnsupportedMediaType]
    return problems


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": list(_parameters(operation)),
        "responses": {**_replies(operation), **_refusals(operation)},
    }
    if operation.body is not None:
        described["requestBody"] = _body("application/json", operation.body)
    if operation.form is not None:
        described["requestBody"] = _body("application/x-www-form-urlencoded", operation.form)
    if operation.public:
        described["security"] = []
    return described


def _parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for name in _PATH_PARAMETER.findall(operation.path):
        yield {"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]}
    for name, description in operation.headers:
        yield {"name": name, "in": "header", "description": description, "schema": {"type": "integer", "minimum": 0}}
    if operation.query is not None:
        (_, schemas) = msgspec.json.schema_components([operation.query])
        for name, member in schemas[operation.query.__name__]["properties"].items():
            schema = _plain(member, schemas)
            yield {"name": name, "in": "query", "description": schema.pop("description", ""), "schema": schema}


def _plain(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without references and null: a parameter that is absent is simply not there."""
    options = [option for option in schema.pop("anyOf", []) if option.get("type") != "null"]
    merged = {**schema, **(options[0] if options else {})}
    if merged.get("default", 0) in (None, (), ""):
        del merged["default"]
    if "$ref" in merged:
        merged |= schemas[merged.pop("$ref").rpartition("/")[2]]
    if "items" in merged:
        merged["items"] = _plain(merged["items"], schemas)
    return merged


def _replies(operation: Operation) -> dict[str, Any]:
    replies: dict[str, Any] = {}
    for reply in operation.replies:
        schema: dict[str, Any] = {}
        if reply.shape is not None:
            schema = {"$ref": _REF.format(name=reply.shape.__name__)}
        elif reply.media_type != "application/json":
            schema = {"type": "string"}
        replies[str(reply.status)] = {
            "description": reply.description,
            "content": {reply.media_type: {"schema": schema}},
        }
    return replies


def _refusals(operation: Operation) -> dict[str, Any]:
    """The problems by their HTTP status: one status may stand for several."""
    slugs: dict[int, list[str]] = {}
    for problem in problems_of(operation):
        slugs.setdefault(PROBLEMS[problem.slug].status.value, []).append(problem.slug)
    return {
        str(status): {
            "description": "Problem: " + ", ".join(f"`{slug}`" for slug in sorted(set(names))),
            "content": {PROBLEM_JSON.decode(): {"schema": {"$ref": _REF.format(name="ProblemDetails")}}},
        }
        for status, names in sorted(slugs.items())
    }


def _body(media_type: str, shape: type[msgspec.Struct]) -> dict[str, Any]:
    return {"content": {media_type: {"schema": {"$ref": _REF.format(name=shape.__name__)}}}}


def _schemas(operations: Iterable[Operation]) -> dict[str, Any]:
    shapes: set[type[msgspec.Struct]] = {ProblemDetails}
    for operation in operations:
        shapes |= {reply.shape for reply in operation.replies if reply.shape is not None}
        shapes |= {shape for shape in (operation.body, operation.form) if shape is not None}
    ordered = sorted(shapes, key=lambda shape: shape.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_REF)
    types = [TYPE_PREFIX + slug for slug in PROBLEMS]
    schemas["ProblemDetails"]["properties"]["type"] = {"type": "string", "enum": [*types, NOT_READY_TYPE]}
    return schemas
