"""Readers of forms: urlencoded or multipart, from a body that is there or from one that is arriving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Protocol

from ..errors import BodyTooLarge, HTTPError
from ..headers import parse_query
from ..media_types import FORM_TYPES, MULTIPART, URLENCODED, media_type
from .data import FormData
from .limits import FormLimits, Pairs
from .multiparts import MultipartReader

__all__ = ("FormReader", "form_of")


class FormReader(Protocol):
    """Takes the pieces of a body; raises `BadRequest`, `BodyTooLarge`."""

    def may_block(self, size: int) -> bool:
        """Whether a piece of so many bytes may go to the disk."""

    def feed(self, data: bytes) -> None:
        """Take a piece."""

    def finish(self) -> Pairs:
        """Return the fields; the body has ended."""

    def drop(self) -> None:
        """Close what was opened; the form is not wanted any more."""


class _UrlencodedReader:
    """Collects a urlencoded form (WHATWG URL §5.1)."""

    def __init__(self, limits: FormLimits) -> None:
        self._limits = limits
        self._data = bytearray()

    def may_block(self, size: int) -> bool:
        return False

    def feed(self, data: bytes) -> None:
        if len(self._data) + len(data) > self._limits.max_fields_size:
            raise BodyTooLarge(f"the form has more than the {self._limits.max_fields_size} bytes that are read")
        self._data += data

    def finish(self) -> Pairs:
        return list(parse_query(bytes(self._data), self._limits.max_parts).items())

    def drop(self) -> None:
        self._data.clear()


def form_of(
    content_type: str, body: bytes, stream: Callable[[], AsyncIterator[bytes]] | None, limits: FormLimits
) -> FormData:
    """Return the form in `body`, or, read when it is awaited, in the pieces of `stream()`.

    Raises 415 for what is no form, `BadRequest` for a form that cannot be read, `BodyTooLarge` over a limit,
    `ConfigError` for a multipart form where the package that reads them is not installed.
    """
    kind = media_type(content_type)
    if kind not in FORM_TYPES:
        got = repr(kind) if kind else "a body of no type"
        raise HTTPError(415, f"a form is expected, {URLENCODED} or {MULTIPART}, not {got}")
    reader: FormReader
    if kind == URLENCODED:
        reader = _UrlencodedReader(limits)
    else:
        reader = MultipartReader(content_type, limits, in_memory=stream is None)
    if stream is not None:
        return FormData([], lambda: _read(reader, stream()))
    try:
        reader.feed(body)
        return FormData(reader.finish())
    except BaseException:
        reader.drop()
        raise


async def _read(reader: FormReader, stream: AsyncIterator[bytes]) -> Pairs:
    """Read a form as it arrives; the disk is written by a thread."""
    try:
        async for data in stream:
            if reader.may_block(len(data)):
                await asyncio.to_thread(reader.feed, data)
            else:
                reader.feed(data)
        return reader.finish()
    except BaseException:
        reader.drop()
        raise
