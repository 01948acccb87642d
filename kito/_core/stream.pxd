"""StreamWriter and SSEWriter: what a handler holds while it produces a body."""

from kito._core.event cimport Event
from kito._core.exchange cimport Exchange


cdef class StreamWriter:
    cdef Exchange exchange        # never None
    cdef bint finished            # end(), close() or abort() was called here

    cdef object put(self, const char* data, Py_ssize_t size, object owner)
    # What a write returns where there is nobody to write to; raises behind one's own end.
    cdef object refuse(self)


cdef class SSEWriter(StreamWriter):
    cdef readonly str last_event_id

    cdef object _send_shared(self, Event shared, object event, object id, object retry)
    cdef object put_event(self, object data, object event, object id, object retry, bint as_json)
    cdef int _write_json(self, object data, object event, object id, object retry) except -1
    cdef int _write_event(self, object text, object event, object id, object retry) except -1


cdef StreamWriter open_stream(Exchange exchange)
cdef SSEWriter open_events(Exchange exchange, str last_event_id)
