"""The fields of a class that holds named values: of a Struct, a dataclass, a TypedDict, or a pydantic model."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, NamedTuple

import msgspec

__all__ = ("Field", "fields_of", "is_pydantic", "plain_fields", "strip_annotated", "union_members")

_UNIONS: Final = (typing.Union, types.UnionType)
_WRAPPERS: Final = (typing.Required, typing.NotRequired)
_SEVERAL: Final = (list, set, frozenset, tuple)


class Field(NamedTuple):
    """A field: its name in Python, its name on the wire, its type, and whether it has to be there."""

    name: str
    wire: str
    hint: Any
    required: bool

    @property
    def takes_several(self) -> bool:
        """Whether its value is a collection, for which every value of a repeated name counts."""
        members = [strip_annotated(member) for member in union_members(self.hint)]
        return any((typing.get_origin(member) or member) in _SEVERAL for member in members)


def strip_annotated(hint: Any) -> Any:
    """Return a type without the metadata around it."""
    while typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    return hint


def union_members(hint: Any) -> tuple[Any, ...]:
    """Return the members of a union, and of any other type the type alone."""
    inner = strip_annotated(hint)
    return typing.get_args(inner) if typing.get_origin(inner) in _UNIONS else (hint,)


def is_pydantic(hint: Any) -> bool:
    """Whether a type is pydantic's, or holds one that is; pydantic is never imported to find out."""
    if "pydantic" not in sys.modules:
        return False
    if isinstance(hint, type) and hasattr(hint, "__pydantic_validator__"):
        return True
    return any(is_pydantic(member) for member in typing.get_args(hint))


@lru_cache(maxsize=1024)
def fields_of(hint: Any) -> tuple[Field, ...] | None:
    """Return the fields of a class with named values, None for any other type."""
    hint = strip_annotated(hint)
    cls = typing.get_origin(hint) or hint
    if not isinstance(cls, type):
        return None
    if issubclass(cls, msgspec.Struct):
        return tuple(Field(f.name, f.encode_name, f.type, f.required) for f in msgspec.structs.fields(hint))
    if hasattr(cls, "model_fields") and is_pydantic(cls):
        return tuple(_model_field(name, info) for name, info in cls.model_fields.items())
    if dataclasses.is_dataclass(cls):
        hints = typing.get_type_hints(cls, include_extras=True)
        return tuple(Field(f.name, f.name, hints[f.name], _is_required(f)) for f in dataclasses.fields(cls))
    if typing.is_typeddict(cls):
        hints = typing.get_type_hints(cls, include_extras=True)
        required = cls.__required_keys__  # type: ignore[attr-defined] # a TypedDict has it
        return tuple(Field(name, name, _unwrapped(hint), name in required) for name, hint in hints.items())
    return None


def _model_field(name: str, info: Any) -> Field:
    alias = info.validation_alias if isinstance(info.validation_alias, str) else info.alias
    return Field(name, alias or name, info.annotation, info.is_required())


def _is_required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _unwrapped(hint: Any) -> Any:
    """Return the type of a TypedDict's item without the word that says whether it must be there."""
    return typing.get_args(hint)[0] if typing.get_origin(hint) in _WRAPPERS else hint


def plain_fields(value: Any, hint: Any) -> dict[str, Any]:
    """Return the values of an instance of a class with named values, by their names on the wire."""
    if isinstance(value, Mapping):
        return dict(value)
    return {field.wire: getattr(value, field.name) for field in fields_of(hint) or ()}
