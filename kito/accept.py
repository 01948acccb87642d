"""Which of several media types a client would rather have (RFC 9110 section 12.5.1)."""

from __future__ import annotations

import math
from typing import Final

__all__ = ("preferred", "quality")

MAX_RANGES: Final = 64  # of an Accept field; the ones behind are nobody's


def quality(accept: str | None, media_type: str) -> float:
    """Return how much a client wants a media type, 0 (not at all) to 1; a client that says nothing takes anything.

    Of the ranges that match, the most specific counts.
    """
    if accept is None or not accept.strip():
        return 1.0
    kind = media_type.partition("/")[0]
    ranks = {media_type: 3, f"{kind}/*": 2, "*/*": 1}
    best, found = 0, 0.0
    for entry in accept.split(",")[:MAX_RANGES]:
        name, *parameters = (part.strip() for part in entry.split(";"))
        rank = ranks.get(name.lower(), 0)
        if rank > best:
            best, found = rank, _weight(parameters)
    return found


def preferred(accept: str | None, offers: tuple[str, ...]) -> str | None:
    """Return the offer that a client wants most, the first of equals; None when it wants none of them."""
    best = max(offers, key=lambda offer: quality(accept, offer))
    return best if quality(accept, best) > 0 else None


def _weight(parameters: list[str]) -> float:
    """Return the weight of a range (section 12.4.2); one that cannot be read is as good as none given."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q":
            try:
                weight = float(value)
            except ValueError:
                return 1.0
            return min(max(weight, 0.0), 1.0) if not math.isnan(weight) else 1.0
    return 1.0
