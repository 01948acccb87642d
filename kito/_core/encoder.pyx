"""Bytes of HTTP/1.1 responses: status line, fields, chunk framing. Pure functions over a buffer."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.list cimport PyList_GET_ITEM, PyList_GET_SIZE
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy

from kito._core.buffer cimport WriteBuffer, reserve
from kito._core.clock cimport Clock
from kito._core.common cimport (
    FRAMING_CHUNKED, FRAMING_LENGTH, Framing, HEAD_CLOSE, HEAD_HAS_DATE, HEAD_HAS_LENGTH,
)

from kito.errors import InvalidHeader, reason_phrase

cdef enum:
    DATE_LINE_BYTES = 37
    HEAD_LINES_BYTES = 192        # whatever a head may have beside its status line, content type and fields
    MAX_STATUS = 600

# Status lines by status code, made once (RFC 9112 section 4).
cdef list _STATUS_LINES = [None] * MAX_STATUS
# Characters of a token (RFC 9110 section 5.6.2), and those forbidden in a field value (5.5).
cdef unsigned char _TOKEN[256]
cdef unsigned char _BAD_VALUE[256]


cdef object _make_tables():
    cdef int code
    for code in range(100, MAX_STATUS):
        _STATUS_LINES[code] = b"HTTP/1.1 %d %s\r\n" % (code, reason_phrase(code).encode())
    for code in range(256):
        _TOKEN[code] = chr(code) in (
            "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        _BAD_VALUE[code] = (code < 32 and code != 9) or code == 127

_make_tables()


cdef class ResponseHead:
    """Status and fields of a response; base of `Response`."""

    def __cinit__(self):
        self.status_code = 200
        self.declared_length = -1

    cdef int set_field(self, bytes name, bytes value) except -1:
        if name == b"content-type":
            self.content_type = value
            return 0
        if self.fields is not None:
            self.remove_field(name)
        return self.add_field(name, value)

    cdef int add_field(self, bytes name, bytes value) except -1:
        if name == b"content-type":
            self.content_type = value
            return 0
        self._note(name, value)
        if self.fields is None:
            self.fields = [name, value]
        else:
            self.fields.append(name)
            self.fields.append(value)
        return 0

    cdef int remove_field(self, bytes name) except -1:
        cdef Py_ssize_t index
        if name == b"content-type":
            self.content_type = None
        elif name == b"content-length":
            self.flags &= ~HEAD_HAS_LENGTH
            self.declared_length = -1
        elif name == b"date":
            self.flags &= ~HEAD_HAS_DATE
        elif name == b"connection":
            self.flags &= ~HEAD_CLOSE
        if self.fields is None:
            return 0
        for index in range(PyList_GET_SIZE(self.fields) - 2, -1, -2):
            if self.fields[index] == name:
                del self.fields[index:index + 2]
        return 0

    cdef bytes get_field(self, bytes name):
        cdef Py_ssize_t index
        if name == b"content-type":
            return self.content_type
        if self.fields is not None:
            for index in range(0, PyList_GET_SIZE(self.fields), 2):
                if self.fields[index] == name:
                    return self.fields[index + 1]
        return None

    def _note(self, bytes name, bytes value):
        # Fields by which the framing would contradict itself are refused here:
        # kito alone decides how a body is delimited (RFC 9112 section 6.1).
        if name == b"content-length":
            if not value.isdigit() or len(value) > 18:
                raise InvalidHeader(f"content-length must be a number of bytes, not {value!r}")
            if self.flags & HEAD_HAS_LENGTH:
                raise InvalidHeader("content-length is set twice; use res.header() to replace it")
            self.declared_length = int(value)
            self.flags |= HEAD_HAS_LENGTH
        elif name == b"date":
            self.flags |= HEAD_HAS_DATE
        elif name == b"connection":
            if value.lower() != b"close":
                raise InvalidHeader("connection may only be set to 'close'; kito manages the connection itself")
            self.flags |= HEAD_CLOSE
        elif name in (b"transfer-encoding", b"keep-alive", b"upgrade", b"trailer"):
            raise InvalidHeader(f"{name.decode()} cannot be set: kito frames the response itself")


cdef bytes encode_name(object name):
    cdef bytes raw
    cdef const unsigned char* data
    cdef Py_ssize_t index
    if isinstance(name, str):
        raw = (<str>name).encode("latin-1", "replace").lower()
    elif isinstance(name, bytes):
        raw = (<bytes>name).lower()
    else:
        raise InvalidHeader(f"a header name must be str or bytes, not {type(name).__name__}")
    data = <const unsigned char*>PyBytes_AS_STRING(raw)
    for index in range(PyBytes_GET_SIZE(raw)):
        if not _TOKEN[data[index]]:
            raise InvalidHeader(f"{name!r} is not a header name: a token without spaces or separators is needed")
    if not raw:
        raise InvalidHeader("a header name must not be empty")
    return raw


cdef bytes encode_value(object name, object value):
    cdef bytes raw
    cdef const unsigned char* data
    cdef Py_ssize_t index
    if isinstance(value, bytes):
        raw = (<bytes>value).strip(b" \t")
    elif isinstance(value, (str, int)) and not isinstance(value, bool):
        try:
            raw = str(value).encode("latin-1").strip(b" \t")
        except UnicodeEncodeError:
            raise InvalidHeader(
                f"the value of {name!r} holds characters outside latin-1: percent-encode them") from None
    else:
        raise InvalidHeader(f"the value of {name!r} must be str, bytes or int, not {type(value).__name__}")
    data = <const unsigned char*>PyBytes_AS_STRING(raw)
    for index in range(PyBytes_GET_SIZE(raw)):
        if _BAD_VALUE[data[index]]:
            raise InvalidHeader(f"the value of {name!r} holds a control character (CR, LF, NUL ...)")
    return raw


cdef int write_head(WriteBuffer buffer, ResponseHead head, Clock clock, Framing framing,
                    int64_t length, bint close, bint keep) except -1:
    cdef bytes status = <bytes>_STATUS_LINES[head.status_code]
    cdef Py_ssize_t room = HEAD_LINES_BYTES + PyBytes_GET_SIZE(status)
    cdef char* place
    if head.content_type is not None:
        room += PyBytes_GET_SIZE(head.content_type)
    if head.fields is not None:
        room += _size_of_fields(head.fields)
    place = put_object(reserve(buffer, room), status)
    if head.fields is not None:
        place = _put_fields(place, head.fields)
    if head.content_type is not None:
        place = put(place, b"content-type: ", 14)
        place = put(put_object(place, head.content_type), b"\r\n", 2)
    if length >= 0 and not head.flags & HEAD_HAS_LENGTH:
        place = _put_number(put(place, b"content-length: ", 16), length)
    elif framing == FRAMING_CHUNKED:
        place = put(place, b"transfer-encoding: chunked\r\n", 28)
    if close and not head.flags & HEAD_CLOSE:
        place = put(place, b"connection: close\r\n", 19)
    elif keep:
        place = put(place, b"connection: keep-alive\r\n", 24)
    if not head.flags & HEAD_HAS_DATE:
        place = put(place, clock.date_line, DATE_LINE_BYTES)
    buffer.used = put(place, b"\r\n", 2) - buffer.data
    return 0


cdef int write_chunk_size(WriteBuffer buffer, Py_ssize_t size) except -1:
    cdef char* place = reserve(buffer, NUMBER_BYTES)
    buffer.used += put_size_line(place, size) - place
    return 0


cdef int write_bytes(WriteBuffer buffer, const char* data, Py_ssize_t size) except -1:
    memcpy(reserve(buffer, size), data, size)
    buffer.used += size
    return 0


cdef bytes frame_chunk(const char* data, Py_ssize_t size):
    cdef char line[NUMBER_BYTES]
    cdef Py_ssize_t digits = put_size_line(line, size) - line
    cdef bytes frame = PyBytes_FromStringAndSize(NULL, digits + size + 2)
    cdef char* place = PyBytes_AS_STRING(frame)
    memcpy(place, line, digits)
    memcpy(place + digits, data, size)
    memcpy(place + digits + size, b"\r\n", 2)
    return frame


cdef char* put_long_size_line(char* place, Py_ssize_t size) noexcept:
    cdef int digits = 1
    cdef int index
    cdef Py_ssize_t rest = size >> 4
    while rest:
        digits += 1
        rest >>= 4
    for index in range(digits - 1, -1, -1):
        place[index] = b"0123456789abcdef"[size & 15]
        size >>= 4
    place[digits] = c"\r"
    place[digits + 1] = c"\n"
    return place + digits + 2


cdef inline char* put(char* place, const char* data, Py_ssize_t size) noexcept:
    """Copy, and return the byte behind it; the caller has seen to the room."""
    memcpy(place, data, size)
    return place + size


cdef inline char* put_object(char* place, bytes piece) noexcept:
    return put(place, PyBytes_AS_STRING(piece), PyBytes_GET_SIZE(piece))


cdef inline char* _put_number(char* place, uint64_t number) noexcept:
    """Write `number` in decimal with its line end."""
    cdef char digits[NUMBER_BYTES]
    cdef int start = NUMBER_BYTES
    while True:
        start -= 1
        digits[start] = <char>(c"0" + number % 10)
        number //= 10
        if not number:
            break
    return put(put(place, digits + start, NUMBER_BYTES - start), b"\r\n", 2)


cdef Py_ssize_t _size_of_fields(list fields) noexcept:
    cdef Py_ssize_t size = 0
    cdef Py_ssize_t index
    for index in range(PyList_GET_SIZE(fields)):
        size += PyBytes_GET_SIZE(<bytes>PyList_GET_ITEM(fields, index)) + 2     # ": ", or the line end
    return size


cdef char* _put_fields(char* place, list fields) noexcept:
    cdef Py_ssize_t index
    for index in range(0, PyList_GET_SIZE(fields), 2):
        place = put(put_object(place, <bytes>PyList_GET_ITEM(fields, index)), b": ", 2)
        place = put(put_object(place, <bytes>PyList_GET_ITEM(fields, index + 1)), b"\r\n", 2)
    return place
