"""What a handler asks for by the names of its parameters, resolved once into a specialised caller."""

from __future__ import annotations

import difflib
import functools
import inspect
from collections.abc import Callable, Collection
from typing import Any, Final, NamedTuple

from .signatures import describe, resolve_annotation, routine_of, signature_of
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
    "bind_caller",
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

# What nobody will ever give to a handler: these are signs of a mistake.
_NEVER: Final = ("self", "next")

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
    is_open: bool  # whether other names may turn out to be extensions
    spare: str  # what an unknown name stands for

    def source(self, name: str) -> str | None:
        """Return the expression over `req` and `res` that a name stands for; None when it is unknown."""
        if name.endswith(" or ctx"):
            return f"found(req.ctx, {name.removesuffix(' or ctx')!r}, True)"
        if name in _OBJECTS or name == self.spare:
            return _OBJECTS.get(name, name)
        if name in self.params:
            return f"req.params[{name!r}]"
        if name in PARTS:
            return f"req.{name}"
        if name in self.extensions:
            return f"req.ctx.{name}"
        return f"found(req.ctx, {name!r})" if self.is_open and name not in _NEVER else None

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
    is_open: bool = False,
    spare: str = "ctx",
    is_native: bool = True,
) -> Binding:
    """Resolve what a handler asks for; once, when its route is registered.

    Its parameters may be called `ctx`, `req`, `res`; as a path parameter in `params`; as a part of the request (`body
    query params headers cookies`); or as an extension. Where a name is several of these, the first in this order is
    meant: a path parameter `:body` hides the part. A parameter with a default and an unknown name keeps its default; a
    single parameter of an unknown name receives `ctx`; `*args` and `**kwargs` beside others receive nothing. Where the
    extensions are `is_open`, an unknown name is looked up in `ctx` at the request, and `TypeError` raised there.
    `spare` is what an unknown name receives instead of `ctx`, also beside others, and what the call then takes as its
    third argument; without `is_native` every call is one of CALL_GENERAL.

    Annotations of path parameters and parts convert with msgspec: `id: int`, `day: datetime.date`, `body: Item` (JSON
    or a form; `bytes` as sent, `str` as UTF-8), `query: Filter` (a Struct, dataclass or TypedDict), and pydantic's
    models by pydantic. What does not convert raises one `ValidationError` at the request. The parts that a `schema` has
    are validated by it, asked for or not, and handed on as it made them.

    Raises `TypeError` for a handler that cannot be called, an unknown name, or an annotation that cannot be resolved or
    converted to; the message names handler and parameter.
    """
    signature = signature_of(handler)
    names = _Names(tuple(params), tuple(extensions), is_open, spare)
    wanted = _wanted(handler, signature, names)
    caller = _Caller(handler, names, schema)
    for parameter in signature.parameters.values():
        caller.add(parameter, wanted.get(parameter.name))
    kind, call = caller.make(is_native=is_native)
    routine = routine_of(handler)
    return Binding(
        kind,
        call,
        inspect.iscoroutinefunction(routine),
        inspect.isgeneratorfunction(routine),
        inspect.isasyncgenfunction(routine),
        tuple(wanted.values()),
    )


def bind_caller(
    fn: Handler, *, extensions: Collection[str] = (), is_open: bool = False, spare: str = "ctx"
) -> Callable[..., Any]:
    """Return a function of `(req, res)`, or `(req, res, spare)`, that calls `fn`; raises `TypeError` as `bind` does."""
    return bind(fn, extensions=extensions, is_open=is_open, spare=spare, is_native=False).call


def _wanted(handler: Handler, signature: inspect.Signature, names: _Names) -> dict[str, str]:
    """Return which parameters receive something, and what, by name."""
    given = handler.keywords if isinstance(handler, functools.partial) else {}
    named = [p for p in signature.parameters.values() if p.kind not in _VARIADIC]
    if signature.parameters and not named:
        raise TypeError(
            f"{describe(handler)} hides what it asks for behind *args and **kwargs: "
            "decorate the function inside with functools.wraps"
        )
    needed = [p for p in named if p.name not in given and (p.default is _EMPTY or names.source(p.name))]
    wanted = {p.name: p.name for p in needed}
    unknown = [name for name in wanted if not names._replace(is_open=False).source(name) and name not in _NEVER]
    if len(unknown) == 1 and (len(needed) == 1 or names.spare != "ctx"):
        wanted[unknown[0]] = f"{unknown[0]} or ctx" if names.is_open else names.spare
    for name, source in wanted.items():
        if not names.source(source.partition(" or ")[0]):
            raise TypeError(_unknown(handler, name, names, set(wanted)))
    return wanted


def _unknown(handler: Handler, name: str, names: _Names, taken: Collection[str]) -> str:
    """Return the message for a parameter that nothing is known for; `taken` are the handler's parameters."""
    problem = f"{describe(handler)} asks for {name!r}, which is not known"
    near = difflib.get_close_matches(name, [other for other in names.all() if other not in taken], n=1)
    if name == "self":
        hint = "register the method of an instance, which has it bound"
    elif name == "next":
        hint = "a function of (ctx, next) is a middleware: put the handler behind it, or give it to use()"
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
        self._space: dict[str, Any] = {"handler": handler, "found": _found}  # what the source may refer to

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

    def make(self, *, is_native: bool = True) -> tuple[int, Handler]:
        """Return the kind of call and what to call."""
        if is_native and self._plain is not None and self._schema is None and tuple(self._plain) in _NATIVE:
            return _NATIVE[tuple(self._plain)], self._handler
        receives = "req, res" if self._names.spare == "ctx" else f"req, res, {self._names.spare}"
        source = f"lambda {receives}: {self._call()}"
        code = compile(source, f"<caller of {describe(self._handler)}>", "eval")
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


def _found(ctx: Any, name: str, *otherwise: Any) -> Any:
    """Return what an extension has set on the context of a request."""
    value = getattr(ctx, name, _EMPTY)
    if value is _EMPTY:
        if otherwise:
            return ctx
        raise TypeError(f"a handler asks for {name!r}, which no extension has set: ctx has {', '.join(vars(ctx))}")
    return value


# === Annotations ===


def _reader(handler: Handler, parameter: inspect.Parameter, names: _Names, schema: Schema | None) -> Reader | None:
    """Return what reads a parameter's value, by its annotation; None: it is what the request holds."""
    name = parameter.name
    is_param = name in names.params
    if parameter.annotation is _EMPTY or name in _OBJECTS or not (is_param or name in PARTS):
        return None
    if schema is not None and ("params" if is_param else name) in schema.parts:
        return None  # the schema validates it, and the annotation tells people
    type_ = resolve_annotation(handler, parameter)
    try:
        return make_reader(name, type_, parameter.default, is_param=is_param)
    except TypeError as error:
        problem = f"{describe(handler)} annotates {name!r} with {parameter.annotation!r}"
        raise TypeError(f"{problem}, which nothing converts to: {error}") from None
