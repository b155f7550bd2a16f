"""Decodes JSON bodies and query strings into structs, and reports every error in them, up to a limit.

msgspec stops at the first error. If there is one, the members are validated again, one by one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from msgspec.inspect import BoolType, EnumType, IntType, Metadata, NoneType, Type, UnionType, VarTupleType, type_info

from solorun.errors import FieldError, InvalidRequest

Model = TypeVar("Model", bound=msgspec.Struct)

MAX_QUERY_MEMBERS: Final = 100
_INTEGER: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_BOOLEANS: Final = {"1": True, "true": True, "0": False, "false": False}
_LOCATION: Final = re.compile(r" - at `.*`", re.DOTALL)


class InvalidMembers(InvalidRequest):
    """Some members are invalid. `valid` is the model of the others, with the defaults of these."""

    def __init__(self, errors: Iterable[FieldError], valid: Any) -> None:
        super().__init__(errors=errors)
        self.valid = valid


def decode_body(body: bytes, model: type[Model]) -> Model:
    """The body as a `model`; an empty body gives the defaults. Raises InvalidRequest with the errors, InvalidMembers if
    the body is an object.
    """
    if not body:
        return model()
    try:
        return msgspec.json.decode(body, type=model)
    except (ValueError, RecursionError):
        document = _decode_document(body)
    return _convert(document, model, prefix="/")


def decode_query(query_string: bytes, model: type[Model]) -> Model:
    """The query string as a `model`; parameters whose type is a tuple are repeatable.

    Raises InvalidRequest with every error; an error's pointer is `?` and the parameter's name.
    """
    if not query_string:
        return model()
    try:
        pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_QUERY_MEMBERS)
    except ValueError as error:
        raise InvalidRequest(errors=[FieldError("?", "too many parameters")]) from error
    schemas = _schemas(model)
    document: dict[str, Any] = {}
    faults: list[FieldError] = []
    for name, text in pairs:
        schema = schemas.get(name)
        if isinstance(schema, VarTupleType):
            document.setdefault(name, []).append(text)
        elif name in document:
            faults.append(FieldError("?" + name, "given more than once"))
        else:
            document[name] = _parse(text, schema)
    if faults:
        raise InvalidRequest(errors=faults)
    return _convert(document, model, prefix="?")


def _decode_document(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise InvalidRequest(errors=[FieldError("", "nested too deeply")]) from None
    except ValueError as error:
        raise InvalidRequest(errors=[FieldError("", f"not valid JSON: {error}")]) from None


def _convert(document: Any, model: type[Model], *, prefix: str) -> Model:
    try:
        return msgspec.convert(document, model)
    except msgspec.ValidationError as error:
        if not isinstance(document, dict):
            raise InvalidRequest(errors=[FieldError("", _sentence(str(error)))]) from None
    types = {field.encode_name: field.type for field in msgspec.structs.fields(model)}
    valid = {
        name: document[name]
        for name in types
        if name in document and next(_faults_of_member(document[name], types[name], ""), None) is None
    }
    raise InvalidMembers(_faults(document, types, prefix), msgspec.convert(valid, model))


def _faults(document: Mapping[str, Any], types: Mapping[str, Any], prefix: str) -> Iterator[FieldError]:
    for name, value in document.items():
        if name in types:
            yield from _faults_of_member(value, types[name], prefix + name)
        else:
            known = ", ".join(types) or "none"
            yield FieldError(prefix + _escape(name), f"unknown; known here: {known}")


def _faults_of_member(value: Any, type_: Any, pointer: str) -> Iterator[FieldError]:
    try:
        msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        message = _LOCATION.sub("", str(error))
        if isinstance(value, dict) and get_origin(type_) is dict:
            # msgspec does not say which member is wrong.
            for name, member in value.items():
                yield from _faults_of_member(member, get_args(type_)[1], f"{pointer}/{_escape(name)}")
        elif values := _enum_values(type_):
            yield FieldError(pointer, f"must be one of {', '.join(values)}")
        else:
            yield FieldError(pointer, _sentence(message))


def _enum_values(type_: Any) -> list[str]:
    """The values of an enum, even if it is repeatable or optional; [] for any other type."""
    schema = _unwrap(type_info(type_))
    if isinstance(schema, VarTupleType):
        schema = _unwrap(schema.item_type)
    return sorted(member.value for member in schema.cls) if isinstance(schema, EnumType) else []


def _sentence(message: str) -> str:
    return message.replace("`", "")[:1].lower() + message.replace("`", "")[1:]


def _escape(name: str) -> str:
    return name[:100].replace("~", "~0").replace("/", "~1")


@cache
def _schemas(model: type[msgspec.Struct]) -> dict[str, Type]:
    """The type of each parameter, by name."""
    return {field.encode_name: _unwrap(type_info(field.type)) for field in msgspec.structs.fields(model)}


def _unwrap(schema: Type) -> Type:
    """The type without its constraints, and without None."""
    if isinstance(schema, Metadata):
        return _unwrap(schema.type)
    if isinstance(schema, UnionType):
        return _unwrap(next(one for one in schema.types if not isinstance(one, NoneType)))
    return schema


def _parse(text: str, schema: Type | None) -> Any:
    """The parsed value, or the text itself if it cannot be parsed: the validation that follows rejects it."""
    if isinstance(schema, IntType) and _INTEGER.fullmatch(text):
        return int(text)
    if isinstance(schema, BoolType):
        return _BOOLEANS.get(text, text)
    return text
