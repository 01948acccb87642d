"""The one encoder of Server-Sent Events (WHATWG HTML section 9.2), and the immutable Event.

An event is measured first and written second, so that it lands in its place
behind the chunk size without a copy in between.
"""

from cpython.bytearray cimport PyByteArray_FromStringAndSize, PyByteArray_Resize
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.string cimport memchr, memcpy

from kito._core.common cimport SCRATCH_BYTES
from kito._core.encoder cimport frame_chunk

import msgspec

from kito.errors import InvalidEvent


def _plain(value):
    """What JSON carries for a value that msgspec does not know: of a pydantic model its fields."""
    dump = getattr(type(value), "model_dump", None)
    if dump is None:
        raise TypeError(f"Encoding objects of type {type(value).__qualname__} is unsupported")
    return dump(value, mode="json", by_alias=True)


cdef object _encoder = msgspec.json.Encoder(enc_hook=_plain)
cdef object to_json = _encoder.encode
cdef object _encode_into = _encoder.encode_into

cdef enum:
    MAX_RETRY_MS = 2147483647     # larger than any browser waits; keeps the field in 32 bits


cdef class Event:
    """One immutable event, encoded once, sendable to any number of writers.

    `data` is text (`str` or `bytes`) or any value that JSON can carry; `event`
    its type; `id` a `str` or `int` that the client returns as Last-Event-ID;
    `retry` the reconnection time in milliseconds. Raises `InvalidEvent` when a
    value cannot be written (CR, LF or NUL in `event` or `id`, a negative retry).
    """

    def __init__(self, data, event=None, id=None, retry=None):
        cdef EventSpans spans
        text = event_text(data, False)
        name = event_id(id)
        cdef Py_ssize_t size = measure_event(&spans, text, event, name, retry)
        self.payload = PyBytes_FromStringAndSize(NULL, size)
        fill_event(PyBytes_AS_STRING(self.payload), &spans)
        self.frame = frame_chunk(PyBytes_AS_STRING(self.payload), size)
        self.data = data
        self.event = event
        self.id = id
        self.retry = retry

    def __repr__(self):
        return f"Event({self.data!r}, event={self.event!r}, id={self.id!r}, retry={self.retry!r})"


cdef object event_text(object data, bint as_json):
    if is_json(data, as_json):
        return to_json(data)
    return data if isinstance(data, (str, bytes)) else bytes(data)


cdef bytearray json_text(object data, bytearray scratch):
    """As to_json(), but what is written stands in `scratch`, or in a new one where that is None."""
    if scratch is None:
        return json_text(data, PyByteArray_FromStringAndSize(NULL, SCRATCH_BYTES))
    PyByteArray_Resize(scratch, SCRATCH_BYTES)      # where nothing is moved: a longer text is not kept
    _encode_into(data, scratch)
    return scratch


cdef Py_ssize_t measure_fields(EventSpans* spans, object event, object id, object retry) except -1:
    cdef Py_ssize_t size = 0
    spans.event = spans.id = NULL
    spans.retry_ms = -1
    if event is not None:
        spans.event = _field_span(&spans.event_size, "event", event)
        size += 7 + spans.event_size + 1
    if id is not None:
        spans.id = _field_span(&spans.id_size, "id", id)
        size += 4 + spans.id_size + 1
    if retry is not None:
        spans.retry_ms = _check_retry(retry)
        size += 7 + _digits(spans.retry_ms) + 1
    return size


cdef void fill_event(char* place, EventSpans* spans) noexcept:
    if spans.has_fields:
        place = _put_fields(place, spans)
    if spans.data_breaks == 0:
        place = _put_line(place, b"data: ", 6, spans.data, spans.data_size)
    else:
        place = _put_lines(place, b"data: ", 6, spans.data, spans.data_size)
    place[0] = c"\n"


cdef char* _put_fields(char* place, EventSpans* spans) noexcept:
    if spans.event is not NULL:
        place = _put_line(place, b"event: ", 7, spans.event, spans.event_size)
    if spans.id is not NULL:
        place = _put_line(place, b"id: ", 4, spans.id, spans.id_size)
    if spans.retry_ms >= 0:
        place = _put_retry(place, spans.retry_ms)
    return place


cdef bytes encode_comment(object text):
    """`: ` before every line of `text`, and a blank line."""
    cdef EventSpans spans
    cdef bytes payload
    cdef char* place
    if not isinstance(text, (str, bytes)):
        raise InvalidEvent(f"a comment is text, not {type(text).__name__}")
    spans.data = text_span(&spans.data_size, text)
    find_breaks(&spans)
    payload = PyBytes_FromStringAndSize(
        NULL, spans.data_size - spans.data_break_bytes + 3 * (spans.data_breaks + 1) + 1)
    place = _put_lines(PyBytes_AS_STRING(payload), b": ", 2, spans.data, spans.data_size)
    place[0] = c"\n"
    return payload


cdef bytes encode_retry(object retry):
    """A block that only sets the reconnection time, in milliseconds."""
    return b"retry: %d\n\n" % _check_retry(retry)


cdef const char* _field_span(Py_ssize_t* size, str field, object value) except NULL:
    if not isinstance(value, (str, bytes)):
        raise InvalidEvent(f"{field} must be text, not {type(value).__name__}")
    cdef const char* text = text_span(size, value)
    if memchr(text, c"\n", size[0]) or memchr(text, c"\r", size[0]) or memchr(text, 0, size[0]):
        raise InvalidEvent(f"{field} must not hold CR, LF or NUL: {value!r}")
    return text


cdef long long _check_retry(object retry) except -1:
    if not isinstance(retry, int) or isinstance(retry, bool) or not 0 <= retry <= MAX_RETRY_MS:
        raise InvalidEvent(f"retry must be a whole number of milliseconds >= 0, not {retry!r}")
    return retry


cdef void count_breaks(EventSpans* spans) noexcept:
    cdef const char* text = spans.data
    cdef Py_ssize_t size = spans.data_size
    cdef Py_ssize_t index = 0
    while index < size:
        if text[index] == c"\r" and index + 1 < size and text[index + 1] == c"\n":
            spans.data_breaks += 1
            spans.data_break_bytes += 2
            index += 1
        elif text[index] == c"\r" or text[index] == c"\n":
            spans.data_breaks += 1
            spans.data_break_bytes += 1
        index += 1


cdef char* _put_lines(char* place, const char* name, Py_ssize_t name_size,
                      const char* text, Py_ssize_t size) noexcept:
    """One field a line; CRLF, CR and LF end a line and nothing else does."""
    cdef Py_ssize_t start = 0
    cdef Py_ssize_t index = 0
    while index < size:
        if text[index] != c"\r" and text[index] != c"\n":
            index += 1
            continue
        place = _put_line(place, name, name_size, text + start, index - start)
        if text[index] == c"\r" and index + 1 < size and text[index + 1] == c"\n":
            index += 1
        index += 1
        start = index
    return _put_line(place, name, name_size, text + start, size - start)


cdef inline char* _put_line(char* place, const char* name, Py_ssize_t name_size,
                            const char* text, Py_ssize_t size) noexcept:
    memcpy(place, name, name_size)
    memcpy(place + name_size, text, size)
    place += name_size + size
    place[0] = c"\n"
    return place + 1


cdef char* _put_retry(char* place, long long retry_ms) noexcept:
    cdef int digits = _digits(retry_ms)
    cdef int index
    memcpy(place, b"retry: ", 7)
    for index in range(digits - 1, -1, -1):
        place[7 + index] = <char>(c"0" + retry_ms % 10)
        retry_ms //= 10
    place[7 + digits] = c"\n"
    return place + 7 + digits + 1


cdef int _digits(long long number) noexcept:
    cdef int digits = 1
    while number >= 10:
        number //= 10
        digits += 1
    return digits
