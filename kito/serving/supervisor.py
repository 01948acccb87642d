"""Supervisor: the parent of workers, which starts them, starts them again, and stops them; it has no event loop."""

from __future__ import annotations

import logging
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from ..errors import WorkerError
from .link import CLOSED, FAILED, HURRY, READY, RELOAD, STOP, Link
from .signals import SIGNALS, SignalInbox
from .worker import INTERRUPTED, Worker, fork_worker

__all__ = ("Supervisor",)

_log: Final = logging.getLogger("kito")

MAX_FAILED_STARTS: Final = 5  # of one worker in a row while no other serves
LIFESPAN_S: Final = 30.0  # for lifespans to be left, beside the time that requests and streams have
HURRIED_S: Final = 10.0  # for all of it, once somebody is in a hurry


class Supervisor:
    """Keeps `count` workers that call `work(link)`.

    `release()` gives the address up, in the parent when a stop begins. `ready()` is called once all of them
    accept. `grace` is the time in seconds that a stop takes at most, lifespans aside; a worker that has not
    ended by then is killed. With `reloads` SIGHUP is passed on.
    """

    def __init__(
        self,
        count: int,
        work: Callable[[Link], None],
        *,
        release: Callable[[], None],
        ready: Callable[[], None],
        grace: float,
        reloads: bool,
    ) -> None:
        self._workers = [Worker(number) for number in range(1, count + 1)]
        self._work = work
        self._release = release
        self._ready: Callable[[], None] | None = ready  # None: it was called
        self._grace = grace
        self._inbox = SignalInbox((*SIGNALS, signal.SIGCHLD, *((signal.SIGHUP,) if reloads else ())))
        self._selector = selectors.DefaultSelector()
        self._stopping = False
        self._deadline = float("inf")  # when workers that are still there are killed
        self._hurried = False
        self._error: WorkerError | None = None

    def run(self) -> None:
        """Keep the workers until a signal, or one of them that was closed from within, stops all.

        Raises `WorkerError` when one cannot be started for the first time, or none any more.
        """
        with self._inbox, self._kept():
            self._selector.register(self._inbox.sock, selectors.EVENT_READ)
            while not self._stopping or any(worker.pid for worker in self._workers):
                self._start_due()
                self._selector.select(self._time_left())
                self._heed_signals()  # first: a process that ends from here on rings again, and wakes the next turn
                self._hear()
                self._reap()
                self._kill_late()
        if self._error is not None:
            raise self._error

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Leave no process behind, whatever happens."""
        try:
            yield
        finally:
            for worker in self._workers:
                if worker.pid:
                    worker.kill(signal.SIGKILL)
                    os.waitpid(worker.pid, 0)
            self._selector.close()
            self._release()

    # === the steps of a turn ===

    def _start_due(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.pid or self._stopping or worker.due > now:
                continue
            try:
                fork_worker(worker, self._work, self._leave)
            except OSError as error:
                worker.last_words = f"no process: {error.strerror}"
                self._failed(worker, worker.last_words)
            else:
                assert worker.keeper is not None  # it has just been started
                self._selector.register(worker.keeper.sock, selectors.EVENT_READ)

    def _leave(self) -> None:
        """Give up, in a new worker, what belongs to its parent."""
        self._selector.close()
        self._inbox.leave()
        for worker in self._workers:
            if worker.keeper is not None:
                worker.keeper.close()

    def _time_left(self) -> float | None:
        """Return how long there is nothing to do but wait; None: until something happens."""
        marks = [] if self._stopping else [worker.due for worker in self._workers if not worker.pid]
        mark = min([*marks, self._deadline])
        return None if mark == float("inf") else max(mark - time.monotonic(), 0.0)

    def _hear(self) -> None:
        """Listen to every worker."""
        for worker in self._workers:
            if worker.keeper is None:
                continue
            words, gone = worker.keeper.hear()
            if gone and worker.keeper.sock in self._selector.get_map():
                self._selector.unregister(worker.keeper.sock)  # it will be reaped
            for word, about in words:
                self._heed(worker, word, about)

    def _heed(self, worker: Worker, word: str, about: str) -> None:
        if word == READY:
            worker.serves(time.monotonic())
            if self._ready is not None and all(each.ready for each in self._workers):
                self._ready()
                self._ready = None
        elif word == FAILED:
            worker.last_words = about
        elif word == CLOSED and not self._stopping:
            self._stop()

    def _reap(self) -> None:
        """Take leave of processes that have ended; each by its own number: others of this process are not ours."""
        for worker in self._workers:
            pid, status = os.waitpid(worker.pid, os.WNOHANG) if worker.pid else (0, 0)
            if pid:
                self._hear()  # its last words
                self._ended(worker, os.waitstatus_to_exitcode(status))

    def _ended(self, worker: Worker, code: int) -> None:
        keeper, pid = worker.keeper, worker.pid
        assert keeper is not None  # it had a process
        if keeper.sock in self._selector.get_map():
            self._selector.unregister(keeper.sock)
        keeper.close()
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
        if self._stopping:
            worker.ended(time.monotonic(), failed=False)
            # Ctrl+C goes to the whole group: it may find a worker whose handlers do not stand yet, or no more.
            if code not in (0, INTERRUPTED):
                _log.error("%s (process %d) %s", worker, pid, how)
        elif code == 0 and worker.ready:
            worker.ended(time.monotonic(), failed=False)
            _log.info("%s (process %d) has ended: another one takes its place", worker, pid)
        else:
            self._failed(worker, worker.last_words or f"process {pid} {how}")

    def _failed(self, worker: Worker, why: str) -> None:
        """Let the worker be started again, or give up."""
        delay = worker.ended(time.monotonic(), failed=True)
        alone = not any(other.ready for other in self._workers)
        if not worker.has_served or (alone and worker.failures > MAX_FAILED_STARTS):
            tries = "" if not worker.has_served else f" after {worker.failures} failures in a row"
            self._error = self._error or WorkerError(f"{worker} cannot be started{tries}: {why}")
            self._stop()
            return
        _log.error("%s: %s; it is started again%s", worker, why, f" in {delay:.1f} s" if delay else "")

    def _heed_signals(self) -> None:
        for number in self._inbox.taken():
            if number == getattr(signal, "SIGHUP", None):
                for worker in self._workers:
                    worker.say(RELOAD)
            elif number in SIGNALS:
                self._stop()

    # === the end ===

    def _stop(self) -> None:
        """Begin to stop; told again, skip the wait; told once more, kill."""
        now = time.monotonic()
        if not self._stopping:
            self._stopping = True
            self._deadline = now + self._grace + LIFESPAN_S
            self._release()
            for worker in self._workers:
                worker.say(STOP)
                if not worker.ready:  # it listens to nobody before it is; this ends its start
                    worker.kill(signal.SIGINT)
        elif not self._hurried:
            self._hurried = True
            self._deadline = min(self._deadline, now + HURRIED_S)
            for worker in self._workers:
                worker.say(HURRY)
        else:
            self._deadline = now

    def _kill_late(self) -> None:
        if time.monotonic() < self._deadline:
            return
        self._deadline = float("inf")
        for worker in self._workers:
            if worker.pid:
                _log.error("%s (process %d) does not end: it is killed", worker, worker.pid)
                worker.kill(signal.SIGKILL)
