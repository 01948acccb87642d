"""The builders behind `t`: rules for values that become the types msgspec validates with."""

from __future__ import annotations

import copy
import datetime
import functools
import operator
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import NoneType
from typing import Annotated, Any, Final, Literal, Self, TypeVar

import msgspec

from .decoding import Mismatch, OneOf, decoder_of
from .diagnosis import EXPECTED
from .fields import strip_annotated, union_members
from .records import Entry, make_record

__all__ = ("Rule", "Types", "as_type")

_FLOAT_MAX: Final = 1.7976931348623157e308  # between this and its negative is no NaN and no infinity

# WHATWG HTML §4.10.5.1.5, and at least one dot in the domain
_LABEL: Final = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL: Final = rf"\A[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})+\Z"
_URL: Final = r"\A[a-zA-Z][a-zA-Z0-9+.-]*://[^\s/?#]+[^\s]*\Z"
_UUID: Final = r"\A[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\Z"
_FLAGS: Final = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x", re.ASCII: "a"}

# Types of which msgspec knows one from the other, also as texts; two of a kind it would merge into one.
_TOLD_APART: Final = {int, float, bool, NoneType}

_Rule = TypeVar("_Rule", bound="Rule")


@dataclass(frozen=True)
class Rule:
    """What a value has to be. Every method returns a new rule."""

    is_optional: bool = False
    fallback: tuple[Any, ...] = ()  # the default, if there is one

    def optional(self) -> Self:
        """Let the value be absent, or null: it is None then."""
        return replace(self, is_optional=True)

    def default(self, value: Any) -> Self:
        """Take `value` where there is none. `TypeError` when it breaks the rule."""
        try:
            made = decoder_of(self.hint()).from_python(value)
        except Mismatch as error:
            raise TypeError(f"the default {value!r} breaks its own rule: {error}") from None
        return replace(self, fallback=(made,))

    def hint(self) -> Any:
        """Return the type of a value that is there."""
        raise NotImplementedError

    @property
    def type(self) -> Any:
        """The type, None included where the value may be absent."""
        return self.hint() | None if self.is_optional else self.hint()

    def entry(self, name: str) -> Entry:
        """Return this rule as the field `name` of an object."""
        if self.fallback:
            return Entry(name, self.type, functools.partial(copy.deepcopy, self.fallback[0]))
        return Entry(name, self.type, (lambda: None) if self.is_optional else None)


def _with(rule: _Rule, **bounds: Any) -> _Rule:
    """Return a rule with other bounds; `TypeError` for what is no bound."""
    for name, value in bounds.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} is a number, not {value!r}")
    return replace(rule, **bounds)


@dataclass(frozen=True)
class SizedRule(Rule):
    """A value with a length: that of a text in characters, that of a list in items."""

    min_length: int | None = None
    max_length: int | None = None

    def min(self, length: int) -> Self:
        """At least so many of them."""
        return _with(self, min_length=length)

    def max(self, length: int) -> Self:
        """At most so many of them."""
        return _with(self, max_length=length)

    def length(self, length: int) -> Self:
        """Exactly so many of them."""
        return _with(self, min_length=length, max_length=length)


@dataclass(frozen=True)
class StrRule(SizedRule):
    """Text."""

    patterns: tuple[tuple[str, str], ...] = ()  # each with what to say of a text that breaks it, "" for itself

    def email(self) -> Self:
        """An e-mail address as HTML forms take it, with a dot in its domain (WHATWG HTML §4.10.5.1.5)."""
        return self._also(_EMAIL, "an e-mail address")

    def url(self) -> Self:
        """An absolute URL with a host (RFC 3986 §3)."""
        return self._also(_URL, "an absolute URL")

    def uuid(self) -> Self:
        """A UUID in its usual form of 36 characters (RFC 9562 §4); the value stays text."""
        return self._also(_UUID, "a UUID")

    def regex(self, pattern: str | re.Pattern[str]) -> Self:
        """Text in which a pattern is found; `re.error` for what is none."""
        compiled = re.compile(pattern)
        flags = "".join(letter for flag, letter in _FLAGS.items() if compiled.flags & flag)
        return self._also(f"(?{flags}:{compiled.pattern})" if flags else compiled.pattern, "")

    def _also(self, pattern: str, expected: str) -> Self:
        return replace(self, patterns=(*self.patterns, (pattern, expected)))

    def hint(self) -> Any:
        if self.min_length is None and self.max_length is None and not self.patterns:
            return str
        pattern, extra = None, None
        if self.patterns:
            texts = [text for text, _ in self.patterns]
            pattern = texts[0] if len(texts) == 1 else "".join(rf"\A(?=[\s\S]*?(?:{text}))" for text in texts)
            words = [word for _, word in self.patterns]
            extra = {EXPECTED: " and ".join(words)} if all(words) else None
        bounds = msgspec.Meta(min_length=self.min_length, max_length=self.max_length, pattern=pattern, extra=extra)
        return Annotated[str, bounds]


@dataclass(frozen=True)
class NumRule(Rule):
    """A number, never NaN nor infinite."""

    ge: float | None = None
    gt: float | None = None
    le: float | None = None
    lt: float | None = None
    whole: bool = False

    def min(self, value: float) -> Self:
        """At least `value`."""
        return _with(self, ge=value)

    def max(self, value: float) -> Self:
        """At most `value`."""
        return _with(self, le=value)

    def above(self, value: float) -> Self:
        """More than `value`."""
        return _with(self, gt=value)

    def below(self, value: float) -> Self:
        """Less than `value`."""
        return _with(self, lt=value)

    def positive(self) -> Self:
        """More than 0."""
        return self.above(0)

    def negative(self) -> Self:
        """Less than 0."""
        return self.below(0)

    def int(self) -> Self:
        """A whole number."""
        return replace(self, whole=True)

    def hint(self) -> Any:
        low = {"gt": self.gt} if self.gt is not None and (self.ge is None or self.gt >= self.ge) else {"ge": self.ge}
        high = {"lt": self.lt} if self.lt is not None and (self.le is None or self.lt <= self.le) else {"le": self.le}
        bounds: dict[str, Any] = {name: value for name, value in (low | high).items() if value is not None}
        whole: Any = Annotated[int, msgspec.Meta(**bounds)] if bounds else int
        if self.whole:
            return whole
        finite: dict[str, Any] = dict(bounds)
        if "gt" not in finite and "ge" not in finite:
            finite["ge"] = -_FLOAT_MAX
        if "lt" not in finite and "le" not in finite:
            finite["le"] = _FLOAT_MAX
        return whole | Annotated[float, msgspec.Meta(**finite)]


@dataclass(frozen=True)
class PlainRule(Rule):
    """A value of one of Python's own types, or one of some literals."""

    kind: Any = None

    def hint(self) -> Any:
        return self.kind


@dataclass(frozen=True)
class ArrayRule(SizedRule):
    """A list whose items follow a rule."""

    item: Any = None

    def hint(self) -> Any:
        items = list[self.item]  # type: ignore[name-defined] # a type that is made here
        if self.min_length is None and self.max_length is None:
            return items
        return Annotated[items, msgspec.Meta(min_length=self.min_length, max_length=self.max_length)]


class Types:
    """Builders of rules for `schema`: `t.str().email()`, `t.num().int().min(1)`, `t.object({...})` ...

    Where a rule is expected, a type that msgspec knows may stand too: `t.array(int)`. Every rule has
    `optional()` and `default(value)`; each call returns a new rule.
    """

    def str(self) -> StrRule:
        """Text: `min max length email url uuid regex`."""
        return StrRule()

    def num(self) -> NumRule:
        """A number: `min max above below positive negative int`."""
        return NumRule()

    def bool(self) -> PlainRule:
        """True or false; in a query also 1 and 0."""
        return PlainRule(kind=bool)

    def date(self) -> PlainRule:
        """A date such as 2026-11-22 (RFC 3339 full-date): a `datetime.date`."""
        return PlainRule(kind=datetime.date)

    def datetime(self) -> PlainRule:
        """A point in time such as 2026-11-22T20:00:00Z (RFC 3339): a `datetime.datetime`."""
        return PlainRule(kind=datetime.datetime)

    def array(self, item: Any) -> ArrayRule:
        """A list of items: `min max length`."""
        return ArrayRule(item=as_type(item))

    def object(self, fields: Mapping[Any, Any], *, extra: Literal["ignore", "forbid"] = "ignore") -> PlainRule:
        """An object with these fields, a rule for each; a value has them as attributes and as items.

        `extra="forbid"` refuses fields that are not named.
        """
        entries = [_entry(name, rule) for name, rule in fields.items()]
        return PlainRule(kind=make_record(entries, forbid_extra=extra == "forbid"))

    def literal(self, *values: Any) -> PlainRule:
        """One of these values: texts, whole numbers, True, False or None."""
        if not values:
            raise TypeError("literal() takes the values that are allowed")
        return _checked(PlainRule(kind=Literal[values]))

    def union(self, *rules: Any) -> PlainRule:
        """What one of these rules takes; where several do, the first of them makes the value."""
        hints = tuple(as_type(rule) for rule in rules)
        if not hints:
            raise TypeError("union() takes the rules of which one has to hold")
        kinds = [strip_annotated(member) for hint in hints for member in union_members(hint)]
        if len(set(kinds)) == len(kinds) and _TOLD_APART.issuperset(kinds):
            return PlainRule(kind=functools.reduce(operator.or_, hints))
        return PlainRule(kind=type("OneOf", (OneOf,), {"members": hints}))


def _checked(rule: PlainRule) -> PlainRule:
    """Return a rule whose type can be decoded; `TypeError` otherwise."""
    decoder_of(rule.kind)
    return rule


def _entry(name: Any, rule: Any) -> Entry:
    return rule.entry(name) if isinstance(rule, Rule) else Entry(name, as_type(rule), None)


def as_type(rule: Any) -> Any:
    """Return the type that a rule, a shape (a dictionary of rules) or a type stands for."""
    if isinstance(rule, Rule):
        return rule.type
    return Types().object(rule).type if isinstance(rule, Mapping) else rule
