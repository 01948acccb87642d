"""The one encoder of Server-Sent Events (WHATWG HTML section 9.2), and the immutable Event."""

from cpython.bytearray cimport PyByteArray_AS_STRING, PyByteArray_GET_SIZE
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_CheckExact
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.string cimport memchr


# What one event says, as spans of memory that others keep alive.
cdef struct EventSpans:
    const char* event             # NULL: no event field
    Py_ssize_t event_size
    const char* id                # NULL: no id field; id_size 0 is an empty id, which is sent
    Py_ssize_t id_size
    const char* data
    Py_ssize_t data_size
    long long retry_ms            # -1: no retry field
    bint has_fields               # event, id or retry; else none of them is set
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
# Two halves of it, for who has memory to write JSON in: whether it is to be JSON, and that.
cdef inline bint is_json(object data, bint as_json) noexcept:
    return as_json or PyDict_CheckExact(data) or not isinstance(data, (str, bytes, bytearray, memoryview))
cdef bytearray json_text(object data, bytearray scratch)
# The text of an id: an int becomes its digits, the rest stays.
cdef inline object event_id(object id):
    return str(id) if isinstance(id, int) and not isinstance(id, bool) else id

cdef Py_ssize_t measure_fields(EventSpans* spans, object event, object id, object retry) except -1
cdef void count_breaks(EventSpans* spans) noexcept

# The bytes of str, bytes or bytearray.
cdef inline const char* text_span(Py_ssize_t* size, object text) except NULL:
    if isinstance(text, str):
        return PyUnicode_AsUTF8AndSize(text, size)
    if isinstance(text, bytes):
        size[0] = PyBytes_GET_SIZE(text)
        return PyBytes_AS_STRING(text)
    size[0] = PyByteArray_GET_SIZE(text)
    return PyByteArray_AS_STRING(text)

cdef inline void find_breaks(EventSpans* spans) noexcept:
    spans.data_breaks = spans.data_break_bytes = 0
    if memchr(spans.data, c"\n", spans.data_size) or memchr(spans.data, c"\r", spans.data_size):
        count_breaks(spans)

# Describe the event in `spans`, which borrow from the arguments: keep these
# alive until fill_event(). Returns the encoded size in bytes. Raises InvalidEvent.
cdef inline Py_ssize_t measure_event(EventSpans* spans, object text, object event,
                                     object id, object retry) except -1:
    cdef Py_ssize_t size = 1      # the blank line
    spans.has_fields = event is not None or id is not None or retry is not None
    if spans.has_fields:
        size += measure_fields(spans, event, id, retry)
    spans.data = text_span(&spans.data_size, text)
    find_breaks(spans)
    return size + spans.data_size - spans.data_break_bytes + 7 * (spans.data_breaks + 1)

cdef void fill_event(char* place, EventSpans* spans) noexcept
cdef bytes encode_comment(object text)
cdef bytes encode_retry(object retry)
