"""The one encoder of Server-Sent Events (WHATWG HTML section 9.2), and the immutable Event."""

from kito._core.buffer cimport WriteBuffer


# What one event says, as spans of memory that others keep alive.
cdef struct EventSpans:
    const char* event             # NULL: no event field
    Py_ssize_t event_size
    const char* id                # NULL: no id field; id_size 0 is an empty id, which is sent
    Py_ssize_t id_size
    const char* data
    Py_ssize_t data_size
    long long retry_ms            # -1: no retry field
    Py_ssize_t data_breaks        # line ends in data
    Py_ssize_t data_break_bytes   # bytes of these line ends

cdef class Event:
    cdef readonly bytes payload   # the encoded event, blank line included
    cdef readonly bytes frame     # the same as one HTTP/1.1 chunk, shared by every connection
    cdef readonly object event
    cdef readonly object id
    cdef readonly object retry
    cdef readonly object data

# The one JSON encoder: msgspec's types, and pydantic's models.
cdef object to_json

# The text of `data`: str and bytes as they are, anything else (or all of it) as JSON.
cdef object event_text(object data, bint as_json)
# The text of an id: an int becomes its digits, the rest stays.
cdef object event_id(object id)

# Describe the event in `spans`, which borrow from the arguments: keep these
# alive until fill_event(). Returns the encoded size in bytes. Raises InvalidEvent.
cdef Py_ssize_t measure_event(EventSpans* spans, object text, object event,
                              object id, object retry) except -1
cdef void fill_event(char* place, EventSpans* spans) noexcept
cdef bytes encode_comment(object text)
cdef bytes encode_retry(object retry)
