"""Readers: from the parts of a request to the values that a handler names, with every problem of all of them."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping
from inspect import Parameter
from types import NoneType
from typing import Any, Final, Protocol

import msgspec

from ..errors import HTTPError, ValidationError
from ..headers import Headers, MultiDict
from ..media_types import FORM_TYPES, is_json, media_type
from .decoding import Decoder, Mismatch, OneOf, decoder_of
from .diagnosis import Problem
from .fields import Field, fields_of, is_pydantic, strip_annotated, union_members

__all__ = ("PARTS", "Reader", "make_reader", "read_all")

# The parts of a request that a handler may name, each with the types that it has without being converted.
PARTS: Final[dict[str, tuple[object, ...]]] = {
    "body": (bytes,),
    "query": (MultiDict,),
    "params": (dict, Mapping),
    "headers": (Headers,),
    "cookies": (dict, Mapping),
}

Reader = Callable[[Any], Any]  # of a request; raises `ValidationError`, or another HTTPError


class _Values(Protocol):
    """What holds several values for a name: a query, a form."""

    def __contains__(self, name: object) -> bool: ...
    def __getitem__(self, name: str) -> Any: ...
    def get_all(self, name: str) -> list[Any]: ...


def make_reader(name: str, type_: Any, default: Any = Parameter.empty, *, is_param: bool = False) -> Reader | None:
    """Return what reads a path parameter, or a part of the request, as a value of a type.

    None means that it stays as it is. `default` is the parameter's, `Parameter.empty` when it has none. The
    reader raises `ValidationError`. Raises `TypeError` for a type that cannot be converted to.
    """
    if type_ in (Any, object):
        return None
    if is_param:
        return None if type_ is str else _param_reader(name, type_)
    if name == "body":
        return _body_reader(type_, default)
    return _fields_reader(name, type_)


def read_all(req: Any, readers: Iterable[Reader]) -> list[Any]:
    """Return what each reader makes of a request; raise one `ValidationError` with the problems of all."""
    values = []
    details: list[Mapping[str, str]] = []
    for read in readers:
        try:
            values.append(read(req))
        except ValidationError as error:
            details += error.details
    if details:
        raise ValidationError(details)
    return values


def _refusal(part: str, problems: Iterable[Problem], prefix: str = "") -> ValidationError:
    return ValidationError({"in": part, "path": prefix + path, "message": message} for path, message in problems)


def _param_reader(name: str, type_: Any) -> Reader:
    _check_known(type_, "int, UUID, datetime or an enum")
    decoder = decoder_of(type_)

    def read(req: Any) -> Any:
        try:
            return decoder.from_text(req.params[name])
        except Mismatch as error:
            raise _refusal("params", error.problems, name) from error

    return read


# === Bodies ===


def _body_reader(type_: Any, default: Any) -> Reader | None:
    """Return the reader of a body: `bytes` as sent, `str` as UTF-8, JSON or a form for everything else.

    An empty body is `default` where the handler has one, and None where the type allows that.
    """
    if type_ is bytes and default is Parameter.empty:
        return None
    members = union_members(type_)
    if NoneType in members and default is Parameter.empty:
        default = None
    inner = [member for member in members if member is not NoneType]
    _check_known(type_, "a Struct, a dataclass or a TypedDict")
    decode = _BodyDecoder(type_, default is not Parameter.empty)
    convert: Reader = decode.structured
    if inner == [bytes]:
        convert = decode.raw
    elif inner == [str]:
        convert = decode.text

    def read(req: Any) -> Any:
        if not req.raw_body and default is not Parameter.empty:
            return default
        try:
            return convert(req)
        except Mismatch as error:
            raise _refusal("body", error.problems) from error

    return read


class _BodyDecoder:
    """Decodes bodies as their content type says."""

    def __init__(self, type_: Any, optional: bool) -> None:
        self._decoder: Decoder = decoder_of(type_)
        named = [member for member in union_members(type_) if fields_of(member) is not None]
        self._form = fields_of(named[0]) if len(named) == 1 else None
        self._optional = optional

    def raw(self, req: Any) -> bytes:
        body: bytes = req.raw_body
        return body

    def text(self, req: Any) -> str:
        try:
            return str(req.raw_body, "utf-8")
        except UnicodeDecodeError as error:
            raise Mismatch([("", f"is not UTF-8: {error.reason} at byte {error.start}")]) from error

    def structured(self, req: Any) -> Any:
        declared = req.header("content-type")
        kind = media_type(declared) if declared else ""
        if kind in FORM_TYPES:
            return self._from_form(req)
        if kind and not is_json(kind):
            raise HTTPError(415, f"a body of the type {kind!r} is not taken here: send application/json")
        if not req.raw_body:
            raise Mismatch([("", "is required")])
        return self._decoder.from_json(req.raw_body)

    def _from_form(self, req: Any) -> Any:
        if self._form is None:
            raise HTTPError(415, "a form is not taken here: send application/json")
        try:
            return self._decoder.from_text(_collect(self._form, req.form()))
        except Mismatch as error:
            if req.raw_body[:1] in (b"{", b"["):
                hint = "looks like JSON but is declared as a form: send content-type: application/json"
                raise Mismatch([("", hint), *error.problems]) from error
            raise


# === Parts with names and values ===


def _fields_reader(part: str, type_: Any) -> Reader | None:
    """Return the reader of a part that has names and values; a list is made where a field takes one."""
    origin = typing.get_origin(type_) or type_
    if origin in PARTS[part] and typing.get_args(type_) in ((), (str, str)):
        return None
    fields = fields_of(type_)
    if fields is None:
        raise TypeError("write a Struct, a dataclass or a TypedDict with the names that are expected")
    decoder = decoder_of(type_)
    plain = part in ("params", "cookies")

    def read(req: Any) -> Any:
        sent = req.headers if part == "headers" else getattr(req, part)
        try:
            if plain:
                return decoder.from_text(dict(sent))
            return decoder.from_text(_collect_headers(fields, sent) if part == "headers" else _collect(fields, sent))
        except Mismatch as error:
            problems = [(_header_name(path), said) for path, said in error.problems]
            raise _refusal(part, problems if part == "headers" else error.problems) from error

    return read


def _collect(fields: tuple[Field, ...], sent: _Values) -> dict[str, Any]:
    """Return one value for each name, or all where the field takes several."""
    several = {field.wire for field in fields if field.takes_several}
    names = typing.cast("Iterable[str]", sent)
    return {name: sent.get_all(name) if name in several else sent[name] for name in names}


def _collect_headers(fields: tuple[Field, ...], sent: _Values) -> dict[str, Any]:
    """Return the values of the headers that are wanted; "_" in the name of a field stands for "-"."""
    wanted = ((field, _header_name(field.wire)) for field in fields)
    return {
        field.wire: sent.get_all(name) if field.takes_several else sent[name] for field, name in wanted if name in sent
    }


def _header_name(wire: str) -> str:
    return wire.replace("_", "-").lower()


def _check_known(type_: Any, examples: str) -> None:
    """Refuse a class that msgspec knows nothing of: no value would ever pass."""
    if is_pydantic(type_):
        return
    for member in union_members(type_):
        info = msgspec.inspect.type_info(strip_annotated(member))
        if isinstance(info, msgspec.inspect.CustomType) and not issubclass(info.cls, OneOf):
            raise TypeError(f"write a type that msgspec converts to, such as {examples}")
