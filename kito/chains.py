"""Chains: what runs around a handler, one middleware in another, composed before the first request."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Generator, Iterable
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

if TYPE_CHECKING:
    from ._core.dispatch import Dispatcher
    from ._core.endpoint import Endpoint
    from .request import Request

__all__ = (
    "Answering",
    "Chain",
    "Layer",
    "Middleware",
    "Next",
    "Passage",
    "Step",
    "check_middleware",
    "compose",
    "middleware",
    "middleware_layer",
)

Middleware = Callable[[Any, "Next"], Any]  # the first is the Context, or a class of the application's below it
# A part of a request's way: it returns None when that is done, else what has to be awaited for it to be.
Step = Callable[["Passage"], "Work | None"]
Layer = Callable[[Step], Step]  # puts something around a step
Chain = Callable[["Dispatcher", "Endpoint", "Request"], "Work | None"]


class Work(Awaitable[None], Protocol):
    """What is left to be awaited, or to be closed where nobody will."""

    def close(self) -> None:
        """Give up before it has begun."""


Marked = TypeVar("Marked", bound=Callable[..., Any])


def middleware(fn: Marked) -> Marked:
    """Mark a function of `(ctx, next)`, plain or async, as a middleware, and return it.

    It calls `next()` once, awaited or not, to let the request pass, or answers itself: on `ctx.res`, or by
    returning a value. Raises `TypeError` for what cannot be called like that.
    """
    check_middleware(fn)
    return fn


def check_middleware(fn: Any) -> None:
    """Raise `TypeError` for what is no middleware."""
    name = getattr(fn, "__qualname__", repr(fn))
    if not callable(fn) or isinstance(fn, type):
        raise TypeError(f"a middleware is a function of (ctx, next), not {fn!r}")
    routine = fn if inspect.isroutine(fn) else fn.__call__
    if inspect.isgeneratorfunction(routine) or inspect.isasyncgenfunction(routine):
        raise TypeError(
            f"the middleware {name} yields: let it call next(), and await it where it has to go on after it"
        )
    try:
        inspect.signature(fn).bind(None, None)
    except TypeError:
        raise TypeError(f"the middleware {name} does not take (ctx, next)") from None
    except ValueError:
        return  # written in C: it does not tell


class _Done:
    """What `next()` returns when nothing is left to be awaited."""

    __slots__ = ()

    def __await__(self) -> Generator[Any, None, None]:
        return
        yield


_DONE: Final = _Done()


class _Rest:
    """What `next()` returns when the rest of the way has to be awaited; once."""

    __slots__ = ("work",)

    def __init__(self, work: Work) -> None:
        self.work: Work | None = work

    def __await__(self) -> Generator[Any, Any, None]:
        return self.take().__await__()

    def take(self) -> Work:
        """Return the work, which is the caller's to await now."""
        work, self.work = self.work, None
        if work is None:
            raise RuntimeError("what next() returned was awaited a second time")
        return work


class Next:
    """What a middleware calls, once, to let the request pass.

    The call runs everything behind that is not async at once. What it returns can be awaited, and has to be where the
    middleware wants to go on when the rest is done; what a middleware does not await is awaited for it when it returns.
    A second call raises `RuntimeError`.
    """

    __slots__ = ("_passage", "_step", "rest")

    def __init__(self, passage: Passage, step: Step) -> None:
        self._passage = passage
        self._step: Step | None = step
        self.rest: _Rest | None = None

    def __call__(self) -> Awaitable[None]:
        """Run what is behind this middleware."""
        step, self._step = self._step, None
        if step is None:
            raise RuntimeError("next() was called a second time: what is behind a middleware runs once")
        work = step(self._passage)
        if work is None:
            return _DONE
        self.rest = _Rest(work)
        return self.rest


class Passage:
    """One request on its way through a chain."""

    __slots__ = ("ctx", "dispatcher", "endpoint", "req")

    def __init__(self, dispatcher: Dispatcher, endpoint: Endpoint, req: Request) -> None:
        self.dispatcher = dispatcher
        self.endpoint = endpoint
        self.req = req
        self.ctx = req.ctx

    def answer(self, value: Any) -> None:
        """Answer with what a middleware returned."""
        self.dispatcher.deliver(self.ctx.res, value)


class Answering:
    """A handler, or an error handler, at work: what comes of it is the answer."""

    __slots__ = ("_passage", "_value")

    def __init__(self, passage: Passage, value: Any) -> None:
        self._passage = passage
        self._value = value

    def __await__(self) -> Generator[Any, Any, None]:
        value = yield from self._value.__await__()
        self._passage.answer(value)

    def close(self) -> None:
        """Give up before it has begun."""
        if hasattr(self._value, "close"):
            self._value.close()


def _handle(passage: Passage) -> Work | None:
    """Take the last step: the handler."""
    work = passage.dispatcher.perform(passage.endpoint, passage.req)
    return None if work is None else Answering(passage, work)


def compose(layers: Iterable[Layer]) -> Chain | None:
    """Return the chain of these layers, the first outermost, around the handler; None when there are none."""
    step: Step = _handle
    for layer in reversed(list(layers)):
        step = layer(step)
    if step is _handle:
        return None

    def run(dispatcher: Dispatcher, endpoint: Endpoint, req: Request) -> Work | None:
        return step(Passage(dispatcher, endpoint, req))

    return run


def middleware_layer(fn: Middleware) -> Layer:
    """Return the layer that a middleware is."""

    def layer(inner: Step) -> Step:
        def step(passage: Passage) -> Work | None:
            follow = Next(passage, inner)
            outcome = fn(passage.ctx, follow)
            if type(outcome) is CoroutineType:
                return _Crossing(passage, follow, outcome)
            if follow.rest is None:
                if outcome is None or outcome is _DONE:
                    return None
                if not inspect.isawaitable(outcome):
                    passage.answer(outcome)
                    return None
            elif outcome is follow.rest:
                rest: _Rest = follow.rest
                return rest.take()  # `return next()`: nothing else is to be done here
            return _Crossing(passage, follow, outcome)

        return step

    return layer


class _Crossing:
    """A middleware and everything behind it, to be seen to their end."""

    __slots__ = ("_follow", "_outcome", "_passage")

    def __init__(self, passage: Passage, follow: Next, outcome: Any) -> None:
        self._passage = passage
        self._follow = follow
        self._outcome = outcome

    def __await__(self) -> Generator[Any, Any, None]:
        return self._run().__await__()

    async def _run(self) -> None:
        rest: _Rest | None = None
        try:
            value = await self._outcome if inspect.isawaitable(self._outcome) else self._outcome
            rest = self._follow.rest
            if rest is not None and rest.work is not None:
                await rest  # it was called and not awaited: nothing runs on behind the answer
        except BaseException:
            self._drop_rest()
            raise
        if value is not None:
            self._passage.answer(value)

    def close(self) -> None:
        """Give up before it has begun."""
        if hasattr(self._outcome, "close"):
            self._outcome.close()
        self._drop_rest()

    def _drop_rest(self) -> None:
        rest = self._follow.rest
        if rest is not None and rest.work is not None:
            rest.take().close()
