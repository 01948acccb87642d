"""Signals: SIGINT and SIGTERM stop, a second one skips the wait; SIGHUP reads certificates again."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

__all__ = ("reload_on_hangup", "stop_on_signals")

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop()` for each SIGINT or SIGTERM while the block runs; in a thread other than the main one do nothing."""
    with _handled(loop, SIGNALS, stop):
        yield


@contextmanager
def reload_on_hangup(loop: asyncio.AbstractEventLoop, reload: Callable[[], None] | None) -> Iterator[None]:
    """Call `reload()` for each SIGHUP while the block runs; None leaves the signal as it is."""
    numbers = (signal.SIGHUP,) if reload is not None and hasattr(signal, "SIGHUP") else ()
    with _handled(loop, numbers, reload or (lambda: None)):
        yield


@contextmanager
def _handled(loop: asyncio.AbstractEventLoop, numbers: Iterable[int], handler: Callable[[], None]) -> Iterator[None]:
    installed = []
    with suppress(NotImplementedError, RuntimeError, ValueError):  # not the main thread, or a loop without signals
        for number in numbers:
            loop.add_signal_handler(number, handler)
            installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)
