"""Records: classes made of named rules, whose values have their fields as attributes and as items."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, ItemsView, Iterable, KeysView
from typing import Any, NamedTuple

import msgspec

__all__ = ("Entry", "Record", "make_record")


class Entry(NamedTuple):
    """A field of a record: its name on the wire, its type, and what makes its default (None: it is required)."""

    name: str
    hint: Any
    default: Callable[[], Any] | None


class Record(msgspec.Struct):
    """A value of `t.object({...})`: `value.name` and `value["name"]` are the same.

    A name that is no Python name is an item only: `value["x-token"]`.
    """

    def __getitem__(self, name: str) -> Any:
        cls = type(self)
        try:
            index = cls.__struct_encode_fields__.index(name)
        except ValueError:
            raise KeyError(name) from None
        return getattr(self, cls.__struct_fields__[index])

    def __contains__(self, name: object) -> bool:
        return name in type(self).__struct_encode_fields__

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field by its name on the wire, `default` where the record has none of that name."""
        try:
            return self[name]
        except KeyError:
            return default

    def keys(self) -> KeysView[str]:
        """Return the names of the fields."""
        return dict.fromkeys(type(self).__struct_encode_fields__).keys()

    def items(self) -> ItemsView[str, Any]:
        """Return the names of the fields with their values."""
        return {name: self[name] for name in type(self).__struct_encode_fields__}.items()


def make_record(entries: Iterable[Entry], *, forbid_extra: bool = False) -> type[Record]:
    """Return the class of records with these fields; `TypeError` for a name that is no text."""
    fields: list[Any] = []
    wire: dict[str, str] = {}
    for entry in entries:
        if not isinstance(entry.name, str):
            raise TypeError(f"the name of a field is a text, not {entry.name!r}")
        name = _attribute(entry.name, wire)
        wire[name] = entry.name
        default = {} if entry.default is None else {"default_factory": entry.default}
        fields.append((name, entry.hint, msgspec.field(name=entry.name, **default)))
    made: Any = msgspec.defstruct("Record", fields, bases=(Record,), kw_only=True, forbid_unknown_fields=forbid_extra)
    cls: type[Record] = made
    return cls


def _attribute(wire: str, taken: Iterable[str]) -> str:
    """Return a Python name for a field that nothing else in the record has."""
    name = re.sub(r"\W", "_", wire)
    if not name.isidentifier() or keyword.iskeyword(name) or name.startswith("__"):
        name = f"field_{name}"
    while name in taken or (name != wire and hasattr(Record, name)):
        name += "_"
    return name
