"""Validators: entity tags and times of files, and the conditional requests that name them (RFC 9110 §13)."""

from __future__ import annotations

import email.utils
import re
from typing import Final, NamedTuple

__all__ = ("Conditions", "Validators", "http_date", "judge", "may_resume")

NOT_MODIFIED: Final = 304
PRECONDITION_FAILED: Final = 412

_TAG: Final = re.compile(r'(W/)?("[^"]*")')


def http_date(seconds: int) -> str:
    """Return a time as HTTP writes it (RFC 9110 §5.6.7)."""
    return email.utils.formatdate(seconds, usegmt=True)


def _seconds(date: str | None) -> int | None:
    """Return the time that a date stands for; None for what is none: such a field is ignored (§13.1.3)."""
    try:
        return int(email.utils.parsedate_to_datetime(date).timestamp()) if date else None
    except (ValueError, OverflowError, TypeError):
        return None


class Validators(NamedTuple):
    """What tells one state of a representation from another: a strong tag, and when it was changed, in seconds."""

    tag: str
    modified: int

    @classmethod
    def of(cls, size: int, mtime_ns: int, coding: str | None) -> Validators:
        """Return the validators of a file; of one that is compressed they are others."""
        return cls(f'"{mtime_ns:x}-{size:x}{"-" + coding if coding else ""}"', mtime_ns // 10**9)


class Conditions(NamedTuple):
    """The conditional fields of a request, None where they are absent."""

    if_match: str | None = None
    if_none_match: str | None = None
    if_modified_since: str | None = None
    if_unmodified_since: str | None = None
    if_range: str | None = None


def judge(conditions: Conditions, now: Validators) -> int | None:
    """Return 412 or 304 where the conditions of a GET or HEAD say so, None to go on (RFC 9110 §13.2.2)."""
    if conditions.if_match is not None:
        if not _names(conditions.if_match, now.tag, weakly=False):
            return PRECONDITION_FAILED
    else:
        since = _seconds(conditions.if_unmodified_since)
        if since is not None and now.modified > since:
            return PRECONDITION_FAILED
    if conditions.if_none_match is not None:
        return NOT_MODIFIED if _names(conditions.if_none_match, now.tag, weakly=True) else None
    since = _seconds(conditions.if_modified_since)
    return NOT_MODIFIED if since is not None and now.modified <= since else None


def _names(field: str, tag: str, *, weakly: bool) -> bool:
    """Whether a list of entity tags names one; "*" names every one (§8.8.3.2, §13.1.1)."""
    if field.strip() == "*":
        return True
    return any(found[2] == tag and (weakly or not found[1]) for found in _TAG.finditer(field))


def may_resume(if_range: str | None, now: Validators, clock: float) -> bool:
    """Whether a range may be sent: nothing has changed since the client got the rest (§13.1.5).

    A time is a strong validator only when the file was a second old then (§8.8.2.2).
    """
    if if_range is None:
        return True
    if if_range.lstrip().startswith(('"', "W/")):
        return if_range.strip() == now.tag
    since = _seconds(if_range)
    return since is not None and since == now.modified and now.modified + 1 <= clock
