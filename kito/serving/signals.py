"""SIGINT and SIGTERM: the first stops gracefully, the second skips the wait."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

__all__ = ("stop_on_signals",)

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signals(loop: asyncio.AbstractEventLoop, stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop()` for each SIGINT or SIGTERM while the block runs; in a thread other than the main one do nothing."""
    installed = []
    with suppress(NotImplementedError, RuntimeError, ValueError):  # not the main thread, or a loop without signals
        for number in SIGNALS:
            loop.add_signal_handler(number, stop)
            installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)
