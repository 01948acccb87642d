"""Words and sizes that every module of the core shares; declarations only, no state."""

from libc.stdint cimport int64_t, uint64_t


# Outcome of a helper that is called for its effect. One of two values, so that
# the caller tests one register instead of asking for a pending exception.
cdef enum NoResult:
    EXC = -1
    OK = 0


cdef enum Sizes:
    BUFFER_BYTES = 4096           # first block of a write buffer
    DETACH_BYTES = 16384          # a filled block of this size is handed over, a smaller one copied
    POOLED_BYTES = 65536          # a larger block is not kept for the next borrower
    POOLED_BUFFERS = 64           # blocks kept per loop
    REFERENCE_BYTES = 16384       # a payload of this size goes by reference, never copied
    CORK_BYTES = 65536            # pending output that leaves before the turn ends
    FAIR_BYTES = 262144           # what one producer may write in a turn before its await gives the others one
    FAIR_WRITES = 1024            # the same in writes
    FAIR_MS = 5                   # the same in time
    FEED_BYTES = 4096             # input parsed at once inside a head: how far beyond its limit one may be read
    CHUNKED_BYTES = 16384         # the same inside a chunked body
    HELD_BYTES = 65536            # input kept unparsed while an exchange runs; then reading pauses
    SCRATCH_BYTES = 4096          # memory per loop in which the JSON of events is written; a larger one is not kept
    GATHER_BYTES = 16384          # gathered text that does not wait for the end of its window


# How the body of a response is delimited (RFC 9112 section 6).
cdef enum Framing:
    FRAMING_NONE = 0              # no body at all: HEAD, 204, 304
    FRAMING_CHUNKED = 1           # HTTP/1.1, length unknown
    FRAMING_LENGTH = 2            # content-length was declared
    FRAMING_CLOSE = 3             # HTTP/1.0, length unknown: the end of the connection ends the body


# Life of one exchange; the only legal moves are in exchange.pyx, ALLOWED.
cdef enum ExchangePhase:
    EXCHANGE_WAITING = 0          # parsed, the answers before it are still owed
    EXCHANGE_OPEN = 1             # handler may answer; no byte of the head is committed
    EXCHANGE_STREAMING = 2        # head committed, body open
    EXCHANGE_ENDED = 3            # the response is whole
    EXCHANGE_ABORTED = 4          # the response will never be whole


# Life of one connection; the only legal moves are in http1.pyx, ALLOWED.
cdef enum ConnectionPhase:
    CONNECTION_NEW = 0            # accepted, not a byte yet
    CONNECTION_IDLE = 1           # between requests
    CONNECTION_HEAD = 2           # inside a request's head
    CONNECTION_BODY = 3           # inside a request's body
    CONNECTION_BUSY = 4           # a handler owes an answer
    CONNECTION_LINGER = 5         # last answer sent, write side shut, input discarded (RFC 9112 section 9.6)
    CONNECTION_CLOSED = 6


# Response fields that change how the head is written.
cdef enum HeadFlags:
    HEAD_HAS_DATE = 1
    HEAD_HAS_LENGTH = 2
    HEAD_CLOSE = 4                # the handler asked for connection: close


# How an endpoint wants to be called; the same numbers as in kito/binding.py.
cdef enum CallKind:
    CALL_NONE = 0
    CALL_RES = 1
    CALL_REQ = 2
    CALL_REQ_RES = 3
    CALL_RES_REQ = 4
    CALL_CTX = 5
    CALL_GENERAL = 6


# What happens to a write behind a full backlog; from DROP_OLDEST on events are dropped.
cdef enum Overflow:
    OVERFLOW_DISCONNECT = 0
    OVERFLOW_RAISE = 1
    OVERFLOW_DROP_OLDEST = 2
    OVERFLOW_LATEST = 3


cdef enum DisconnectPolicy:
    DISCONNECT_CANCEL = 0         # the handler's task is cancelled once it has opened a stream
    DISCONNECT_DETACH = 1         # the producer runs on; its writes go nowhere
    DISCONNECT_FINISH = 2         # as detach, and the handler is never told
