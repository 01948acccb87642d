"""Ranges: the parts of a file that a request asks for (RFC 9110 §14)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ("MAX_RANGES", "BadRange", "Span", "parse_ranges")

MAX_RANGES: Final = 16  # of one request; more are an attack (RFC 9110 §17.15)
_SPEC: Final = re.compile(r"(\d{0,18})-(\d{0,18})")


class Span(NamedTuple):
    """Bytes of a file: from `start`, `end` excluded."""

    start: int
    end: int

    def content_range(self, size: int) -> str:
        """Return what Content-Range says of it (§14.4)."""
        return f"bytes {self.start}-{self.end - 1}/{size}"


class BadRange(Exception):
    """The ranges of a request cannot be sent: the answer is 416."""


def parse_ranges(header: str, size: int) -> list[Span] | None:
    """Return the spans of a file of `size` bytes that a Range header asks for, in its order.

    None when the unit is not known: the whole file is the answer then (§14.2). What lies behind the end of the
    file is left out. Raises `BadRange` for what is no range, when nothing is left, for more than `MAX_RANGES`
    and for ranges that together are more than the file: they overlap.
    """
    unit, equals, specs = header.partition("=")
    if not equals or unit.strip().lower() != "bytes":
        return None
    wanted = [spec.strip() for spec in specs.split(",") if spec.strip()]
    if not wanted or len(wanted) > MAX_RANGES:
        raise BadRange(f"from 1 to {MAX_RANGES} ranges can be asked for at once")
    spans = [span for spec in wanted if (span := _span(spec, size)) is not None]
    if not spans:
        raise BadRange(f"the ranges lie outside of the {size} bytes of the file")
    if len(spans) > 1 and sum(span.end - span.start for span in spans) > size:
        raise BadRange("the ranges overlap")
    return spans


def _span(spec: str, size: int) -> Span | None:
    """Return the span of `first-last`, `first-` or `-length`; None when the file has none of these bytes."""
    match = _SPEC.fullmatch(spec)
    if match is None or spec == "-":
        raise BadRange("a range is written as bytes=first-last, bytes=first- or bytes=-length")
    first, last = match[1], match[2]
    if not first:
        start, end = max(0, size - int(last)), size
    else:
        start, end = int(first), min(size, int(last) + 1) if last else size
        if last and int(last) < int(first):
            raise BadRange("a range ends before it begins")
    return Span(start, end) if start < end else None
