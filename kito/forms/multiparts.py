"""Multipart forms (RFC 7578), read by the package `multipart`; files in memory, or beyond a bound on the disk."""

from __future__ import annotations

import importlib
import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, Final

from ..errors import BadRequest, BodyTooLarge, ConfigError
from ..files.names import safe_name
from ..media_types import CHARSETS, parameter
from .data import UploadFile
from .limits import FormLimits, Pairs

__all__ = ("MultipartReader",)

HEADER_BYTES: Final = 4096  # of one header line of a part
HEADER_COUNT: Final = 8  # of one part; RFC 7578 §4 has a use for three
BOUNDARY_LENGTH: Final = 70  # RFC 2046 §5.1.1
_PLAIN_CODINGS: Final = {"7bit", "8bit", "binary"}  # that change nothing (RFC 2045 §6.2)


def _package() -> Any:
    """Return the package that reads multipart; `ConfigError` when it is not installed."""
    package: Any
    try:
        package = importlib.import_module("multipart")
    except ModuleNotFoundError:
        package = None
    if not hasattr(package, "PushMultipartParser"):  # another package of that name is about
        raise ConfigError("multipart forms need the package multipart: pip install 'kito-server[forms]'")
    return package


class MultipartReader:
    """Takes the pieces of a multipart body and makes fields and files of them."""

    def __init__(self, content_type: str, limits: FormLimits, *, in_memory: bool) -> None:
        self._package = _package()
        boundary = parameter(content_type, "boundary")
        if not boundary or len(boundary) > BOUNDARY_LENGTH or not boundary.isascii():
            raise BadRequest("a multipart form needs a boundary of 1 to 70 characters in its content-type")
        self._limits = limits
        self._memory = None if in_memory else limits.spool_size  # bytes of files that may stay, None: all
        self._fields_left = limits.max_fields_size
        self._files = 0
        self._part: _Part | None = None
        self._pairs: Pairs = []
        with self._refusing():
            self._parser = self._package.PushMultipartParser(
                boundary,
                max_header_size=HEADER_BYTES,
                max_header_count=HEADER_COUNT,
                max_segment_count=limits.max_parts,
            )

    def may_block(self, size: int) -> bool:
        """Whether a piece of so many bytes may go to the disk."""
        on_disk = self._part is not None and self._part.on_disk
        return self._memory is not None and (on_disk or size > self._memory)

    def feed(self, data: bytes) -> None:
        """Take a piece; `BadRequest` for what is no multipart, `BodyTooLarge` over a limit."""
        if not data:
            return
        with self._refusing():
            for event in self._parser.parse(data):
                if event is None:
                    self._end()
                elif isinstance(event, bytes | bytearray):
                    self._take(event)
                else:
                    self._begin(event)

    def finish(self) -> Pairs:
        """Return the fields and files; `BadRequest` when the body ended before the form did."""
        with self._refusing():
            self._parser.close()
        return self._pairs

    def drop(self) -> None:
        """Close every file."""
        for _, value in self._pairs:
            if isinstance(value, UploadFile):
                value.close()
        if self._part is not None:
            self._part.file.close()
        self._pairs = []

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Tell what the parser refuses in kito's words."""
        try:
            yield
        except self._package.ParserLimitReached as error:
            raise BodyTooLarge(f"the multipart form is over a limit: {error}") from error
        except self._package.MultipartError as error:
            raise BadRequest(f"the multipart form is malformed: {error}") from error

    def _begin(self, segment: Any) -> None:
        coding = segment.header("Content-Transfer-Encoding", "binary").strip().lower()
        if coding not in _PLAIN_CODINGS:
            raise BadRequest("a part of the form has a content-transfer-encoding: forms are sent as they are")
        if segment.filename is not None:
            self._files += 1
            if self._files > self._limits.max_files:
                raise BodyTooLarge(f"the form has more than the {self._limits.max_files} files that are read")
        if not segment.name:
            raise BadRequest("a part of the form has no name")
        self._part = _Part(segment)

    def _take(self, data: bytes | bytearray) -> None:
        part = self._part
        assert part is not None, "the parser tells a part before its data"
        part.size += len(data)
        if part.segment.filename is None:
            self._fields_left -= len(data)
            if self._fields_left < 0:
                raise BodyTooLarge(f"the fields of the form have more than {self._limits.max_fields_size} bytes")
        else:
            limit = self._limits.max_file_size
            if limit is not None and part.size > limit:
                raise BodyTooLarge(f"a file of the form has more than the {limit} bytes that are read")
            self._make_room(part, len(data))
        part.file.write(data)

    def _make_room(self, part: _Part, size: int) -> None:
        """Count what a file takes of the memory; on the disk it takes none."""
        if self._memory is None or part.on_disk:
            return
        self._memory -= size
        if self._memory < 0:
            self._memory += part.size
            part.go_to_disk()

    def _end(self) -> None:
        part, self._part = self._part, None
        assert part is not None, "the parser tells the end of a part once"
        self._pairs.append((part.segment.name, part.value()))


class _Part:
    """One part while it arrives."""

    def __init__(self, segment: Any) -> None:
        self.segment = segment
        self.file: IO[bytes] = io.BytesIO()
        self.size = 0
        self.on_disk = False

    def go_to_disk(self) -> None:
        """Move what there is to a file without a name, which goes when it is closed."""
        held, self.file = self.file, tempfile.TemporaryFile()  # noqa: SIM115 - the upload owns it
        self.on_disk = True
        held.seek(0)
        self.file.write(held.read())

    def value(self) -> str | UploadFile:
        """Return what the part says; `BadRequest` for text that is none."""
        self.file.seek(0)
        if self.segment.filename is not None:
            kind = self.segment.content_type or "application/octet-stream"
            return UploadFile(safe_name(self.segment.filename), kind, self.file, self.size)
        charset = (self.segment.charset or "utf-8").lower()
        if charset not in CHARSETS:
            raise BadRequest("a field of the form is in a charset that is not known: send UTF-8")
        try:
            return self.file.read().decode(charset)
        except UnicodeDecodeError as error:
            raise BadRequest(f"a field of the form is not {charset}: {error.reason} at byte {error.start}") from None
