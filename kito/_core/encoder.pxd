"""Bytes of HTTP/1.1 responses: status line, fields, chunk framing. Pure functions over a buffer."""

from libc.stdint cimport int64_t

from kito._core.buffer cimport WriteBuffer, reserve
from kito._core.clock cimport Clock
from kito._core.common cimport Framing


# What a response's head says; the facade's Response is a subclass.
cdef class ResponseHead:
    cdef readonly int status_code # 200..599
    cdef bytes content_type       # encoded value, None: no content-type field
    cdef list fields              # flat [name, value, ...], names lower-case, both validated; None while empty
    cdef int flags                # HeadFlags, derived from fields
    cdef int64_t declared_length  # content-length set by the handler, -1: none

    cdef int set_field(self, bytes name, bytes value) except -1
    cdef int add_field(self, bytes name, bytes value) except -1
    cdef int remove_field(self, bytes name) except -1
    cdef bytes get_field(self, bytes name)


cdef bytes encode_name(object name)
cdef bytes encode_value(object name, object value)

# A head. `length` >= 0 is written as content-length, -1 is not;
# `close` adds connection: close, `keep` adds connection: keep-alive (HTTP/1.0 clients want to be told).
cdef int write_head(WriteBuffer buffer, ResponseHead head, Clock clock, Framing framing,
                    int64_t length, bint close, bint keep) except -1

cdef int write_chunk_size(WriteBuffer buffer, Py_ssize_t size) except -1
cdef int write_bytes(WriteBuffer buffer, const char* data, Py_ssize_t size) except -1
cdef bytes frame_chunk(const char* data, Py_ssize_t size)

cdef enum:
    NUMBER_BYTES = 24             # digits of any 64-bit number, and its line end

cdef char* put_long_size_line(char* place, Py_ssize_t size) noexcept


# The size line of a chunk at `place`, where NUMBER_BYTES are free; returns the byte behind it.
cdef inline char* put_size_line(char* place, Py_ssize_t size) noexcept:
    # Tokens and most events have one digit or two, which need no loop.
    if size < 0x10:
        place[0] = b"0123456789abcdef"[size]
        place += 1
    elif size < 0x100:
        place[0] = b"0123456789abcdef"[size >> 4]
        place[1] = b"0123456789abcdef"[size & 15]
        place += 2
    else:
        return put_long_size_line(place, size)
    place[0] = c"\r"
    place[1] = c"\n"
    return place + 2


# Room for one chunk of `size` > 0 bytes: size line and line end are written, the
# payload's place is returned and must be filled by the caller (RFC 9112 section 7.1).
cdef inline char* open_chunk(WriteBuffer buffer, Py_ssize_t size) except NULL:
    cdef char* place = reserve(buffer, size + NUMBER_BYTES)
    cdef char* payload = put_size_line(place, size)
    payload[size] = c"\r"
    payload[size + 1] = c"\n"
    buffer.used += payload - place + size + 2
    return payload
