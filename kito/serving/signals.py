"""Signals: SIGINT and SIGTERM stop, a second one skips the wait; SIGHUP reads certificates again."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final, Self

__all__ = ("SIGNALS", "SignalInbox", "reload_on_hangup", "stop_on_signals")

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


class SignalInbox:
    """Signals that a process without a loop waits for: `sock` becomes readable, and `taken()` tells which came."""

    def __init__(self, numbers: Iterable[int]) -> None:
        self._numbers = tuple(numbers)
        self.sock, self._bell = socket.socketpair()
        for sock in (self.sock, self._bell):
            sock.setblocking(False)

    def __enter__(self) -> Self:
        self._former_bell = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        self._former: dict[int, Any] = {number: signal.signal(number, _ring) for number in self._numbers}
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Let the signals do again what they did before."""
        for number, handler in self._former.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: a handler of C's
        signal.set_wakeup_fd(self._former_bell)
        self.sock.close()
        self._bell.close()

    def taken(self) -> list[int]:
        """Return the signals that have come since, in order: the bell rings with their numbers (set_wakeup_fd)."""
        came = b""
        with suppress(BlockingIOError):
            while rung := self.sock.recv(256):
                came += rung
        return [number for number in came if number in self._numbers]


def _ring(_number: int, _frame: object) -> None:
    """Do nothing: only a signal with a handler rings the bell."""
