"""Extensions: what an application adds to the context of each request, and what it opens for a handler."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import keyword
import typing
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping
from contextlib import AsyncExitStack, ExitStack
from typing import TYPE_CHECKING, Any, Final, Literal

from .binding import bind, bind_caller
from .chains import Layer, Passage, Step, Work
from .validation import PARTS

if TYPE_CHECKING:
    from .request import Context, Request
    from .response import Response

__all__ = ("Extension", "Resource", "Scope", "extension_layer", "make_extension", "resource_layer", "values_extension")

Scope = Literal["request", "stream"]
Caller = Callable[["Request", "Response"], Any]

_RESERVED: Final = ("ctx", "req", "res", "error", "next", "self", *PARTS)
_SCOPES: Final = ("request", "stream")


class Extension:
    """What runs before the handlers of a branch, and the names that it gives to their contexts."""

    __slots__ = ("fn", "is_async", "is_open", "names", "values")

    def __init__(
        self, names: Collection[str], *, fn: Callable[..., Any] | None = None, values: Mapping[str, Any] | None = None
    ) -> None:
        self.names = tuple(names)
        self.fn = fn
        self.values = values or {}
        self.is_open = fn is not None and not names  # what it gives is known when it has run
        self.is_async = fn is not None and inspect.iscoroutinefunction(fn)


class Resource:
    """What is opened for a handler that asks for it, and closed behind it."""

    __slots__ = ("fn", "is_async", "name", "names", "scope")
    is_open = False

    def __init__(self, name: str, fn: Callable[..., Any], scope: Scope) -> None:
        self.name = name
        self.names = (name,)
        self.fn = fn
        self.scope = scope
        self.is_async = inspect.isasyncgenfunction(inspect.unwrap(fn))


def values_extension(values: Mapping[str, Any]) -> Extension:
    """Return the extension that gives these values to every context; `TypeError` for a name that is taken."""
    for name in values:
        _check_name(name)
    return Extension(tuple(values), values=values)


def make_extension(fn: Callable[..., Any], scope: Scope) -> Extension | Resource:
    """Return the extension that a function is: a resource when it yields, else what it returns or sets.

    Raises `TypeError`, `ValueError` for what cannot be one.
    """
    if scope not in _SCOPES:
        raise ValueError(f"the scope of an extension is 'request' or 'stream', not {scope!r}")
    bind(fn, is_open=True)  # raises for what is no function
    inner = inspect.unwrap(fn)
    if not (inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner)):
        if scope != "request":
            raise TypeError("only an extension that yields has a scope: one that returns is over when it has returned")
        names = _returned_names(fn)
        for name in names:
            _check_name(name)
        return Extension(names, fn=fn)
    _check_name(fn.__name__)
    if inner is fn:
        fn = contextlib.asynccontextmanager(fn) if inspect.isasyncgenfunction(fn) else contextlib.contextmanager(fn)
    return Resource(fn.__name__, fn, scope)


def _check_name(name: str) -> None:
    if name in _RESERVED:
        raise TypeError(f"an extension cannot be called {name!r}, which handlers have already: choose another name")
    if not name.isidentifier() or keyword.iskeyword(name):
        raise TypeError(f"{name!r} is not a name that a handler's parameter can have: write a def with one")


def _returned_names(fn: Callable[..., Any]) -> tuple[str, ...]:
    """Return what a function says that it returns, where its annotation is a TypedDict."""
    try:
        returned = typing.get_type_hints(fn).get("return")
    except Exception:  # noqa: BLE001 - an annotation for type checkers only says nothing here
        return ()
    return tuple(typing.get_type_hints(returned)) if typing.is_typeddict(returned) else ()


def extend_context(ctx: Context, outcome: Any, fn: Callable[..., Any]) -> None:
    """Take what an extension returned into the context."""
    if outcome is None:
        return
    if not isinstance(outcome, Mapping):
        name = getattr(fn, "__qualname__", repr(fn))
        raise TypeError(f"the extension {name} returned {outcome!r:.100}: return a dict, or set it on ctx")
    for name, value in outcome.items():
        if name in ("req", "res"):
            raise TypeError(f"an extension cannot replace {name!r}")
        setattr(ctx, name, value)


def extension_layer(extensions: Iterable[Extension], known: Collection[str], *, is_open: bool) -> Layer:
    """Return the layer that runs extensions in their order; they may ask for `known` names and those before them."""
    steps: list[tuple[Caller | None, Extension]] = []
    names = list(known)
    for extension in extensions:
        caller = None if extension.fn is None else bind_caller(extension.fn, extensions=names, is_open=is_open)
        steps.append((caller, extension))
        names += extension.names
        is_open = is_open or extension.is_open

    def layer(inner: Step) -> Step:
        def step(passage: Passage) -> Work | None:
            for caller, extension in steps:
                _apply(passage, caller, extension)
            return inner(passage)

        async def step_async(passage: Passage) -> None:
            for caller, extension in steps:
                outcome = _apply(passage, caller, extension)
                if outcome is not None and extension.fn is not None:
                    extend_context(passage.ctx, await outcome, extension.fn)
            work = inner(passage)
            if work is not None:
                await work

        return step_async if any(extension.is_async for _, extension in steps) else step

    return layer


def _apply(passage: Passage, caller: Caller | None, extension: Extension) -> Any:
    """Run one extension; what it returns has to be awaited where it is async."""
    if caller is None or extension.fn is None:
        vars(passage.ctx).update(extension.values)
        return None
    outcome = caller(passage.req, passage.ctx.res)
    if extension.is_async:
        return outcome
    if inspect.isawaitable(outcome):
        if hasattr(outcome, "close"):
            outcome.close()
        raise TypeError(f"the extension {extension.fn!r} returns something to be awaited: write it with async def")
    extend_context(passage.ctx, outcome, extension.fn)
    return None


def resource_layer(resources: Iterable[Resource], known: Collection[str], *, is_open: bool) -> Layer:
    """Return the layer that opens resources for a handler, in their order, and closes them in reverse."""
    names = list(known)
    opened: list[tuple[Caller, Resource]] = []
    for resource in resources:
        opened.append((bind_caller(resource.fn, extensions=names, is_open=is_open), resource))
        names.append(resource.name)

    def layer(inner: Step) -> Step:
        async def step(passage: Passage) -> None:
            await _Lease(passage, opened).run(inner)

        return step

    return layer


class _Lease:
    """The resources of one request.

    Those of the scope "request" are closed before the head of a stream leaves: at once when none of them is async, else
    by a task, while what the stream writes is held back. Those of the scope "stream" are closed when it is over.
    """

    def __init__(self, passage: Passage, opened: list[tuple[Caller, Resource]]) -> None:
        self._passage = passage
        self._res = passage.ctx.res
        self._opened = opened
        self._plain: ExitStack | None = None
        self._brief = AsyncExitStack()
        if not any(resource.is_async for _, resource in opened if resource.scope == "request"):
            self._plain = self._brief.enter_context(ExitStack())
        self._closing: asyncio.Task[None] | None = None

    async def run(self, inner: Step) -> None:
        """Open, call what is inside, and close."""
        async with AsyncExitStack() as lasting:
            lasting.push_async_exit(self._close_brief)
            for caller, resource in self._opened:
                stack = lasting if resource.scope == "stream" else self._plain or self._brief
                value = await _enter(stack, caller(self._passage.req, self._res))
                setattr(self._passage.ctx, resource.name, value)
            self._res.on_head(self._at_head)
            work = inner(self._passage)
            if work is not None:
                await work
            if self._res.streaming:
                await self._close_brief(None, None, None)
                self._res.on_finish(_Closer(self._passage, lasting.pop_all()))

    def _at_head(self, res: Any) -> None:
        if not res.streaming:
            return
        if self._plain is not None:
            self._plain.close()
        elif self._closing is None:
            res.hold_output(True)
            self._closing = _spawn(self._passage, self._close_and_release())

    async def _close_and_release(self) -> None:
        try:
            await self._brief.aclose()
        finally:
            self._res.hold_output(False)

    async def _close_brief(self, kind: Any, error: Any, trace: Any) -> bool | None:
        if self._closing is None:
            return await self._brief.__aexit__(kind, error, trace)
        await asyncio.shield(self._closing)
        return None


class _Closer:
    """Closes what a stream has kept open; called when it is over."""

    def __init__(self, passage: Passage, stack: AsyncExitStack) -> None:
        self._passage = passage
        self._stack = stack

    def __call__(self, end: object) -> None:
        _spawn(self._passage, self._stack.aclose())


def _spawn(passage: Passage, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Run a coroutine that the stop of the server waits for."""
    return passage.dispatcher.run_helper(work)


async def _enter(stack: AsyncExitStack | ExitStack, manager: Any) -> Any:
    if isinstance(stack, AsyncExitStack) and hasattr(manager, "__aenter__"):
        return await stack.enter_async_context(manager)
    return stack.enter_context(manager)
