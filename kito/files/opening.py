"""Opening files, in a thread: below a root that nothing leads out of, or the precompressed sibling of a file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from typing import Final, NamedTuple

from .names import safe_parts

__all__ = ("CODINGS", "OpenFile", "open_file")

# What a precompressed sibling is called behind the name of its file, by its content coding; the best one first.
CODINGS: Final = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}

_FLAGS: Final = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
_NO_WAIT: Final = getattr(os, "O_NONBLOCK", 0)  # a pipe that nobody writes to must not be waited for
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)
# errors that say that there is no such file to send: a link that leads round, a name too long, a socket
_NOWHERE: Final = (errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, errno.EISDIR)
_BY_STEPS: Final = os.open in os.supports_dir_fd and bool(_NO_LINK)


class OpenFile(NamedTuple):
    """A regular file that is open: its descriptor, size in bytes, time of change, and coding (None: as it is)."""

    fd: int
    size: int
    mtime_ns: int
    coding: str | None = None


def open_file(path: str, root: str | None, *, dotfiles: bool, codings: Sequence[str]) -> OpenFile | None:
    """Open the file at `path`; None when there is none, or none that may be sent.

    With a `root`, `path` is what a client says: names with single slashes between them, none of them ".."; it is
    opened step by step, so that no link leads out of the root, however the disk changes meanwhile. Of `codings`,
    the first for which there is a sibling that is not older than the file is opened instead. Raises `OSError`
    for what is wrong with the disk or with this process, such as no descriptor left.
    """
    place = path if root is None else _below(root, path, dotfiles=dotfiles)
    if place is None:
        return None
    top = None if root is None else os.path.realpath(root)
    found = _open_regular(place, top)
    if found is None:
        return None
    for coding in codings:
        sibling = _open_regular(place + CODINGS[coding], top)
        if sibling is not None:
            if sibling.mtime_ns // 10**9 >= found.mtime_ns // 10**9:
                os.close(found.fd)
                return sibling._replace(coding=coding)
            os.close(sibling.fd)
    return found


def _below(root: str, path: str, *, dotfiles: bool) -> str | None:
    """Return where a client's path leads to, links followed; None when that is not below the root."""
    parts = safe_parts(path, dotfiles=dotfiles)
    if parts is None:
        return None
    top = os.path.realpath(root)
    try:
        place = os.path.realpath(os.path.join(top, *parts))
        inside = os.path.commonpath((top, place)) == top
    except (OSError, ValueError):  # a name too long; another drive
        return None
    return place if inside else None


def _open_regular(place: str, top: str | None) -> OpenFile | None:
    """Open a regular file, below `top` without following links; None when there is none."""
    try:
        fd = os.open(place, _FLAGS | _NO_WAIT) if top is None else _descend(top, place)
    except (FileNotFoundError, NotADirectoryError, PermissionError, ValueError):
        return None
    except OSError as error:
        if error.errno in _NOWHERE:
            return None
        raise
    try:
        info = os.fstat(fd)
        regular = stat.S_ISREG(info.st_mode)
    except BaseException:
        os.close(fd)
        raise
    if not regular:
        os.close(fd)
        return None
    return OpenFile(fd, info.st_size, info.st_mtime_ns)


def _descend(top: str, place: str) -> int:
    """Open a place below `top` one name after the other: what has become a link meanwhile is not followed."""
    if not _BY_STEPS:
        return os.open(place, _FLAGS | _NO_WAIT)
    *folders, name = os.path.relpath(place, top).split(os.sep)
    folder = os.open(top, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for step in folders:
            below = os.open(step, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | _NO_LINK, dir_fd=folder)
            os.close(folder)
            folder = below
        return os.open(name, _FLAGS | _NO_WAIT | _NO_LINK, dir_fd=folder)
    finally:
        os.close(folder)
