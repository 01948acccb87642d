"""Listening Unix sockets: a file with its owner and permissions that is taken from nobody and removed at the end."""

from __future__ import annotations

import errno
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from ..errors import ConfigError
from .sockets import explained

__all__ = ("UnixListener",)

LOCK_TRIES: Final = 100  # to lock the folder, with LOCK_WAIT_S between them: a second
LOCK_WAIT_S: Final = 0.01

Owner = tuple[str | int | None, str | int | None]


class UnixListener:
    """A listening Unix socket at `path`, or of the abstract name "@name".

    A file that a stopped server left behind is replaced; the socket of a server that lives, or another
    file, is not: `OSError`. Nobody can connect before `mode` and `owner` are set. `ConfigError` for an
    owner that this machine does not know.
    """

    def __init__(self, path: str, *, mode: int | None, owner: Owner | None, backlog: int) -> None:
        self._path = path
        self._identity: tuple[int, int] | None = None  # device and inode of the file that is ours
        accounts = _accounts(owner)
        try:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                self._listen(mode, accounts, backlog)
            except BaseException:
                self.socket.close()
                raise
        except OSError as error:
            raise self._explained(error) from None

    def _listen(self, mode: int | None, accounts: tuple[int, int], backlog: int) -> None:
        if self._path[0] == "@":
            self.socket.bind("\0" + self._path[1:])
            self.socket.listen(backlog)
            return
        with _folder_locked(self._path):
            _clear_stale(self._path)
            self.socket.bind(self._path)
            status = os.lstat(self._path)
            self._identity = status.st_dev, status.st_ino
            try:
                if mode is not None:
                    os.chmod(self._path, mode)
                if accounts != (-1, -1):
                    os.chown(self._path, *accounts)
                self.socket.listen(backlog)
            except OSError:
                os.unlink(self._path)
                raise

    def _explained(self, error: OSError) -> OSError:
        if error.errno is None:  # the only one that Python raises by itself
            size = len(os.fsencode(self._path))
            reason = f"the path has {size} bytes, more than the name of a Unix socket can"
            return OSError(errno.ENAMETOOLONG, f"cannot listen on {self._path}: {reason}")
        return explained(error, self._path)

    def remove_file(self) -> None:
        """Remove the file unless it is another's by now. To be called while the socket is open: its inode is ours."""
        if self._identity is None:
            return
        with suppress(OSError), _folder_locked(self._path):  # a folder that is gone has nothing to remove
            status = os.lstat(self._path)
            if (status.st_dev, status.st_ino) == self._identity:
                os.unlink(self._path)
        self._identity = None


@contextmanager
def _folder_locked(path: str) -> Iterator[None]:
    """Hold the folder of `path` against other servers that look for a stale file, or remove theirs, right now."""
    import fcntl  # noqa: PLC0415 - only where there are Unix sockets

    try:
        folder = os.open(os.path.dirname(path) or ".", os.O_RDONLY | os.O_CLOEXEC)
    except PermissionError:  # a folder that may be written but not read: nothing to hold it by
        yield
        return
    try:
        for _ in range(LOCK_TRIES):
            with suppress(BlockingIOError):
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(LOCK_WAIT_S)
        else:
            raise OSError(errno.EBUSY, "its folder is locked")
        yield
    finally:
        os.close(folder)


def _clear_stale(path: str) -> None:
    """Remove a socket file that nobody listens on; `OSError` when it is in use, or no socket."""
    try:
        if not stat.S_ISSOCK(os.lstat(path).st_mode):
            raise FileExistsError(errno.EEXIST, "it is a file, not a socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a server with a full backlog lives, too, and must not be waited for
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except BlockingIOError:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE)) from None
        else:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))


def _accounts(owner: Owner | None) -> tuple[int, int]:
    """Return the numbers of a user and a group; -1 for one that stays as it is."""
    if owner is None:
        return -1, -1
    import grp  # noqa: PLC0415 - only where there are Unix sockets
    import pwd  # noqa: PLC0415

    user, group = owner
    try:
        uid = pwd.getpwnam(user).pw_uid if isinstance(user, str) else user
    except KeyError:
        raise ConfigError(f"unix_owner: there is no user {user!r}") from None
    try:
        gid = grp.getgrnam(group).gr_gid if isinstance(group, str) else group
    except KeyError:
        raise ConfigError(f"unix_owner: there is no group {group!r}") from None
    return -1 if uid is None else uid, -1 if gid is None else gid
