"""Worker: one of several processes of a server, from the fork to its last word."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

from .link import FAILED, Keeper, Link, make_link

__all__ = ("Worker", "fork_worker")

_log: Final = logging.getLogger("kito")

FIRST_DELAY_S: Final = 0.1  # before a worker that failed is started again; doubled with each failure
MAX_DELAY_S: Final = 30.0
STABLE_S: Final = 10.0  # of serving, after which earlier failures are forgotten
INTERRUPTED: Final = 130  # the exit status of who was interrupted


class Worker:
    """A worker as its parent knows it, through all of its processes."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.pid = 0  # 0: there is no process
        self.keeper: Keeper | None = None  # while there is a process
        self.ready = False  # this process accepts
        self.has_served = False  # one of its processes did
        self.last_words = ""  # why this process could not start
        self.failures = 0  # in a row
        self.due = 0.0  # when the next process starts, while there is none
        self._ready_at = 0.0

    def __str__(self) -> str:
        return f"worker {self.number}"

    def started(self, pid: int, keeper: Keeper) -> None:
        """Take a new process over."""
        self.pid, self.keeper = pid, keeper
        self.ready, self.last_words = False, ""

    def serves(self, now: float) -> None:
        """The process accepts connections."""
        self.ready = self.has_served = True
        self._ready_at = now

    def ended(self, now: float, *, failed: bool) -> float:
        """The process is gone; return after how many seconds the next one is due.

        At once behind a good end, and behind the first failure after some time of service; then twice as
        long with each failure.
        """
        if not failed or (self.ready and now - self._ready_at >= STABLE_S):
            self.failures = 0
        delay = min(FIRST_DELAY_S * 2 ** (self.failures - 1), MAX_DELAY_S) if self.failures else 0.0
        self.failures += failed
        self.due = now + delay
        self.pid, self.keeper, self.ready = 0, None, False
        return delay

    def say(self, word: str) -> None:
        """Tell the process something, if there is one."""
        if self.keeper is not None:
            self.keeper.say(word)

    def kill(self, number: int) -> None:
        """Send a signal to the process, if there is one."""
        if self.pid:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def fork_worker(worker: Worker, work: Callable[[Link], None], leave: Callable[[], None]) -> None:
    """Start a process that calls `leave()`, which gives up what is its parent's, and then `work(link)`.

    It never returns from here, whatever happens. Raises `OSError` when there is no process to be had.
    """
    keeper, link = make_link()
    for stream in (sys.stdout, sys.stderr):  # lest what waits there is written twice
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # until the handlers are those of a worker
    try:
        pid = os.fork()
        if pid == 0:
            _run(worker.number, keeper, link, work, leave, mask)
    except OSError:
        keeper.close()
        raise
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        link.close()
    worker.started(pid, keeper)


def _run(
    number: int,
    keeper: Keeper,
    link: Link,
    work: Callable[[Link], None],
    leave: Callable[[], None],
    mask: set[int],
) -> NoReturn:
    """Be a worker, and end without going back to the program that called: it is the parent's."""
    status = 1
    try:
        keeper.close()
        leave()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        _take_name(number)
        status = _attempt(link, work)
    finally:
        with suppress(BaseException):
            logging.shutdown()
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _attempt(link: Link, work: Callable[[Link], None]) -> int:
    """Do the work; return the exit status."""
    try:
        work(link)
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:
        link.say(FAILED, f"SystemExit: {end.code}")
        return end.code if isinstance(end.code, int) else end.code is not None
    except BaseException as error:  # noqa: BLE001 - there is nobody above
        link.say(FAILED, f"{type(error).__name__}: {error}")
        _log.error("it has failed", exc_info=error)
        return 1
    return 0


def _take_name(number: int) -> None:
    """Name the worker in what the logger "kito" writes, and in `%(processName)s` for every other logger."""
    import multiprocessing  # noqa: PLC0415 - only for its name, which `logging` looks up

    multiprocessing.current_process().name = f"worker-{number}"

    def name(record: logging.LogRecord) -> bool:
        record.msg = f"worker {number}: {record.msg}"
        return True

    _log.addFilter(name)
