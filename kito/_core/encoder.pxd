"""Bytes of HTTP/1.1 responses: status line, fields, chunk framing. Pure functions over a buffer."""

from libc.stdint cimport int64_t

from kito._core.buffer cimport WriteBuffer
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

# Room for one chunk of `size` > 0 bytes: size line and line end are written, the
# payload's place is returned and must be filled by the caller (RFC 9112 section 7.1).
cdef char* open_chunk(WriteBuffer buffer, Py_ssize_t size) except NULL
cdef int write_chunk_size(WriteBuffer buffer, Py_ssize_t size) except -1
cdef int write_bytes(WriteBuffer buffer, const char* data, Py_ssize_t size) except -1
cdef bytes frame_chunk(const char* data, Py_ssize_t size)
