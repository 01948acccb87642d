"""Names of files: what a client calls a file, made harmless, and what it asks for, taken apart."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ("safe_name", "safe_parts")

NAME_BYTES: Final = 255  # what most file systems take
_DEVICES: Final = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def safe_name(name: str) -> str:
    """Return a client's name for a file as one that is safe in any folder: never empty, at most 255 bytes.

    Folders in front of it, in either kind of slash, control characters, characters that file systems have a
    use for and dots around it are taken off; what is left may still be the name of a file that exists.
    """
    name = unicodedata.normalize("NFC", name).replace("\\", "/").rpartition("/")[2]
    name = "".join("_" if char in '<>:"|?*' else char for char in name if unicodedata.category(char)[0] != "C")
    name = name.strip(" .")
    if name.partition(".")[0].lower() in _DEVICES:
        name = f"_{name}"
    stem, dot, ending = name.rpartition(".") if len(name.rpartition(".")[2]) < NAME_BYTES // 8 else (name, "", "")
    if not dot:
        stem, ending = name, ""
    room = NAME_BYTES - len((dot + ending).encode())
    return (stem.encode()[:room].decode("utf-8", "ignore") + dot + ending) or "file"


def safe_parts(path: str, *, dotfiles: bool) -> list[str] | None:
    """Return the names that a relative path consists of; None for one that must not be followed.

    That is one with "..", with a backslash, a colon or a NUL, with an empty name between slashes, an absolute
    one, and, unless `dotfiles` are served, one with a name that begins with a dot.
    """
    if "\\" in path or "\0" in path or ":" in path:
        return None
    parts = path.split("/")
    for part in parts:
        if part in ("", ".", "..") or (part[0] == "." and not dotfiles):
            return None
    return parts
