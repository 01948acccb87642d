"""Http1Connection: the asyncio protocol that serves HTTP/1 on one transport."""

from libc.stdint cimport int64_t

from kito._core.clock cimport Deadline
from kito._core.common cimport ConnectionPhase
from kito._core.http1_exchange cimport ExchangeOwner, Http1Exchange
from kito._core.reader cimport Http1Reader
from kito._core.state cimport ServerState
from kito._core.writer cimport TransportWriter


cdef class Http1Connection(ExchangeOwner):
    cdef ServerState state
    cdef ConnectionPhase phase    # changed by _enter() only
    # From connection_made to connection_lost, else None.
    cdef object transport
    cdef TransportWriter writer
    # Borrowed from the state's pool while any part of a request is here, else None.
    cdef Http1Reader reader
    # The exchange that is being answered; at most one.
    cdef Http1Exchange current
    cdef bint serving             # inside _serve(): it goes on with the next exchange itself
    # Input that came while an exchange ran, unparsed, None while there is none.
    cdef list held
    cdef Py_ssize_t held_bytes
    cdef bint reading_paused      # by us, for held input
    cdef bint peer_done           # the client has shut its write side
    cdef str ending               # why we end the connection; None: the client does
    cdef Deadline phase_deadline
    cdef Deadline write_deadline  # armed while the transport is over its high-water mark
    cdef Py_ssize_t stalled_at    # its write buffer when the write deadline was armed
    cdef object _info             # cache of get_extra_info answers

    # The steps of input, in order.
    cdef int _consume(self, object data) except -1
    cdef int _hold(self, object data) except -1
    cdef int _serve(self) except -1
    cdef int _answer_failure(self, Http1Exchange exchange) except -1
    cdef int _rest(self) except -1
    cdef int _enter(self, ConnectionPhase phase) except -1
    cdef int _say_continue(self) except -1
    cdef void _drop_reader(self) noexcept
    cdef int _finish(self, bint staged) except -1
    cdef int _lose(self, str reason) except -1
