"""Reporting: what an app does about an error: who is told, who answers, and what the answer is."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Final

from .error_handlers import Caller, ErrorHandlers, error_caller
from .error_pages import answer_error
from .errors import HTTPError, ProtocolError
from .request import Request
from .response import Response

__all__ = ("Reporter",)

_log: Final = logging.getLogger("kito")

Run = Callable[[Coroutine[Any, Any, Any]], object]


class Reporter:
    """The way of every error of an app.

    Observers are told first. Then the app's error handlers are asked; what none of them takes answers for itself, if
    it is an `HTTPError` or the client's fault, and is else logged and given to the handler of what is unhandled.
    """

    def __init__(self, handlers: ErrorHandlers, run: Run, *, debug: bool) -> None:
        self._handlers = handlers
        self._run = run  # a coroutine that nobody waits for
        self.debug = debug  # whether clients see what failed
        self._observers: list[Caller] = []
        self._last: Caller | None = None

    def add_observer(self, fn: Callable[..., Any]) -> None:
        """Tell `fn` of every error; raises `TypeError` for what cannot be called."""
        self._observers.append(error_caller(fn))

    def set_last(self, fn: Callable[..., Any]) -> None:
        """Let `fn` answer for what would be a plain 500; raises `TypeError` for what cannot be called."""
        self._last = error_caller(fn)

    def observe(self, req: Request, error: BaseException) -> None:
        """Tell every observer; one that fails is logged and hurts nobody."""
        for caller in self._observers:
            try:
                outcome = caller(req, req.ctx.res, error)
                if inspect.isawaitable(outcome):
                    self._run(_swallow(outcome))
            except Exception:  # noqa: BLE001 - it is logged
                _log.exception("an observer of errors failed")

    def report(self, req: Request, res: Response, error: BaseException) -> Coroutine[Any, Any, Any] | None:
        """Answer for an error before the head; a coroutine is returned where that takes time."""
        res.reset()
        self.observe(req, error)
        caller = self._handlers.find(error)
        if caller is None and not _answers_itself(error):
            _log.error("%s %s failed", req.method, req.url, exc_info=error)
            caller = self._last
        if caller is None:
            self._answer(req, res, error)
            return None
        value = caller(req, res, error)
        if inspect.isawaitable(value):
            return _await(value)
        if value is not None:
            res.send(value)
        return None

    def _answer(self, req: Request, res: Response, error: BaseException) -> None:
        if isinstance(error, HTTPError):
            for name, value in error.headers:
                res.append(name, value)
            answer_error(req, res, error.status, error.message, error.code, getattr(error, "details", None))
        elif isinstance(error, ProtocolError) and _answers_itself(error):
            answer_error(req, res, error.status, str(error))
        else:
            answer_error(req, res, 500, shown=error if self.debug else None)


def _answers_itself(error: BaseException) -> bool:
    """Whether an error says itself what the client is to be told."""
    return isinstance(error, HTTPError) or (isinstance(error, ProtocolError) and (error.status != 500))


async def _await(value: Any) -> Any:
    return await value


async def _swallow(outcome: Any) -> None:
    try:
        await outcome
    except asyncio.CancelledError:
        raise
    except Exception:  # noqa: BLE001 - it is logged
        _log.exception("an observer of errors failed")
