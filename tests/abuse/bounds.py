"""How far an attack may go, and what it may cost: the numbers of docs/internals/threat-model.md."""

from typing import NamedTuple

from kito import Limits, Timeouts

KIB = 1024  # bytes
LIMITS = Limits()
HELD = 64 * KIB  # input kept unparsed behind a request that is answered; then reading pauses
ONE_READ = 256 * KIB  # what a loop may hand over at once

# Memory that one connection can make the server hold, in bytes, by what it does.
IDLE = 16 * KIB
IN_HEAD = IDLE + 2 * LIMITS.head_size
IN_BODY = IN_HEAD + LIMITS.chunk_extensions + LIMITS.trailer_limit()
UNREAD = IDLE + 4 * LIMITS.high_water  # a piece on its way beside what waits below the mark
PIPELINED = UNREAD + HELD + ONE_READ
BEHIND = (
    IDLE + 2 * LIMITS.max_backlog
)  # a producer that does not wait; the policy acts behind the write that is too much

SLACK = 8 * KIB * KIB  # of the process as a whole: pools, arenas, code that runs for the first time


class Scale(NamedTuple):
    """How long and with how many connections is attacked, and how patient the server is."""

    seconds: float
    connections: int
    hoard: int  # connections that do nothing
    bytes_each: int  # that one connection sends at most
    timeouts: Timeouts


SHORT = Scale(
    1.0, 40, 150, 1024 * KIB, Timeouts(head=1, body=1, body_rate_after=1, keep_alive=1, write=1, stream_grace=0)
)
LONG = Scale(20.0, 200, 1500, 16 * 1024 * KIB, Timeouts())
SCALES = {"short": SHORT, "long": LONG}
