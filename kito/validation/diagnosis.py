"""Everything that is wrong with a value: msgspec stops at the first error, people want to know all of them."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable
from types import NoneType
from typing import Annotated, Any, Final

import msgspec

from .fields import Field, fields_of, strip_annotated, union_members

__all__ = ("EXPECTED", "Problem", "diagnose", "join_path", "located")

MAX_PROBLEMS: Final = 100  # that are told of one value; the client mends these first
MAX_VISITS: Final = 10_000  # parts of a value that are looked at: a request must not buy time with its size
EXPECTED: Final = "expected"  # key of a Meta's `extra`: what to say for a text that breaks its pattern

_PLACE: Final = re.compile(r"(?P<text>.*) - at `(?:key in )?\$(?P<path>.*)`", re.DOTALL)
_MISSING: Final = re.compile(r"Object missing required field `(?P<name>.*)`", re.DOTALL)
_SEQUENCES: Final = (list, set, frozenset)

Problem = tuple[str, str]  # a path, "" for the whole, and what is wrong there
Convert = Callable[[Any, Any], Any]  # of a value and a type; raises msgspec.ValidationError


def join_path(path: str, part: str | int) -> str:
    """Return the path of a field or of an item (by its number) of what `path` leads to."""
    if isinstance(part, int):
        return f"{path}[{part}]"
    return f"{path}.{part}" if path and not part.startswith("[") else path + part


def located(error: Exception, path: str = "") -> Problem:
    """Return what an error of msgspec says, and where, behind `path`."""
    text = str(error)
    place = _PLACE.fullmatch(text)
    if place:
        text = place["text"]
        path = join_path(path, place["path"].removeprefix("."))
    missing = _MISSING.fullmatch(text)
    return (join_path(path, missing["name"]), "is required") if missing else (path, text)


def diagnose(value: Any, hint: Any, convert: Convert, first: Exception) -> list[Problem]:
    """Return every problem of a value that is not of the type `hint`, at most `MAX_PROBLEMS`.

    `first` is the error that `convert` has found: it is told where the search leads to nothing.
    """
    search = _Search(convert)
    try:
        search.walk(value, hint, "")
    except _EnoughError:
        pass
    except RecursionError:
        return [located(first)]
    return search.found or [located(first)]


class _EnoughError(Exception):
    """The search has found, or has looked at, as much as it may."""


class _Search:
    """Walks a value along its type."""

    def __init__(self, convert: Convert) -> None:
        self._convert = convert
        self._visits = MAX_VISITS
        self.found: list[Problem] = []

    def walk(self, value: Any, hint: Any, path: str) -> None:
        """Look at a value and what it holds."""
        self._visits -= 1
        if self._visits < 0 or len(self.found) >= MAX_PROBLEMS:
            raise _EnoughError
        members = [member for member in union_members(hint) if member is not NoneType]
        if value is not None and len(members) == 1:
            hint = members[0]
        inner = strip_annotated(hint)
        origin, arguments = typing.get_origin(inner) or inner, typing.get_args(inner)
        fields = fields_of(inner)
        before = len(self.found)
        if isinstance(value, dict) and fields is not None:
            self._fields(value, fields, path)
            if len(self.found) > before or not _judges_itself(origin):
                return
        elif isinstance(value, dict) and origin is dict and arguments:
            for name, item in value.items():
                self.walk(item, arguments[1], join_path(path, str(name)))
        elif isinstance(value, list) and origin in _SEQUENCES and arguments:
            for index, item in enumerate(value):
                self.walk(item, arguments[0], join_path(path, index))
        if len(self.found) == before:
            self._whole(value, hint, path)

    def _fields(self, value: dict[Any, Any], fields: tuple[Field, ...], path: str) -> None:
        for field in fields:
            if field.wire in value:
                self.walk(value[field.wire], field.hint, join_path(path, field.wire))
            elif field.required:
                self.found.append((join_path(path, field.wire), "is required"))

    def _whole(self, value: Any, hint: Any, path: str) -> None:
        try:
            self._convert(value, hint)
        except msgspec.ValidationError as error:
            expected = _expected(hint) if isinstance(value, str) else None
            self.found.append((path, f"Expected {expected}") if expected else located(error, path))


def _judges_itself(cls: Any) -> bool:
    """Whether a class can refuse fields that are right, each by itself."""
    config = getattr(cls, "__struct_config__", None)
    strict = config is not None and (config.tag is not None or config.forbid_unknown_fields)
    return strict or hasattr(cls, "__post_init__")


def _expected(hint: Any) -> str | None:
    """Return what a pattern stands for, in words, where the type tells."""
    if typing.get_origin(hint) is not Annotated:
        return None
    for meta in hint.__metadata__:
        if isinstance(meta, msgspec.Meta) and meta.extra and EXPECTED in meta.extra:
            return str(meta.extra[EXPECTED])
    return None
