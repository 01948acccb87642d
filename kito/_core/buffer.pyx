"""A growable output block that becomes a `bytes` object without another copy."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.object cimport PyObject
from cpython.ref cimport Py_XDECREF

from kito._core.common cimport BUFFER_BYTES, DETACH_BYTES


cdef extern from "Python.h":
    PyObject* _new_bytes "PyBytes_FromStringAndSize"(const char* data, Py_ssize_t size) except NULL
    int _resize_bytes "_PyBytes_Resize"(PyObject** block, Py_ssize_t size) except -1
    char* _storage "PyBytes_AS_STRING"(PyObject* block)


cdef class WriteBuffer:
    """Bytes on their way out, written in place.

    The block is a `bytes` object that nobody else can see yet. A well-filled
    block is trimmed and handed to the transport as it is; a small one is copied,
    which is cheaper than trimming, and its block serves the next turn.
    """

    def __cinit__(self):
        self.block = NULL
        self.data = NULL
        self.used = 0
        self.capacity = 0

    def __dealloc__(self):
        Py_XDECREF(self.block)

    cdef int grow(self, Py_ssize_t size) except -1:
        cdef Py_ssize_t wanted = max(self.used + size, <Py_ssize_t>BUFFER_BYTES)
        if wanted < 2 * self.capacity:
            wanted = 2 * self.capacity
        if self.block is NULL:
            self.block = _new_bytes(NULL, wanted)
        elif _resize(self, wanted) < 0:
            return -1
        self.data = _storage(self.block)
        self.capacity = wanted
        return 0

    cdef bytes take(self):
        cdef bytes piece
        if self.used < DETACH_BYTES:
            piece = PyBytes_FromStringAndSize(self.data, self.used)
            self.used = 0
            return piece
        _resize(self, self.used)
        piece = <bytes>self.block
        Py_XDECREF(self.block)      # the local name holds the only reference now
        _forget(self)
        return piece


cdef int _resize(WriteBuffer buffer, Py_ssize_t size) except -1:
    try:
        _resize_bytes(&buffer.block, size)
    except MemoryError:
        _forget(buffer)             # the C call has freed the block
        raise
    return 0


cdef void _forget(WriteBuffer buffer) noexcept:
    buffer.block = NULL
    buffer.data = NULL
    buffer.used = 0
    buffer.capacity = 0
