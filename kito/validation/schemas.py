"""Schemas: what a route expects of each part of a request, and what it answers with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from .builders import as_type
from .decoding import decoder_of
from .fields import plain_fields
from .json_schema import rule_of
from .parts import PARTS, Reader, make_reader

__all__ = ("Schema", "SchemaMaker")

_ORDER: Final = ("params", "query", "headers", "cookies", "body")
_ABSENT: Final = object()


class Schema:
    """What a route expects and answers; made by `schema()`, given to routes as `schema=`.

    `parts` has a type for each part of the request that is validated, `response` a type for each status; the
    key None stands for every status from 200 to 299 that has none of its own.
    """

    __slots__ = ("parts", "readers", "response")

    def __init__(self, parts: Mapping[str, Any], response: Mapping[int | None, Any]) -> None:
        self.parts = {name: parts[name] for name in _ORDER if name in parts}
        self.response = dict(response)
        self.readers = [_replacing(name, type_) for name, type_ in self.parts.items()]
        for type_ in self.response.values():
            decoder_of(type_)

    def __repr__(self) -> str:
        return f"<Schema {' '.join(self.parts)}{' response' if self.response else ''}>"


def _replacing(part: str, type_: Any) -> Reader:
    """Return a reader that puts what it reads in the place of what was sent."""
    try:
        read = make_reader(part, type_)
    except TypeError as error:
        raise TypeError(f"schema: nothing converts {part} to {type_!r}: {error}") from None

    def replace(req: Any) -> None:
        value = getattr(req, part) if read is None else read(req)
        if part == "params":
            req.params = req.params | plain_fields(value, type_)
        else:
            req._checked = {**(req._checked or {}), part: value}

    return replace


class SchemaMaker:
    """Declare what a route expects: `schema(params=, query=, body=, headers=, cookies=, response=)`.

    Each part is a Struct, a dataclass, a TypedDict, a pydantic model, a rule of `t`, or a dictionary of rules;
    a body may be any type. The same as one dictionary: `schema({"query": {...}})`. What validation makes takes
    the place of what was sent: `req.query` and the like, and the parameters of the handler. Values that are
    not as declared are answered with 400 and all of them in `details`. `response` is a type for what the
    handler answers with a status from 200 to 299, or a dictionary of statuses and types.

    `schema.json({...})` takes JSON schemas for the same parts. Raises `TypeError` for what cannot be meant.
    """

    def __call__(
        self,
        definition: Mapping[str, Any] | None = None,
        /,
        *,
        params: Any = _ABSENT,
        query: Any = _ABSENT,
        body: Any = _ABSENT,
        headers: Any = _ABSENT,
        cookies: Any = _ABSENT,
        response: Any = _ABSENT,
    ) -> Schema:
        """Return the schema of a route."""
        named = {"params": params, "query": query, "body": body, "headers": headers, "cookies": cookies}
        given = {name: part for name, part in {**named, "response": response}.items() if part is not _ABSENT}
        return _make({**(definition or {}), **given}, as_type)

    def json(self, definition: Mapping[str, Any], /) -> Schema:
        """Return the schema of a route from JSON schemas: `schema.json({"query": {"type": "object", ...}})`."""
        return _make(definition, lambda part: rule_of(part).type)


def _make(definition: Mapping[str, Any], to_type: Any) -> Schema:
    unknown = definition.keys() - {*PARTS, "response"}
    if unknown:
        raise TypeError(f"a schema has {', '.join(_ORDER)} and response, not {', '.join(sorted(map(str, unknown)))}")
    parts = {name: to_type(part) for name, part in definition.items() if name != "response"}
    response = definition.get("response", {})
    if isinstance(response, Mapping) and response and all(str(status).isdigit() for status in response):
        return Schema(parts, {int(status): to_type(part) for status, part in response.items()})
    return Schema(parts, {None: to_type(response)} if "response" in definition else {})
