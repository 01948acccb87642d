"""JSON Schema: the part of it that says what `t` can say, turned into the same rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from .builders import Rule, Types

__all__ = ("rule_of",)

_t: Final = Types()
# words that say something to people only
_NOTES: Final = {"title", "description", "examples", "deprecated", "$schema", "$id", "$comment"}
_FORMATS: Final[dict[str, Callable[[], Rule]]] = {
    "email": lambda: _t.str().email(),
    "uuid": lambda: _t.str().uuid(),
    "uri": lambda: _t.str().url(),
    "date": _t.date,
    "date-time": _t.datetime,
}
_LENGTHS: Final = (("minLength", "min"), ("maxLength", "max"), ("pattern", "regex"))
_WORDS: Final = {
    "string": {"minLength", "maxLength", "pattern", "format"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
    "boolean": set[str](),
    "null": set[str](),
    "array": {"items", "minItems", "maxItems"},
    "object": {"properties", "required", "additionalProperties"},
}
_ALTERNATIVES: Final = ("anyOf", "oneOf")


def rule_of(source: Any, place: str = "schema") -> Rule:
    """Return the rule that a JSON schema stands for; `TypeError` for a word that is not known, with its place."""
    if not isinstance(source, Mapping):
        raise TypeError(f"{place}: a JSON schema is a dictionary, not {source!r}")
    rule = _rule(source, place)
    if "default" in source:
        try:
            return rule.default(source["default"])
        except TypeError as error:
            raise TypeError(f"{place}: {error}") from None
    return rule


def _rule(source: Mapping[str, Any], place: str) -> Rule:
    words = source.keys() - _NOTES - {"default"}
    for word in _ALTERNATIVES:
        if word in words:
            _refuse(words - {word}, f"{place}, beside {word}")
            return _t.union(*(rule_of(part, f"{place}.{word}[{n}]") for n, part in enumerate(source[word])))
    kind = source.get("type")
    if isinstance(kind, list):
        return _t.union(*(_rule({**source, "type": one}, f"{place}({one})") for one in kind))
    known = _WORDS.get(kind, set()) if isinstance(kind, str) else set()
    if kind is not None and kind not in _WORDS:
        raise TypeError(f"{place}: the type {kind!r} is not known; there are {', '.join(_WORDS)}")
    _refuse(words - known - {"type", "enum", "const"}, place)
    if "const" in source:
        return _t.literal(source["const"])
    if "enum" in source:
        return _t.literal(*source["enum"])
    if kind is None:
        raise TypeError(f"{place}: say the type, which is one of {', '.join(_WORDS)}")
    return _BUILD[kind](source, place)


def _refuse(words: set[str], place: str) -> None:
    if words:
        raise TypeError(f"{place}: {', '.join(sorted(words))} is not understood here")


def _string(source: Mapping[str, Any], place: str) -> Rule:
    name = source.get("format")
    if name is not None and name not in _FORMATS:
        raise TypeError(f"{place}: the format {name!r} is not known; there are {', '.join(_FORMATS)}")
    rule: Any = _FORMATS[name]() if name else _t.str()
    for word, bound in _LENGTHS:
        if word in source:
            if name in ("date", "date-time"):
                raise TypeError(f"{place}: {word} is not understood beside the format {name}")
            rule = getattr(rule, bound)(source[word])
    made: Rule = rule
    return made


def _number(source: Mapping[str, Any], place: str) -> Rule:
    rule = _t.num().int() if source["type"] == "integer" else _t.num()
    bounds = {"minimum": "min", "maximum": "max", "exclusiveMinimum": "above", "exclusiveMaximum": "below"}
    for word, bound in bounds.items():
        if word in source:
            rule = getattr(rule, bound)(source[word])
    return rule


def _array(source: Mapping[str, Any], place: str) -> Rule:
    if "items" not in source:
        raise TypeError(f"{place}: say the items of the array")
    rule = _t.array(rule_of(source["items"], f"{place}.items"))
    for word, bound in (("minItems", "min"), ("maxItems", "max")):
        if word in source:
            rule = getattr(rule, bound)(source[word])
    return rule


def _object(source: Mapping[str, Any], place: str) -> Rule:
    properties = source.get("properties", {})
    required = set(source.get("required", ()))
    _refuse(required - properties.keys(), f"{place}.required")
    more = source.get("additionalProperties", True)
    if not isinstance(more, bool):
        raise TypeError(f"{place}: additionalProperties is True or False here")
    fields = {}
    for name, part in properties.items():
        rule = rule_of(part, f"{place}.{name}")
        fields[name] = rule if name in required or rule.fallback else rule.optional()
    return _t.object(fields, extra="ignore" if more else "forbid")


_BUILD: Final[dict[str, Callable[[Mapping[str, Any], str], Rule]]] = {
    "string": _string,
    "number": _number,
    "integer": _number,
    "boolean": lambda source, place: _t.bool(),
    "null": lambda source, place: _t.literal(None),
    "array": _array,
    "object": _object,
}
