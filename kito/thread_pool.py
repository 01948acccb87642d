"""ThreadPool: a bounded number of threads for handlers that block."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Final

__all__ = ("ThreadPool",)

_log: Final = logging.getLogger("kito")


class ThreadPool:
    """At most `size` threads, begun when they are needed; they do not keep the process from ending."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._changed = threading.Condition()
        self._jobs: deque[Callable[[], None]] = deque()  # bounded by the number of connections
        self._threads = 0
        self._idle = 0
        self._busy = 0  # those that run a handler which is not at its end
        self._closed = False

    def submit(self, job: Callable[[], None]) -> None:
        """Have a thread call `job()`, at once or when one is free."""
        with self._changed:
            self._jobs.append(job)
            if len(self._jobs) <= self._idle:
                self._changed.notify()
            elif self._threads < self._size:
                self._threads += 1
                threading.Thread(target=self._work, name=f"kito-{self._threads}", daemon=True).start()

    def close(self) -> None:
        """Let idle threads end, and tell of those that are not."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._busy:
            _log.warning("%d blocking handlers still run in their threads", self._busy)

    def count_busy(self, more: int) -> None:
        """Count a handler that begins, or with -1 ends."""
        with self._changed:
            self._busy += more

    def _work(self) -> None:
        while True:
            with self._changed:
                self._idle += 1
                while not self._jobs and not self._closed:
                    self._changed.wait()
                self._idle -= 1
                if not self._jobs:
                    self._threads -= 1
                    return
                job = self._jobs.popleft()
            job()
            del job
