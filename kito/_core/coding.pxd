"""Coding: a content coding of a streamed body, flushed with every frame (RFC 9110 section 8.4)."""


cdef class Coding:
    cdef readonly bytes name      # as in Content-Encoding
    cdef readonly Py_ssize_t min_size     # bytes; a shorter whole body stays as it is
    cdef readonly Py_ssize_t max_size     # bytes; so does a longer one
    cdef readonly bint streams    # it is for streamed bodies too
    # The encoder's methods: bytes to bytes.
    cdef object _compress
    cdef object _flush
    cdef object _finish

    # What the client needs to read everything up to here.
    cdef bytes encode(self, bytes plain)
    cdef bytes finish(self)
    cdef bytes encode_whole(self, bytes plain)
