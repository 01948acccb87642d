"""Pacing: what a stream may be told about slow readers, gathered text and its age, checked when it is opened."""

from __future__ import annotations

import difflib
import random
from typing import Any, Final, Literal, TypedDict

from ._core.flow import StreamFlow

__all__ = ("EventOptions", "StreamOptions", "make_flow")

MAX_BYTES: Final = 2**40  # 1 TiB
MAX_COALESCE_S: Final = 10.0  # longer is no gathering, it is silence
MAX_AGE_S: Final = 366 * 86400.0  # a year: more is a mistake of units
AGE_SPREAD: Final = 0.1  # part of max_age by which it varies, lest all streams of a deployment end at once
STREAM_POLICIES: Final = ("disconnect", "raise")
EVENT_POLICIES: Final = (*STREAM_POLICIES, "drop_oldest", "latest")


class StreamOptions(TypedDict, total=False):
    """What `res.stream()` may be told about its pace.

    high_water: unsent bytes above which awaited writes wait; default `Limits.high_water`.
    max_backlog: unsent bytes above which `overflow` acts; default `Limits.max_backlog`.
    overflow: "disconnect" the client, or "raise" `BacklogExceeded` to the producer.
    coalesce: seconds for which text is gathered into one chunk; default 0, not at all.
    max_age: seconds after which the body ends, give or take a tenth; default none.
    """

    high_water: int
    max_backlog: int
    overflow: Literal["disconnect", "raise"]
    coalesce: float
    max_age: float


class EventOptions(TypedDict, total=False):
    """What `res.sse()` may be told about its pace: as `StreamOptions`, and it may drop events.

    overflow: also "drop_oldest" (up to max_backlog bytes of events wait) and "latest" (one waits).
    coalesce: text is gathered into one event.
    """

    high_water: int
    max_backlog: int
    overflow: Literal["disconnect", "raise", "drop_oldest", "latest"]
    coalesce: float
    max_age: float


_NAMES: Final = tuple(StreamOptions.__annotations__)


def make_flow(options: dict[str, Any] | StreamOptions | EventOptions, *, events: bool) -> StreamFlow:
    """Return what the core makes of `options`; `TypeError` for an unknown one, `ValueError` for a wrong value."""
    given: dict[str, Any] = dict(options)
    for name in given:
        if name not in _NAMES:
            near = difflib.get_close_matches(name, _NAMES, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(_NAMES)}"
            raise TypeError(f"a stream has no option {name!r}: {hint}")
    overflow = given.get("overflow", "disconnect")
    known = EVENT_POLICIES if events else STREAM_POLICIES
    if overflow not in known:
        why = "; only events can be dropped, see res.sse()" if overflow in EVENT_POLICIES else ""
        raise ValueError(f"overflow is one of {', '.join(known)}, not {overflow!r}{why}")
    high_water, max_backlog = _bytes(given, "high_water"), _bytes(given, "max_backlog")
    if high_water > max_backlog > 0:
        raise ValueError(f"high_water is {high_water}, over max_backlog {max_backlog}: raise max_backlog too")
    max_age = _seconds(given, "max_age", MAX_AGE_S) * random.uniform(1 - AGE_SPREAD, 1 + AGE_SPREAD)  # noqa: S311
    return StreamFlow(overflow, high_water, max_backlog, _seconds(given, "coalesce", MAX_COALESCE_S), max_age)


def _bytes(given: dict[str, Any], name: str) -> int:
    value = given.get(name)
    if value is None:
        return 0
    if type(value) is not int or not 0 < value <= MAX_BYTES:
        raise ValueError(f"{name} is a whole number of bytes from 1 to {MAX_BYTES}, not {value!r}")
    return value


def _seconds(given: dict[str, Any], name: str, most: float) -> float:
    value = given.get(name)
    if value is None:
        return 0.0
    if type(value) not in (int, float) or not 0 <= value <= most:
        raise ValueError(f"{name} is a number of seconds from 0 to {most:.0f}, not {value!r}")
    return float(value)
