"""StreamFlow: a stream's own bounds — a policy for slow readers, gathered text, an age."""

from kito._core.buffer cimport WriteBuffer
from kito._core.clock cimport Deadline
from kito._core.common cimport Overflow
from kito._core.event cimport Event, EventSpans
from kito._core.exchange cimport Exchange, Flow


cdef class StreamFlow(Flow):
    # None before attach() and once the stream is over.
    cdef Exchange exchange
    cdef Overflow overflow
    # Bytes; 0 before attach(): as the connection has them.
    cdef Py_ssize_t high_water
    cdef Py_ssize_t max_backlog
    cdef double window_s          # how long text is gathered; 0: not at all
    cdef double max_age_s         # 0: for ever
    cdef Deadline age
    # Events that wait for a reader that is behind, encoded, oldest first; None while there are none.
    cdef object kept
    cdef Py_ssize_t kept_bytes    # at most max_backlog, but for the newest event
    cdef unsigned long long unsaid    # dropped since the client was told last
    # Text under way, None while there is none. Adjacent events of one type become one event of that type.
    cdef WriteBuffer gathered
    cdef object event

    cdef int attach(self, Exchange exchange) except -1
    # What the writers of a stream with a flow do instead of writing.
    cdef int put(self, const char* data, Py_ssize_t size, object owner) except -1
    cdef int put_event(self, object data, object event, object id, object retry, bint as_json) except -1
    cdef int put_shared(self, Event event) except -1
    cdef int _write(self, const char* data, Py_ssize_t size, object owner) except -1
    cdef int _admit(self) except -1
    cdef bint _keeps(self) noexcept
    cdef int _keep(self, bytes payload) except -1
    cdef int _send_kept(self) except -1
    cdef int _write_event(self, EventSpans* spans, Py_ssize_t size) except -1
    cdef bint _gathers(self) noexcept
    cdef int _gather(self, const char* text, Py_ssize_t size) except -1
    cdef int _gather_event(self, object text, object event) except -1
    cdef bint _would_join_line_end(self, EventSpans* spans) noexcept


cdef StreamFlow plain_flow()
