"""Endpoint: a registered handler with everything decided that can be decided before a request."""

from kito._core.common cimport CallKind, DisconnectPolicy


cdef class Endpoint:
    # Called as `kind` says; for CALL_GENERAL it is a specialised caller of (req, res).
    cdef readonly object call
    cdef CallKind kind
    cdef DisconnectPolicy on_disconnect
    cdef readonly bint events     # a generator's items are events, not chunks
    cdef readonly object handler  # as registered, for messages
    # What runs around the handler: called with (dispatcher, endpoint, request), it returns what a handler may;
    # None: nothing does.
    cdef readonly object chain
