"""Validation: from what came in to the types that a handler names: path parameters, bodies, fields."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from inspect import Parameter
from types import NoneType, UnionType
from typing import Any, Final

import msgspec

from .errors import HTTPError
from .headers import Headers, MultiDict

__all__ = ("PARTS", "Converter", "make_converter")

# The parts of a request that a handler may name, each with the types that it has without being converted.
PARTS: Final[dict[str, tuple[object, ...]]] = {
    "body": (bytes,),
    "query": (MultiDict,),
    "params": (dict, Mapping),
    "headers": (Headers,),
    "cookies": (dict, Mapping),
}

_UNIONS: Final = (typing.Union, UnionType)
_SEVERAL: Final = {
    msgspec.inspect.FrozenSetType,
    msgspec.inspect.ListType,
    msgspec.inspect.SetType,
    msgspec.inspect.TupleType,
    msgspec.inspect.VarTupleType,
}

Converter = Callable[[Any], Any]


def make_converter(name: str, type_: Any, default: Any, *, is_param: bool) -> Converter | None:
    """Return what makes the value of a path parameter or of a part of the request into a type.

    None means that it stays as it is. `default` is the parameter's, `Parameter.empty` when it has none. The
    converter raises `HTTPError(400)`. Raises `TypeError` for a type that cannot be converted to.
    """
    if type_ in (Any, object):
        return None
    if is_param:
        return None if type_ is str else _param_converter(name, type_)
    if name == "body":
        return _body_converter(type_, default)
    return _fields_converter(name, type_)


def _param_converter(name: str, type_: Any) -> Converter:
    """Return the converter of a path parameter."""
    _check_known(type_, "int, UUID, datetime or an enum")

    def convert(value: str) -> Any:
        try:
            return msgspec.convert(value, type_, strict=False)
        except msgspec.ValidationError as error:
            raise HTTPError(400, f"Path parameter {name!r}: {error}") from error

    return convert


def _body_converter(type_: Any, default: Any) -> Converter | None:
    """Return the converter of a body: JSON, but for `bytes` (as sent) and `str` (UTF-8).

    An empty body is `default` where the handler has one, and None where the type allows that.
    """
    if type_ is bytes and default is Parameter.empty:
        return None
    members = typing.get_args(type_) if typing.get_origin(type_) in _UNIONS else (type_,)
    if NoneType in members and default is Parameter.empty:
        default = None
    inner = [member for member in members if member is not NoneType]
    _check_known(type_, "a Struct, a dataclass or a TypedDict")
    decode: Converter
    if inner == [bytes]:
        decode = bytes
    elif inner == [str]:
        decode = bytes.decode
    else:
        decode = msgspec.json.Decoder(type_).decode

    def convert(body: bytes) -> Any:
        if not body and default is not Parameter.empty:
            return default
        try:
            return decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise HTTPError(400, f"Request body: {error}") from error

    return convert


def _fields_converter(part: str, type_: Any) -> Converter | None:
    """Return the converter of a part that has names and values; a list is made where a field takes one."""
    origin = typing.get_origin(type_) or type_
    if origin in PARTS[part] and typing.get_args(type_) in ((), (str, str)):
        return None
    if not isinstance(origin, type) or not (
        issubclass(origin, msgspec.Struct) or is_dataclass(origin) or typing.is_typeddict(origin)
    ):
        raise TypeError("write a Struct, a dataclass or a TypedDict with the names that are expected")
    collect = _collector(part, type_)

    def convert(fields: Any) -> Any:
        try:
            return msgspec.convert(collect(fields), type_, strict=False)
        except msgspec.ValidationError as error:
            raise HTTPError(400, f"Request {part}: {error}") from error

    return convert


def _collector(part: str, type_: Any) -> Converter:
    """Return what makes a plain dictionary of a part: one value a name, or all where the type takes several.

    The name of a header has "_" for "-" there.
    """
    if part in ("params", "cookies"):
        return dict
    info: Any = msgspec.inspect.type_info(type_)
    several = {field.encode_name for field in info.fields if not _SEVERAL.isdisjoint(_kinds(field.type))}

    def collect(fields: Headers | MultiDict) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for name in fields:
            key = name.replace("-", "_") if part == "headers" else name
            values[key] = fields.get_all(name) if key in several else fields[name]
        return values

    return collect


def _kinds(info: msgspec.inspect.Type) -> set[type]:
    """Return the classes of msgspec's view of a type; of a union those of its members."""
    members = info.types if isinstance(info, msgspec.inspect.UnionType) else (info,)
    return {type(member) for member in members}


def _check_known(type_: Any, examples: str) -> None:
    """Refuse a class that msgspec knows nothing of: no value would ever pass."""
    if msgspec.inspect.CustomType in _kinds(msgspec.inspect.type_info(type_)):
        raise TypeError(f"write a type that msgspec converts to, such as {examples}")
