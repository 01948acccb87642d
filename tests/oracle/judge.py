"""The judgement: what kito has accepted is what every reader finds, or the difference is known and has its reason.

Being stricter is nobody's harm. Reading something *else* is never tolerated: not another method, target or body, not
another number of requests. What may be is that a reader refuses what kito accepts, for one of the reasons below.
"""

import re
from typing import NamedTuple

from .readers import PARTIAL, WHOLE, Reading, Seen

ABSOLUTE = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)


class Tolerance(NamedTuple):
    """Something that `readers` refuse and kito serves: `says` is found in what they say, `pattern` in the message."""

    name: str
    readers: frozenset[str]
    says: re.Pattern[str]
    pattern: re.Pattern[bytes]
    reason: str


def tolerance(name: str, readers: str, says: str, pattern: bytes, reason: str) -> Tolerance:
    return Tolerance(name, frozenset(readers.split()), re.compile(says), re.compile(pattern), reason)


TOLERANCES = (
    tolerance(
        "several spaces between the words of the request line",
        "h11 aiohttp",
        "illegal request line|BadStatusLine|BadHttpMethod|InvalidURLError",
        rb"\A(?:\r\n)*[^\r\n]*  ",
        "RFC 9112 §3: a recipient may parse on whitespace; no target has any, so the words are the same for all",
    ),
    tolerance(
        "several empty lines before the request line",
        "h11",
        "no request line received",
        rb"\A(?:\r\n)+[^\r\n]",
        "RFC 9112 §2.2: a server should ignore at least one; they are no part of any message",
    ),
    tolerance(
        "a bare LF before the request line",
        "h11 aiohttp",
        "request line|BadHttpMethod|Bad line ending",
        rb"\A(?:\r\n)*\n",
        "RFC 9112 §2.2: LF alone may end a line; for nobody it is part of a message",
    ),
    tolerance(
        "a tab behind a length",
        "node",
        "HPE_INVALID_CONTENT_LENGTH",
        rb"(?i)\r\ncontent-length:[ \t]*[0-9]+[ \t]*\t[ \t]*\r\n",
        "RFC 9110 §5.6.3: a tab is optional whitespace as a space is; some versions of llhttp know only the space",
    ),
    tolerance(
        "a tab in a list of connection options",
        "node",
        "HPE_CLOSED_CONNECTION",
        rb"(?i)\r\nconnection:[^\r\n]*\t",
        "RFC 9110 §5.6.1: a tab is whitespace around the members; llhttp then misses keep-alive, and reads no further",
    ),
    tolerance(
        "the same field twice in a trailer section",
        "aiohttp",
        "Duplicate '",
        rb"\r\n0+(?:;[^\r\n]*)?\r\n(?:[^\r\n]+\r\n){2}",
        "RFC 9110 §6.5.1: trailers are apart from the head; kito gives fields there no meaning for framing or routing",
    ),
    tolerance(
        "an offer to upgrade",
        "node",
        "UPGRADE",
        rb"(?i)\r\nupgrade:",
        "RFC 9110 §7.8: a server may ignore it, and reads what follows as HTTP; Node hands over the connection",
    ),
)


class Verdict(NamedTuple):
    """What kito did with the bytes of one connection: what it accepted, and whether it closed it on purpose.

    `closed`: an answer said that it is the last, refusals included, so that what follows was not read. None stands
    for a request that was read whole and then refused for what it asked, not for how it was framed.
    """

    accepted: list[Seen | None]
    closed: bool


def judge(verdict: Verdict, name: str, reading: Reading) -> str | None:
    """None, or in which way the reader `name` sees something else than kito."""
    for index, mine in enumerate(verdict.accepted):
        if index < len(reading.requests):
            if mine is not None and not same(mine, reading.requests[index]):
                return f"{name} reads request {index} as {reading.requests[index]}, kito as {mine}"
        elif not reading.refused:
            return f"{name} {reading.end} behind {index} requests, kito accepted {len(verdict.accepted)}"
        else:
            return None if tolerated(name, reading) else f"kito accepted {mine}, but {reading.end}"
    more = len(reading.requests) - len(verdict.accepted)
    if more > 0 and not verdict.closed:
        return f"{name} reads {more} more requests, and kito has not said that it is done"
    return None


def same(mine: Seen, theirs: Seen) -> bool:
    """Whether two readers found the same request: kito tells the target without the authority of a URL."""
    return (
        mine.method == theirs.method
        and mine.target in (theirs.target, origin_form(theirs))
        and mine.body in (theirs.body, None)
    )


def origin_form(request: Seen) -> bytes:
    """The target without scheme and authority (RFC 9112 §3.2.2, §3.2.4)."""
    rest = ABSOLUTE.sub(b"", request.target, count=1)
    if not rest:
        return b"*" if request.method == b"OPTIONS" else b"/"
    return rest if rest.startswith(b"/") else b"/" + rest


def tolerated(name: str, reading: Reading) -> Tolerance | None:
    """The reason for which this reader may refuse what kito accepts."""
    assert reading.end not in (WHOLE, PARTIAL)
    for known in TOLERANCES:
        if name in known.readers and known.says.search(reading.end) and known.pattern.search(reading.rest):
            return known
    return None
