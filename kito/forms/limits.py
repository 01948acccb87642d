"""FormLimits: how much of a form is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..headers import MAX_FIELDS
from .data import UploadFile

__all__ = ("FormLimits", "Pairs")

COUNT_FILES: Final = 100  # each may need a descriptor
MIB: Final = 1024 * 1024

Pairs = list[tuple[str, str | UploadFile]]


@dataclass(frozen=True)
class FormLimits:
    """Bounds of a form; what is over one of them is a 413.

    max_parts: fields and files together; max_files; max_fields_size: bytes of all that is no file, together;
    max_file_size: bytes of one file, None where the bound of the body is the only one; spool_size: bytes of
    files that stay in memory where the body is streamed, the rest goes to the disk.
    """

    max_parts: int = MAX_FIELDS
    max_files: int = COUNT_FILES
    max_fields_size: int = MIB
    max_file_size: int | None = None
    spool_size: int = MIB // 4
