"""Decoders: from JSON, from text and from Python's own values to one type, with every problem told."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import msgspec

from .diagnosis import Problem, diagnose, join_path
from .fields import is_pydantic

__all__ = ("Decoder", "Mismatch", "OneOf", "decoder_of")


class Mismatch(Exception):
    """A value is not of the type that was asked for; `problems` tells each place and what is wrong there."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__("; ".join(f"{path}: {message}" if path else message for path, message in problems))


class Decoder(Protocol):
    """Makes values of one type; each method raises `Mismatch`."""

    def from_json(self, data: bytes) -> Any:
        """Return the value of a JSON text."""

    def from_text(self, value: Any) -> Any:
        """Return the value of texts, alone or by name, which stand for numbers and the like."""

    def from_python(self, value: Any) -> Any:
        """Return what JSON shall carry for a value of the application."""


class _InstanceOfAny(type):
    def __instancecheck__(cls, value: object) -> bool:
        return True  # the members have judged it


class OneOf(metaclass=_InstanceOfAny):
    """A union that msgspec cannot tell apart by itself: the first of `members` that takes a value counts."""

    members: ClassVar[tuple[Any, ...]] = ()


def decoder_of(type_: Any) -> Decoder:
    """Return the decoder of a type; `TypeError` for what nothing converts to."""
    return _PydanticDecoder(type_) if is_pydantic(type_) else _MsgspecDecoder(type_)


class _MsgspecDecoder:
    """Decodes to Structs, dataclasses, TypedDicts and everything else that msgspec knows."""

    def __init__(self, type_: Any) -> None:
        self._type = type_
        self._decode = msgspec.json.Decoder(type_, dec_hook=_strict).decode

    def from_json(self, data: bytes) -> Any:
        try:
            try:
                return self._decode(data)
            except msgspec.ValidationError as error:
                plain = msgspec.json.decode(data)  # as far as the first error nobody has looked whether it is JSON
                raise Mismatch(diagnose(plain, self._type, _convert_strictly, error)) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Mismatch([("", f"is not JSON: {error}")]) from error

    def from_text(self, value: Any) -> Any:
        try:
            return _convert_text(value, self._type)
        except msgspec.ValidationError as error:
            raise Mismatch(diagnose(value, self._type, _convert_text, error)) from error

    def from_python(self, value: Any) -> Any:
        try:
            return msgspec.convert(value, self._type, from_attributes=True, dec_hook=_strict)
        except msgspec.ValidationError as error:
            raise Mismatch(diagnose(value, self._type, _convert_strictly, error)) from error


class _PydanticDecoder:
    """Decodes to pydantic's models, by their own rules."""

    def __init__(self, type_: Any) -> None:
        pydantic: Any = sys.modules["pydantic"]
        self._adapter = pydantic.TypeAdapter(type_)
        self._error: type[Exception] = pydantic.ValidationError

    def from_json(self, data: bytes) -> Any:
        return self._judged(self._adapter.validate_json, data)

    def from_text(self, value: Any) -> Any:
        return self._judged(self._adapter.validate_python, value)

    def from_python(self, value: Any) -> Any:
        def validate(value: Any) -> Any:
            return self._adapter.validate_python(value, from_attributes=True)

        return self._adapter.dump_python(self._judged(validate, value), mode="json", by_alias=True)

    def _judged(self, validate: Callable[[Any], Any], value: Any) -> Any:
        try:
            return validate(value)
        except self._error as error:
            found: Any = error
            problems = [(_path(item["loc"]), item["msg"]) for item in found.errors(include_url=False)]
            raise Mismatch(problems) from error


def _path(place: tuple[str | int, ...]) -> str:
    path = ""
    for part in place:
        path = join_path(path, part)
    return path


def _convert_strictly(value: Any, type_: Any) -> Any:
    return msgspec.convert(value, type_, dec_hook=_strict)


def _convert_text(value: Any, type_: Any) -> Any:
    return msgspec.convert(value, type_, strict=False, dec_hook=_lax)


def _strict(type_: Any, value: Any) -> Any:
    return _custom(type_, value, _convert_strictly)


def _lax(type_: Any, value: Any) -> Any:
    return _custom(type_, value, _convert_text)


def _custom(type_: Any, value: Any, convert: Callable[[Any, Any], Any]) -> Any:
    """Return the value of a class that msgspec does not know; `ValueError` for what it does not take."""
    if issubclass(type_, OneOf):
        return _first_of(type_.members, value, convert)
    if isinstance(value, type_):
        return value  # an uploaded file, for one
    if hasattr(type_, "model_validate"):
        return type_.model_validate(value)
    raise ValueError(f"Expected `{type_.__name__}`, got `{type(value).__name__}`")


def _first_of(members: tuple[Any, ...], value: Any, convert: Callable[[Any, Any], Any]) -> Any:
    reasons = []
    for member in members:
        try:
            return convert(value, member)
        except msgspec.ValidationError as error:
            reasons.append(str(error))
    raise ValueError("is none of the alternatives: " + "; ".join(dict.fromkeys(reasons)))
