"""Endpoint: a registered handler with everything decided that can be decided before a request."""

from libc.stdint cimport int64_t

from kito._core.common cimport CallKind, DisconnectPolicy


cdef class Endpoint:
    # Called as `kind` says; for CALL_GENERAL it is a specialised caller of (req, res).
    cdef readonly object call
    cdef CallKind kind
    cdef DisconnectPolicy on_disconnect
    cdef readonly bint stream_body    # the handler reads the request's body as it arrives
    cdef int64_t body_size        # bytes that a request's body may have, -1: as the server says
    cdef double timeout           # seconds until an answer has to be there, -1: as the server says, 0: for ever
    cdef bint serves_half_closed  # a client that has shut its write side may still read a stream
    cdef readonly double commit_after   # seconds until the head of a generator without an item is sent; < 0: never
    cdef readonly bint events     # a generator's items are events, not chunks
    cdef readonly object handler  # as registered, for messages
    # What runs around the handler: called with (dispatcher, endpoint, request), it returns what a handler may;
    # None: nothing does.
    cdef public object chain
