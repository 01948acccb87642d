"""A growable output block that becomes a `bytes` object without another copy."""

cimport cython
from cpython.object cimport PyObject


@cython.final
cdef class WriteBuffer:
    # A bytes object under construction: nobody else holds a reference to it
    # until take() gives it away. NULL while capacity is 0.
    cdef PyObject* block
    # Storage of the block; valid until the next grow() or take().
    cdef char* data
    # 0 <= used <= capacity, both in bytes.
    cdef Py_ssize_t used
    cdef Py_ssize_t capacity
    cdef WriteBuffer spare        # link of the cork's pool, None while in use

    cdef int grow(self, Py_ssize_t size) except -1
    cdef bytes take(self)


# Room for `size` more bytes; the caller fills it and adds what it wrote to `used`.
cdef inline char* reserve(WriteBuffer buffer, Py_ssize_t size) except NULL:
    if buffer.used + size > buffer.capacity:
        buffer.grow(size)
    return buffer.data + buffer.used
