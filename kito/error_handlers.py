"""Error handlers: which function answers for which error, the most specific first."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any, Final

from .binding import bind_caller
from .chains import Answering, Layer, Passage, Step, Work
from .errors import (
    HTTPError,
    KitoError,
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
    RoutingError,
)

if TYPE_CHECKING:
    from .request import Request
    from .response import Response

__all__ = ("ErrorHandlers", "ErrorTarget", "Observe", "error_caller", "error_layer", "status_of")

ErrorTarget = type[Exception] | int | str
Observe = Callable[["Request", BaseException], None]
Caller = Callable[["Request", "Response", BaseException], Any]

# Classes that say less than a status does.
_GENERAL: Final = (HTTPError, LocalProtocolError, RemoteProtocolError, ProtocolError, KitoError, Exception)


def status_of(error: BaseException) -> int:
    """Return the status that an error is answered with where nobody says otherwise."""
    return error.status if isinstance(error, HTTPError | ProtocolError) else 500


def error_caller(fn: Callable[..., Any]) -> Caller:
    """Return how to call an error handler with a request, a response and an error.

    It names what it wants as handlers do, and `error`; one parameter of another name receives the error.
    """
    return bind_caller(fn, spare="error")


class ErrorHandlers:
    """The error handlers of one branch, by code, class and status."""

    def __init__(self) -> None:
        self._callers: dict[ErrorTarget, Caller] = {}

    def __bool__(self) -> bool:
        return bool(self._callers)

    def add(self, target: ErrorTarget | Sequence[ErrorTarget], fn: Callable[..., Any]) -> None:
        """Let `fn` answer for a target, or for each of several; raises `TypeError`, `ValueError`, `RoutingError`."""
        targets = list(target) if isinstance(target, Sequence) and not isinstance(target, str) else [target]
        for one in targets:
            _check_target(one)
            if one in self._callers:
                raise RoutingError(f"errors of the kind {one!r} have a handler here already: keep one of them")
        caller = error_caller(fn)
        self._callers.update(dict.fromkeys(targets, caller))

    def find(self, error: BaseException) -> Caller | None:
        """Return what answers for an error: by its code, its class, its status, and then the general classes."""
        code = getattr(error, "code", None)  # of other people's exceptions it may be anything
        found = self._callers.get(code) if isinstance(code, str) else None
        for cls in type(error).__mro__:
            if found is None and cls in _GENERAL:
                found = self._callers.get(status_of(error))
            if found is None:
                found = self._callers.get(cls)
        return found


def _check_target(target: object) -> None:
    if isinstance(target, type) and issubclass(target, Exception):
        return
    if isinstance(target, str) and target:
        return
    if isinstance(target, int) and not isinstance(target, bool):
        if not 400 <= target <= 599:
            raise ValueError(f"{target} is no status of an error: they are 400 to 599")
        return
    raise TypeError(f"on_error takes an exception class, a status or a code, not {target!r}")


def error_layer(handlers: ErrorHandlers, observe: Observe) -> Layer:
    """Return the layer in which a router's error handlers answer for what is inside of it."""

    def layer(inner: Step) -> Step:
        def step(passage: Passage) -> Work | None:
            try:
                work = inner(passage)
            except Exception as error:  # noqa: BLE001 - raised again where it has no handler
                return _handle(passage, error)
            return None if work is None else _Guarded(passage, work, _handle)

        return step

    def _handle(passage: Passage, error: Exception) -> Work | None:
        caller = handlers.find(error)
        if caller is None or passage.ctx.res.headers_sent:
            raise error
        observe(passage.req, error)
        passage.ctx.res.reset()
        value = caller(passage.req, passage.ctx.res, error)
        if inspect.isawaitable(value):
            return Answering(passage, value)
        passage.answer(value)
        return None

    return layer


class _Guarded:
    """Work whose errors have a handler."""

    __slots__ = ("_handle", "_passage", "_work")

    def __init__(self, passage: Passage, work: Work, handle: Callable[[Passage, Exception], Work | None]) -> None:
        self._passage = passage
        self._work = work
        self._handle = handle

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            yield from self._work.__await__()
        except Exception as error:  # noqa: BLE001 - raised again where it has no handler
            rest = self._handle(self._passage, error)
            if rest is not None:
                yield from rest.__await__()

    def close(self) -> None:
        """Give up before it has begun."""
        self._work.close()
