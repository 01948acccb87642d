"""Endpoint: a registered handler with everything decided that can be decided before a request."""

from libc.stdint cimport INT64_MAX, int64_t

from kito._core.common cimport (
    CALL_GENERAL, CALL_NONE, CallKind, DISCONNECT_CANCEL, DISCONNECT_DETACH, DISCONNECT_FINISH,
)

cdef dict _POLICIES = {
    "cancel": DISCONNECT_CANCEL, "detach": DISCONNECT_DETACH, "finish": DISCONNECT_FINISH,
}

cdef tuple _HALF_CLOSES = ("leave", "serve")
cdef double COMMIT_AFTER_S = 0.2      # how long a generator may take to fail with a status of its own
cdef double MAX_COMMIT_AFTER_S = 3600
cdef object MAX_TIMEOUT_S = 366 * 86400     # a year: more is a mistake of units

# The value of a bound that a route leaves to its server.
SERVERS_OWN = object()


cdef class Endpoint:
    """How to run one handler: what it is called with, and what happens when the client leaves.

    `kind` is a CALL_* number of `kito.binding`, `call` what is called with it; `chain`
    runs the middlewares around it, which call `Dispatcher.perform`;
    `on_disconnect` is "cancel", "detach" or "finish"; `half_close` is "leave" or
    "serve"; `commit_after` is in seconds, None: not before the first item; with
    `events` the items of a generator are events. With `stream_body` the handler reads the request's body as it
    arrives; `body_size` is how many bytes it may have (None: any, when it is streamed) and
    `timeout` how many seconds the answer may take (None: any), in place of the server's own
    bounds. Raises `ValueError` or `TypeError` for other values.
    """

    def __init__(self, handler, int kind, call, *, chain=None, str on_disconnect="cancel", str half_close="leave",
                 commit_after=COMMIT_AFTER_S, bint events=False, bint stream_body=False, body_size=SERVERS_OWN,
                 timeout=SERVERS_OWN):
        if not CALL_NONE <= kind <= CALL_GENERAL:
            raise ValueError(f"no such kind of call: {kind}")
        if on_disconnect not in _POLICIES:
            raise ValueError(f"on_disconnect is 'cancel', 'detach' or 'finish', not {on_disconnect!r}")
        if half_close not in _HALF_CLOSES:
            raise ValueError(f"half_close is 'leave' or 'serve', not {half_close!r}")
        if commit_after is not None and not 0 <= commit_after <= MAX_COMMIT_AFTER_S:
            raise ValueError(f"commit_after is a number of seconds from 0 to {MAX_COMMIT_AFTER_S:.0f}, or None, "
                             f"not {commit_after!r}")
        self.handler = handler
        self.kind = <CallKind>kind
        self.call = call
        self.chain = chain
        self.on_disconnect = <DisconnectPolicy><int>_POLICIES[on_disconnect]
        self.serves_half_closed = half_close == "serve"
        self.commit_after = -1 if commit_after is None else commit_after
        self.events = events
        self.stream_body = stream_body
        self.body_size = _body_size(body_size, stream_body)
        self.timeout = _timeout(timeout)

    def __repr__(self):
        return f"Endpoint({self.handler!r})"


cdef int64_t _body_size(object value, bint streamed) except -2:
    if value is None:
        if not streamed:
            raise ValueError("body_size=None: only a body that is streamed may have any size, add stream_body=True")
        return INT64_MAX
    if value is SERVERS_OWN:
        return -1
    if type(value) is not int or not 0 <= value <= INT64_MAX:
        raise ValueError(f"body_size is {value!r}: write a number of bytes from 0 on, or None for any")
    return value


cdef double _timeout(object value) except -2:
    if value is None:
        return 0
    if value is SERVERS_OWN:
        return -1
    if type(value) not in (int, float) or not 0 < value <= MAX_TIMEOUT_S:
        raise ValueError(f"timeout is {value!r}: write seconds from above 0 to {MAX_TIMEOUT_S}, or None for ever")
    return value
