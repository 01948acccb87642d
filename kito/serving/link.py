"""Link: what a process that looks after a server and the server say to each other, over a pair of sockets.

The one says stop, hurry and reload; the other says that it is ready, that it was closed from within, or why it
could not start. A link that ends without a word says that the other one is gone.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

__all__ = ("CLOSED", "FAILED", "HURRY", "READY", "RELOAD", "STOP", "Keeper", "Link", "make_link")

STOP: Final = "stop"
HURRY: Final = "hurry"
RELOAD: Final = "reload"
READY: Final = "ready"
CLOSED: Final = "closed"
FAILED: Final = "failed"

MAX_WORD: Final = 2048  # bytes of one word with what belongs to it; the rest of a longer one is left out
READ_BYTES: Final = 4096


class _End:
    """One end: words are lines."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._received = b""
        sock.setblocking(False)

    def say(self, word: str, about: str = "") -> None:
        """Send a word; to somebody who is gone, or reads nothing, there is nothing to say."""
        line = f"{word} {' '.join(about.split())}".encode("utf-8", "replace")[:MAX_WORD]
        with suppress(OSError):
            self.sock.send(line + b"\n")

    def hear(self) -> tuple[list[tuple[str, str]], bool]:
        """Return the words that have come, each with what belongs to it, and whether the other end is gone."""
        gone = False
        with suppress(BlockingIOError):
            try:
                data = self.sock.recv(READ_BYTES)
            except ConnectionError:
                data = b""
            gone = not data
            self._received += data
        *lines, self._received = self._received.split(b"\n")
        words = [line.decode("utf-8", "replace").partition(" ") for line in lines]
        return [(word, about) for word, _, about in words], gone

    def close(self) -> None:
        """Close this end; the other one notices."""
        self.sock.close()


class Keeper(_End):
    """The end of the process that looks after a server."""


class Link(_End):
    """The end of the server."""

    @contextmanager
    def heard(
        self, loop: asyncio.AbstractEventLoop, stop: Callable[[], None], rest: dict[str, Callable[[], None]]
    ) -> Iterator[None]:
        """Call what belongs to a word while the block runs; `stop()` also when the other end is gone."""
        calls = {STOP: stop, **rest}

        def listen() -> None:
            words, gone = self.hear()
            for word, _ in words:
                if word in calls:
                    calls[word]()
            if gone:
                loop.remove_reader(self.sock)
                stop()

        loop.add_reader(self.sock, listen)
        try:
            yield
        finally:
            loop.remove_reader(self.sock)


def make_link() -> tuple[Keeper, Link]:
    """Return the two ends of a new link."""
    one, other = socket.socketpair()
    return Keeper(one), Link(other)
