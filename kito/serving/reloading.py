"""Reloading: a server that is started anew, in a fresh process, whenever one of its files changes."""

from __future__ import annotations

import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable
from types import FrameType
from typing import Final

from ..errors import ConfigError
from .link import HURRY, STOP, Link, make_link
from .signals import SIGNALS

__all__ = ("own_command", "run_reloading", "taken_link")

_log: Final = logging.getLogger("kito")

LINK_VARIABLE: Final = "KITO_RELOAD_LINK"  # the descriptor of a child's end of the link
GRACE_S: Final = 0.5  # for answers that are being sent; nobody who develops wants to wait for open streams
KILL_S: Final = 5.0  # until a process that does not end is killed
LOOK_MS: Final = 500  # between two looks whether the process has ended by itself


def run_reloading(command: list[str], folders: Iterable[str]) -> int:
    """Run `command` anew after each change of Python files in `folders`; return its status when it ends well.

    Each time is a new process, which listens when all of it is imported: what is half imported never
    serves. One that fails, by a syntax error for instance, waits for the next change. SIGINT and SIGTERM
    end it. Raises `ConfigError` where the package watchfiles is missing.
    """
    try:
        from watchfiles import PythonFilter, watch  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise ConfigError("--reload needs the package watchfiles: pip install 'kito-server[reload]'") from None
    logging.getLogger("watchfiles").setLevel(logging.WARNING)  # it counts changes, which are named here
    over = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        over.set()

    former = {number: signal.signal(number, stop) for number in SIGNALS}
    child = Child(command)
    try:
        changes = watch(
            *folders,
            watch_filter=PythonFilter(),
            stop_event=over,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            raise_interrupt=False,
        )
        for changed in changes:
            if changed:
                names = sorted({os.path.relpath(path) for _, path in changed})
                _log.info("%s changed: the server is started again", ", ".join(names))
                child.stop()
                child = Child(command)
            elif child.ended() == 0:
                break
        return 0
    finally:
        child.stop()
        for number, handler in former.items():
            signal.signal(number, handler)


class Child:
    """One process of the server; it stops when the reloader is gone."""

    def __init__(self, command: list[str]) -> None:
        self._keeper, link = make_link()
        # Bytecode is told from its source by the second and the size: two edits in one second would look the same.
        environment = {**os.environ, LINK_VARIABLE: str(link.sock.fileno()), "PYTHONDONTWRITEBYTECODE": "1"}
        try:
            self._process = subprocess.Popen(command, env=environment, pass_fds=(link.sock.fileno(),))  # noqa: S603
        except BaseException:
            self._keeper.close()
            raise
        finally:
            link.close()
        self._told = False

    def ended(self) -> int | None:
        """Return the exit status, or None while the process runs; a failure is told once."""
        status = self._process.poll()
        if status and not self._told:
            self._told = True
            _log.error("the server has ended with status %d: waiting for a change", status)
        return status

    def stop(self) -> None:
        """End the process: told first, then hurried, killed at last."""
        self._keeper.say(STOP)
        if not self._ends_in(GRACE_S):
            self._keeper.say(HURRY)
            self._process.send_signal(signal.SIGTERM)  # one that is still being imported listens to nobody
            if not self._ends_in(KILL_S):
                self._process.kill()
                self._process.wait()
        self._keeper.close()

    def _ends_in(self, seconds: float) -> bool:
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True


def taken_link() -> Link | None:
    """Return this process' end of the link when it was started by a reloader; what it starts itself takes none."""
    descriptor = os.environ.pop(LINK_VARIABLE, None)
    return None if descriptor is None else Link(socket.socket(fileno=int(descriptor)))


def own_command() -> list[str]:
    """Return the command line that this process was started with, flags of the interpreter included."""
    return [sys.executable, *sys.orig_argv[1:]]
