"""Connection: the life of one transport, whatever is spoken on it — phases, deadlines, closing in stages."""

from libc.stdint cimport int64_t

from kito._core.clock cimport Deadline
from kito._core.common cimport ConnectionPhase
from kito._core.exchange cimport Exchange, ExchangeOwner
from kito._core.state cimport ServerState
from kito._core.writer cimport TransportWriter


cdef class Connection(ExchangeOwner):
    cdef ServerState state
    cdef ConnectionPhase phase    # changed by enter() only
    # From connection_made to connection_lost; transport is None before and after.
    cdef object transport
    cdef readonly TransportWriter writer
    # The exchange that is being answered; at most one.
    cdef Exchange current
    cdef bint peer_done           # the client has shut its write side
    cdef str ending               # why we end the connection; None: the client does
    cdef Deadline phase_deadline
    cdef Deadline write_deadline  # armed while the transport is over its high-water mark
    cdef bint was_behind          # over the high-water mark since it was last idle
    cdef Py_ssize_t write_backlog # unsent bytes when the write deadline was armed
    cdef Py_ssize_t phase_backlog # unsent bytes when the phase deadline was armed, where output may outlast the phase
    cdef Py_ssize_t discarded     # bytes read and dropped while closing
    cdef object _info             # cache of get_extra_info answers

    # The one place where a phase changes, and with it the deadline.
    cdef int enter(self, ConnectionPhase phase) except -1
    # Close behind what is pending; `staged` where the client may still be sending.
    cdef int finish(self, bint staged) except -1
    cdef int _linger(self) except -1
    cdef int _end_output(self, bint staged) except -1
    # Give up: what is still to be sent goes nowhere.
    cdef int lose(self, str reason) except -1
    cdef int64_t _ticks_of(self, ConnectionPhase phase) except -1
    cdef int64_t _handler_ticks(self) except -1
    cdef int _writing_late(self) except -1
    cdef int _idle_late(self) except -1
    cdef int _closing_late(self) except -1
    # Input that nobody wants any more; more than unread_body of it ends the patience.
    cdef int discard(self, Py_ssize_t size) except -1
    cdef int _turn_away(self) except -1
    # What a protocol adds:
    cdef int input_late(self) except -1         # a head or body did not arrive in time
    cdef int answer_late(self) except -1        # a handler did not answer in time
    cdef int drop_input(self) except -1         # nothing more is read
    cdef int writable_again(self) except -1     # below the low-water mark
