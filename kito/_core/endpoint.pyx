"""Endpoint: a registered handler with everything decided that can be decided before a request."""

from kito._core.common cimport (
    CALL_GENERAL, CALL_NONE, CallKind, DISCONNECT_CANCEL, DISCONNECT_DETACH, DISCONNECT_FINISH,
)

cdef dict _POLICIES = {
    "cancel": DISCONNECT_CANCEL, "detach": DISCONNECT_DETACH, "finish": DISCONNECT_FINISH,
}


cdef class Endpoint:
    """How to run one handler: what it is called with, and what happens when the client leaves.

    `kind` is a CALL_* number of `kito.binding`, `call` what is called with it; `chain`
    runs the middlewares around it, which call `Dispatcher.perform`;
    `on_disconnect` is "cancel", "detach" or "finish"; with `events` the items of
    a generator are events. Raises `ValueError` for other words.
    """

    def __init__(self, handler, int kind, call, *, chain=None, str on_disconnect="cancel", bint events=False):
        if not CALL_NONE <= kind <= CALL_GENERAL:
            raise ValueError(f"no such kind of call: {kind}")
        if on_disconnect not in _POLICIES:
            raise ValueError(f"on_disconnect is 'cancel', 'detach' or 'finish', not {on_disconnect!r}")
        self.handler = handler
        self.kind = <CallKind>kind
        self.call = call
        self.chain = chain
        self.on_disconnect = <DisconnectPolicy><int>_POLICIES[on_disconnect]
        self.events = events

    def __repr__(self):
        return f"Endpoint({self.handler!r})"
