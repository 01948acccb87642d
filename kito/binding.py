"""What a handler asks for by the names of its parameters, resolved once into a specialised caller."""

from __future__ import annotations

import contextlib
import difflib
import functools
import inspect
import sys
import typing
from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from .validation import PARTS, Reader, Schema, contract_class, make_reader, read_all

__all__ = (
    "CALL_CTX",
    "CALL_GENERAL",
    "CALL_NONE",
    "CALL_REQ",
    "CALL_REQ_RES",
    "CALL_RES",
    "CALL_RES_REQ",
    "PARTS",
    "Binding",
    "bind",
)

# How a handler is called. The first six are calls that the core makes itself.
CALL_NONE: Final = 0  # handler()
CALL_RES: Final = 1  # handler(res)
CALL_REQ: Final = 2  # handler(req)
CALL_REQ_RES: Final = 3  # handler(req, res)
CALL_RES_REQ: Final = 4  # handler(res, req)
CALL_CTX: Final = 5  # handler(ctx)
CALL_GENERAL: Final = 6  # call(req, res): a caller made for this one handler

_NATIVE: Final[dict[tuple[str, ...], int]] = {
    (): CALL_NONE,
    ("res",): CALL_RES,
    ("req",): CALL_REQ,
    ("req", "res"): CALL_REQ_RES,
    ("res", "req"): CALL_RES_REQ,
    ("ctx",): CALL_CTX,
}

# What every handler may ask for, as an expression over `req` and `res`.
_OBJECTS: Final = {"ctx": "req.ctx", "req": "req", "res": "res"}

# From 3.14 on, annotations are evaluated when they are asked for: names that exist for type checkers only
# must not fail where nobody needs them.
_SIGNATURE_OPTIONS: Final[dict[str, Any]] = {}
if sys.version_info >= (3, 14):
    import annotationlib

    _SIGNATURE_OPTIONS["annotation_format"] = annotationlib.Format.FORWARDREF

_EMPTY: Final = inspect.Parameter.empty
_POSITIONAL_ONLY: Final = inspect.Parameter.POSITIONAL_ONLY
_KEYWORD_ONLY: Final = inspect.Parameter.KEYWORD_ONLY
_VARIADIC: Final = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

Handler = Callable[..., Any]


class Binding(NamedTuple):
    """How to call a handler.

    kind: one of the CALL_ constants. call: the handler itself, or with CALL_GENERAL a function of
    `(req, res)` that returns what the handler returns; it raises `HTTPError(400)`, before the handler runs,
    when a value does not convert. is_async, is_generator, is_async_generator: what a call gives. names: what
    the handler asked for, in the order of its parameters.
    """

    kind: int
    call: Handler
    is_async: bool
    is_generator: bool
    is_async_generator: bool
    names: tuple[str, ...]


class _Names(NamedTuple):
    """What a handler may ask for."""

    params: tuple[str, ...]
    extensions: tuple[str, ...]

    def source(self, name: str) -> str | None:
        """Return the expression over `req` and `res` that a name stands for; None when it is unknown."""
        if name in _OBJECTS:
            return _OBJECTS[name]
        if name in self.params:
            return f"req.params[{name!r}]"
        if name in PARTS:
            return f"req.{name}"
        return f"req.ctx.{name}" if name in self.extensions else None

    def __str__(self) -> str:
        groups = {"path parameters": self.params, "parts": tuple(PARTS), "extensions": self.extensions}
        listed = [f"{kind} {', '.join(names)}" for kind, names in groups.items() if names]
        return "; ".join([", ".join(_OBJECTS), *listed])

    def all(self) -> list[str]:
        """Return every name."""
        return [*_OBJECTS, *self.params, *PARTS, *self.extensions]


def bind(
    handler: Handler,
    *,
    params: tuple[str, ...] = (),
    extensions: Collection[str] = (),
    schema: Schema | None = None,
) -> Binding:
    """Resolve what a handler asks for; once, when its route is registered.

    Its parameters may be called `ctx`, `req`, `res`; as a path parameter in `params`; as a part of the request (`body
    query params headers cookies`); or as an extension. Where a name is several of these, the first in this order is
    meant: a path parameter `:body` hides the part. A parameter with a default and an unknown name keeps its default; a
    single parameter of an unknown name receives `ctx`; `*args` and `**kwargs` beside others receive nothing.

    Annotations of path parameters and parts convert with msgspec: `id: int`, `day: datetime.date`, `body: Item` (JSON
    or a form; `bytes` as sent, `str` as UTF-8), `query: Filter` (a Struct, dataclass or TypedDict), and pydantic's
    models by pydantic. What does not convert raises one `ValidationError` at the request. The parts that a `schema` has
    are validated by it, asked for or not, and handed on as it made them.

    Raises `TypeError` for a handler that cannot be called, an unknown name, or an annotation that cannot be resolved or
    converted to; the message names handler and parameter.
    """
    signature = _signature(handler)
    names = _Names(tuple(params), tuple(extensions))
    wanted = _wanted(handler, signature, names)
    caller = _Caller(handler, names, schema)
    for parameter in signature.parameters.values():
        caller.add(parameter, wanted.get(parameter.name))
    kind, call = caller.make()
    routine = _routine(handler)
    return Binding(
        kind,
        call,
        inspect.iscoroutinefunction(routine),
        inspect.isgeneratorfunction(routine),
        inspect.isasyncgenfunction(routine),
        tuple(wanted.values()),
    )


def _routine(handler: Any) -> Any:
    """Return the function or method that runs when a handler is called."""
    inner: Any = handler.func if isinstance(handler, functools.partial) else handler
    return inner if inspect.isroutine(inner) else inner.__call__


def _signature(handler: Handler) -> inspect.Signature:
    """Return the signature of a handler; `TypeError` for what is none."""
    if isinstance(handler, type):
        raise TypeError(f"{handler.__qualname__} is a class: register a function or an instance's method")
    if not callable(handler):
        raise TypeError(f"a handler is a function or another callable, not {handler!r}")
    try:
        return inspect.signature(handler, **_SIGNATURE_OPTIONS)
    except ValueError:
        raise TypeError(f"{handler!r} does not tell its parameters: write a def around it") from None


def _wanted(handler: Handler, signature: inspect.Signature, names: _Names) -> dict[str, str]:
    """Return which parameters receive something, and what, by name."""
    given = handler.keywords if isinstance(handler, functools.partial) else {}
    named = [p for p in signature.parameters.values() if p.kind not in _VARIADIC]
    if signature.parameters and not named:
        raise TypeError(
            f"{_describe(handler)} hides what it asks for behind *args and **kwargs: "
            "decorate the function inside with functools.wraps"
        )
    needed = [p for p in named if p.name not in given and (p.default is _EMPTY or names.source(p.name))]
    if len(needed) == 1 and not names.source(needed[0].name) and needed[0].name != "self":
        return {needed[0].name: "ctx"}
    for parameter in needed:
        if not names.source(parameter.name):
            taken = {p.name for p in needed}
            raise TypeError(_unknown(handler, parameter.name, names, taken))
    return {p.name: p.name for p in needed}


def _describe(handler: Handler) -> str:
    """Return the name by which to speak of a handler in a message."""
    inner = handler.func if isinstance(handler, functools.partial) else handler
    return f"the handler {getattr(inner, '__qualname__', type(inner).__qualname__)}"


def _unknown(handler: Handler, name: str, names: _Names, taken: Collection[str]) -> str:
    """Return the message for a parameter that nothing is known for; `taken` are the handler's parameters."""
    problem = f"{_describe(handler)} asks for {name!r}, which is not known"
    near = difflib.get_close_matches(name, [other for other in names.all() if other not in taken], n=1)
    if name == "self":
        hint = "register the method of an instance, which has it bound"
    elif near:
        hint = f"did you mean {near[0]!r}?"
    else:
        hint = "rename it or give it a default"
    return f"{problem}: {hint} (there are {names})"


class _Caller:
    """Collects the arguments of one handler, then makes the function that calls it."""

    def __init__(self, handler: Handler, names: _Names, schema: Schema | None) -> None:
        self._handler = handler
        self._names = names
        self._schema = schema
        self._readers: list[Reader] = []  # what the arguments `values[0]`, `values[1]` ... come from
        self._arguments: list[str] = []  # source of the call's arguments
        self._plain: list[str] | None = []  # the names, while each is simply the next positional argument
        self._skipped = False  # whether a parameter kept its default: the ones behind it go by keyword
        self._space: dict[str, Any] = {"handler": handler}  # what the source may refer to

    def add(self, parameter: inspect.Parameter, name: str | None) -> None:
        """Append the argument for a parameter: what `name` stands for, or nothing when that is None."""
        if parameter.kind in _VARIADIC:
            return
        if name is None:
            self._skip(parameter)
            return
        source = self._names.source(name)
        reader = _reader(self._handler, parameter, self._names, self._schema)
        if reader is not None:
            source = f"values[{len(self._readers)}]"
            self._readers.append(reader)
        if self._skipped or parameter.kind is _KEYWORD_ONLY:
            source = f"{parameter.name}={source}"
            self._plain = None
        elif self._plain is not None and reader is None:
            self._plain.append(name)
        else:
            self._plain = None
        self._arguments.append(str(source))

    def _skip(self, parameter: inspect.Parameter) -> None:
        if parameter.kind is _POSITIONAL_ONLY:  # those behind it can only be reached by passing its default
            self._arguments.append(self._constant(parameter.default))
            self._plain = None
        else:
            self._skipped = True

    def _constant(self, value: object) -> str:
        name = f"constant_{len(self._space)}"
        self._space[name] = value
        return name

    def make(self) -> tuple[int, Handler]:
        """Return the kind of call and what to call."""
        if self._plain is not None and self._schema is None and tuple(self._plain) in _NATIVE:
            return _NATIVE[tuple(self._plain)], self._handler
        source = f"lambda req, res: {self._call()}"
        code = compile(source, f"<caller of {_describe(self._handler)}>", "eval")
        return CALL_GENERAL, eval(code, self._space)  # noqa: S307 - made of names that are identifiers

    def _call(self) -> str:
        """Return the source of the call, behind what validates."""
        call = f"handler({', '.join(self._arguments)})"
        readers = self._readers
        if self._schema is not None:  # its readers come last: what they make is read from the request
            readers = [*readers, *self._schema.readers]
        if len(readers) == 1 and self._readers:
            call = call.replace("values[0]", f"{self._constant(readers[0])}(req)")
        elif readers:
            read = functools.partial(read_all, readers=tuple(readers))
            call = f"(lambda values: {call})({self._constant(read)}(req))"
        if self._schema is not None and self._schema.response:
            call = f"(setattr(res, '__class__', {self._constant(contract_class(self._schema.response))}), {call})[1]"
        return call


# === Annotations ===


def _reader(handler: Handler, parameter: inspect.Parameter, names: _Names, schema: Schema | None) -> Reader | None:
    """Return what reads a parameter's value, by its annotation; None: it is what the request holds."""
    name = parameter.name
    is_param = name in names.params
    if parameter.annotation is _EMPTY or name in _OBJECTS or not (is_param or name in PARTS):
        return None
    if schema is not None and ("params" if is_param else name) in schema.parts:
        return None  # the schema validates it, and the annotation tells people
    type_ = _resolve(handler, parameter)
    try:
        return make_reader(name, type_, parameter.default, is_param=is_param)
    except TypeError as error:
        problem = f"{_describe(handler)} annotates {name!r} with {parameter.annotation!r}"
        raise TypeError(f"{problem}, which nothing converts to: {error}") from None


def _resolve(handler: Handler, parameter: inspect.Parameter) -> Any:
    """Return the annotation of a parameter as a type, also when it was written as a string.

    Each is resolved by itself: those that nobody needs may name what exists for type checkers only.
    """
    function = inspect.unwrap(_routine(handler))
    function = inspect.unwrap(getattr(function, "__func__", function))

    def carrier() -> None: ...

    carrier.__annotations__ = {"type": parameter.annotation}
    space = getattr(function, "__globals__", {})
    try:
        return typing.get_type_hints(carrier, space, _closure(function), include_extras=True)["type"]
    except Exception as error:
        problem = f"{_describe(handler)} annotates {parameter.name!r} with {parameter.annotation!r}"
        raise TypeError(
            f"{problem}, which cannot be resolved ({error}): "
            "define or import the type at module level, not for type checkers only"
        ) from error


def _closure(function: Any) -> dict[str, Any]:
    """Return the variables of the enclosing functions that a function uses, as far as they have a value yet."""
    variables = {}
    names = getattr(function, "__code__", None) and function.__code__.co_freevars
    for name, cell in zip(names or (), getattr(function, "__closure__", None) or (), strict=True):
        with contextlib.suppress(ValueError):
            variables[name] = cell.cell_contents
    return variables
