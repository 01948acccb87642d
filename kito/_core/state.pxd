"""ServerState: what all connections of one loop share."""

from libc.stdint cimport int64_t, uint64_t

from kito._core.clock cimport Clock
from kito._core.dispatch cimport Dispatcher
from kito._core.tally cimport Tally
from kito._core.writer cimport Cork


cdef class ServerState:
    cdef readonly object loop
    cdef readonly Clock clock
    cdef readonly Cork cork
    cdef readonly Dispatcher dispatcher
    cdef readonly Tally tally
    cdef readonly set connections     # open ones, each removed by its connection_lost
    cdef readonly uint64_t accepted
    cdef readonly uint64_t turned_away    # beyond the limit of connections
    cdef public bint stopping         # answers carry connection: close, idle connections end
    cdef double body_rate             # bytes a tick, averaged over a body; 0: any
    cdef bint sets_nodelay            # the loop does not
    cdef bint one_shot                # keep_alive=0: every answer is its connection's last
    cdef object context               # that of the connections' transports, None before the first: handlers get copies
    cdef public object on_empty       # called once, when the last connection is gone
    # Limits, in bytes or counts.
    cdef Py_ssize_t url_size
    cdef Py_ssize_t head_size
    cdef Py_ssize_t header_count
    cdef Py_ssize_t trailer_size
    cdef Py_ssize_t extension_size    # of all chunk extensions of a body
    cdef Py_ssize_t body_size
    cdef Py_ssize_t high_water
    cdef Py_ssize_t max_backlog
    cdef Py_ssize_t unread_body
    cdef int pipeline                 # requests of one connection that may wait
    cdef Py_ssize_t connection_limit
    # Deadlines in ticks of the clock; 0: none.
    cdef int64_t head_ticks
    cdef int64_t body_ticks
    cdef int64_t body_rate_ticks      # a body may be slower than body_rate for so long
    cdef int64_t keep_alive_ticks
    cdef int64_t write_ticks
    cdef int64_t handler_ticks
    cdef int64_t linger_ticks
    cdef int64_t cleanup_ticks        # of a cancelled handler, before it is cancelled again
    # Pool of Http1Readers between two requests: its first, None while empty, and its length.
    cdef object spare_reader
    cdef int spare_readers

    cdef int forget(self, object connection) except -1
