"""The OpenAPI 3.1 document, built from the route table and the structs that it names, and its handler."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Final

import msgspec

from solorun.api.path_parameters import PATH_PARAMETERS
from solorun.api.problems import PROBLEM_JSON, TYPE_PREFIX, UNTYPED
from solorun.api.route import route
from solorun.api.state import State
from solorun.errors import (
    PROBLEMS,
    CrossOrigin,
    Forbidden,
    HostNotAllowed,
    InternalError,
    InvalidRequest,
    PayloadTooLarge,
    Problem,
    RepeatedHeader,
    StoreUnavailable,
    TokenRequired,
    Unauthorized,
    UnsupportedMediaType,
)
from solorun.http.operation import Operation, ResponseSpec
from solorun.http.request import Request
from solorun.http.responses import Response
from solorun.wire.encoding import encode
from solorun.wire.problems import ProblemDetails

Operations = Sequence[Operation[Any]]

_REF: Final = "#/components/schemas/{name}"
_PATH_PARAMETER: Final = re.compile(r"\{(\w+)(?::\w+)?\}")
_SAFE_METHODS: Final = frozenset({"GET", "HEAD"})


@route(
    "GET /openapi.json",
    id="openapi",
    summary="This OpenAPI document",
    responses=(ResponseSpec(200, "The document"),),
    tag="service",
)
async def show_document(state: State, request: Request) -> Response:
    return Response(_encode_document(state.operations, request.root_path))


def document(operations: Operations, root_path: str = "") -> dict[str, Any]:
    """The whole document as plain values. All paths are relative to `root_path`."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = _PATH_PARAMETER.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Solorun",
            "version": version("solorun"),
            "description": "Runs jobs that must never overlap: start them, watch them live, cancel them reliably.",
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


@lru_cache(maxsize=8)
def _encode_document(operations: Operations, root_path: str) -> bytes:
    return encode(document(operations, root_path))


def problems_of(operation: Operation[Any]) -> list[type[Problem]]:
    """Every problem that an operation may return: its own, and those of all operations of its kind."""
    problems = [*operation.problems, InvalidRequest, RepeatedHeader, HostNotAllowed, PayloadTooLarge, InternalError]
    if operation.verifies_itself:
        return problems
    problems.append(TokenRequired)
    if not operation.public or operation.form is not None:
        problems.append(Unauthorized)
        if StoreUnavailable not in problems:  # a session is looked up in the store
            problems.append(StoreUnavailable)
    if not operation.public:
        problems.append(Forbidden)
    if operation.method not in _SAFE_METHODS or operation.path.startswith("/api/"):
        problems.append(CrossOrigin)
    if operation.body is not None or operation.form is not None:
        problems.append(UnsupportedMediaType)
    return problems


def _describe(operation: Operation[Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": list(_parameters(operation)),
        "responses": {**_successes(operation), **_failures(operation)},
    }
    if operation.body is not None:
        described["requestBody"] = _body("application/json", operation.body)
    if operation.form is not None:
        described["requestBody"] = _body("application/x-www-form-urlencoded", operation.form)
    if operation.verifies_itself:
        described["requestBody"] = {"content": {"application/json": {"schema": {}}}}
    if operation.public or operation.verifies_itself:
        described["security"] = []
    return described


def _parameters(operation: Operation[Any]) -> Iterator[dict[str, Any]]:
    for name in _PATH_PARAMETER.findall(operation.path):
        yield {"name": name, "in": "path", "required": True, **PATH_PARAMETERS[name]}
    for header in operation.headers:
        schema = msgspec.json.schema(header.type)
        yield {"name": header.name, "in": "header", "description": header.description, "schema": schema}
    if operation.query is not None:
        _, schemas = msgspec.json.schema_components([operation.query])
        for name, member in schemas[operation.query.__name__]["properties"].items():
            schema = _inline(member, schemas)
            yield {"name": name, "in": "query", "description": schema.pop("description", ""), "schema": schema}


def _inline(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without references and without null: an optional parameter is simply left out."""
    options = [option for option in schema.pop("anyOf", []) if option.get("type") != "null"]
    merged = {**schema, **(options[0] if options else {})}
    if merged.get("default", 0) in (None, (), ""):
        del merged["default"]
    if "$ref" in merged:
        merged |= schemas[merged.pop("$ref").rpartition("/")[2]]
    if "items" in merged:
        merged["items"] = _inline(merged["items"], schemas)
    return merged


def _successes(operation: Operation[Any]) -> dict[str, Any]:
    """The responses by HTTP status; two may share one."""
    responses: dict[str, Any] = {}
    for spec in operation.responses:
        schema: dict[str, Any] = {}
        if spec.model is not None:
            schema = {"$ref": _REF.format(name=spec.model.__name__)}
        elif spec.media_type != "application/json":
            schema = {"type": "string"}
        description = spec.description
        if (other := responses.get(str(spec.status))) is not None:
            description = f"{other['description']}. {description}"
            schema = {"anyOf": [other["content"][spec.media_type]["schema"], schema]}
        responses[str(spec.status)] = {
            "description": description,
            "content": {spec.media_type: {"schema": schema}},
        }
    return responses


def _failures(operation: Operation[Any]) -> dict[str, Any]:
    """The problems by HTTP status; several may share one."""
    slugs: dict[int, set[str]] = {}
    for problem in problems_of(operation):
        slugs.setdefault(problem.status.value, set()).add(problem.slug)
    return {
        str(status): {
            "description": "Problem: " + ", ".join(f"`{slug}`" for slug in sorted(names)),
            "content": {PROBLEM_JSON.decode(): {"schema": {"$ref": _REF.format(name="ProblemDetails")}}},
        }
        for status, names in sorted(slugs.items())
    }


def _body(media_type: str, model: type[msgspec.Struct]) -> dict[str, Any]:
    return {"content": {media_type: {"schema": {"$ref": _REF.format(name=model.__name__)}}}}


def _schemas(operations: Operations) -> dict[str, Any]:
    models: set[type[msgspec.Struct]] = {ProblemDetails}
    for operation in operations:
        models |= {spec.model for spec in operation.responses if spec.model is not None}
        models |= {model for model in (operation.body, operation.form) if model is not None}
    ordered = sorted(models, key=lambda model: model.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template=_REF)
    types = [*(TYPE_PREFIX + slug for slug in PROBLEMS), UNTYPED]
    schemas["ProblemDetails"]["properties"]["type"] = {"type": "string", "enum": types}
    return schemas
