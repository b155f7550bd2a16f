"""Turns JSON bodies and query strings into the structs of the route table, or tells every fault that they have.

msgspec stops at the first fault; when there is one, the members are looked at again one by one.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final, TypeVar, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec

from solorun.errors import FieldError, InvalidRequest

Model = TypeVar("Model", bound=msgspec.Struct)

MAX_QUERY_MEMBERS: Final = 100
_WHOLE_NUMBER: Final = re.compile(r"[0-9]{1,19}", re.ASCII)
_TRUTH: Final = {"1": True, "true": True, "0": False, "false": False}
_PLACE: Final = re.compile(r" - at `.*`", re.DOTALL)


def decode_body(body: bytes, shape: type[Model]) -> Model:
    """The body as a `shape`; an empty one means the defaults. Raises InvalidRequest with all faults."""
    if not body:
        return shape()
    try:
        return msgspec.json.decode(body, type=shape)
    except (ValueError, RecursionError):
        document = _decode_document(body)
    return _convert(document, shape, prefix="/")


def decode_query(query_string: bytes, shape: type[Model]) -> Model:
    """The query string as a `shape`, whose members with a tuple may be repeated. Raises InvalidRequest with all faults.

    A fault's pointer is `?` and the parameter's name.
    """
    if not query_string:
        return shape()
    try:
        pairs = parse_qsl(query_string.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_QUERY_MEMBERS)
    except ValueError as error:
        raise InvalidRequest(errors=[FieldError("?", "too many parameters")]) from error
    readers = _readers(shape)
    document: dict[str, Any] = {}
    faults: list[FieldError] = []
    for name, text in pairs:
        reader = readers.get(name)
        if reader is tuple:
            document.setdefault(name, []).append(text)
        elif name in document:
            faults.append(FieldError("?" + name, "given more than once"))
        else:
            document[name] = _read(text, reader)
    if faults:
        raise InvalidRequest(errors=faults)
    return _convert(document, shape, prefix="?")


def _decode_document(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise InvalidRequest(errors=[FieldError("", "nested too deeply")]) from None
    except ValueError as error:
        raise InvalidRequest(errors=[FieldError("", f"not valid JSON: {error}")]) from None


def _convert(document: Any, shape: type[Model], *, prefix: str) -> Model:
    try:
        return msgspec.convert(document, shape)
    except msgspec.ValidationError as error:
        if not isinstance(document, dict):
            raise InvalidRequest(errors=[FieldError("", _sentence(str(error)))]) from None
    raise InvalidRequest(errors=list(_faults(document, shape, prefix)))


def _faults(document: Mapping[str, Any], shape: type[msgspec.Struct], prefix: str) -> Iterator[FieldError]:
    types = {field.encode_name: field.type for field in msgspec.structs.fields(shape)}
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
        message = _PLACE.sub("", str(error))
        if isinstance(value, dict) and get_origin(type_) is dict:
            # msgspec does not say which of the members it is.
            for name, member in value.items():
                yield from _faults_of_member(member, get_args(type_)[1], f"{pointer}/{_escape(name)}")
        elif words := _words_of(msgspec.inspect.type_info(type_)):
            yield FieldError(pointer, f"must be one of {', '.join(words)}")
        else:
            yield FieldError(pointer, _sentence(message))


def _words_of(schema: msgspec.inspect.Type) -> list[str]:
    """The words of an enum, also where it may be repeated or left out."""
    match schema:
        case msgspec.inspect.Metadata():
            return _words_of(schema.type)
        case msgspec.inspect.VarTupleType():
            return _words_of(schema.item_type)
        case msgspec.inspect.UnionType():
            return [word for member in schema.types for word in _words_of(member)]
        case msgspec.inspect.EnumType():
            return sorted(word.value for word in schema.cls)
        case _:
            return []


def _sentence(message: str) -> str:
    return message.replace("`", "")[:1].lower() + message.replace("`", "")[1:]


def _escape(name: str) -> str:
    return name[:100].replace("~", "~0").replace("/", "~1")


@cache
def _readers(shape: type[msgspec.Struct]) -> dict[str, type]:
    """How each parameter is read from text, by its name."""
    return {
        name: _reader(schema)
        for name, schema in (
            (field.encode_name, msgspec.inspect.type_info(field.type)) for field in msgspec.structs.fields(shape)
        )
    }


def _reader(schema: msgspec.inspect.Type) -> type:
    match schema:
        case msgspec.inspect.UnionType():
            return next(_reader(member) for member in schema.types if not isinstance(member, msgspec.inspect.NoneType))
        case msgspec.inspect.Metadata():
            return _reader(schema.type)
        case msgspec.inspect.IntType():
            return int
        case msgspec.inspect.BoolType():
            return bool
        case msgspec.inspect.VarTupleType():
            return tuple
        case _:
            return str


def _read(text: str, reader: type | None) -> Any:
    """Text as what it stands for; itself when it does not, for the check that follows to refuse."""
    if reader is int and _WHOLE_NUMBER.fullmatch(text):
        return int(text)
    if reader is bool:
        return _TRUTH.get(text, text)
    return text
