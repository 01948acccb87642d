"""Coding: a content coding of a streamed body, flushed with every frame (RFC 9110 section 8.4)."""


cdef Py_ssize_t MAX_SIZE = 1 << 40      # bytes


cdef class Coding:
    """A body's content coding: `encoder` has compress(bytes), flush() and finish(), each of which returns bytes.

    `name` is that in Content-Encoding. Whole bodies under `min_size` bytes or over `max_size` stay as they are;
    streamed ones are coded where `streams` is true, each frame so that it can be read when it arrives.
    """

    def __init__(self, str name, encoder, *, Py_ssize_t min_size=0, Py_ssize_t max_size=MAX_SIZE,
                 bint streams=False):
        self.name = name.encode("ascii")
        self.min_size = min_size
        self.max_size = max_size
        self.streams = streams
        self._compress = encoder.compress
        self._flush = encoder.flush
        self._finish = encoder.finish

    cdef bytes encode(self, bytes plain):
        return <bytes>self._compress(plain) + <bytes>self._flush()

    cdef bytes finish(self):
        return self._finish()

    cdef bytes encode_whole(self, bytes plain):
        return <bytes>self._compress(plain) + <bytes>self._finish()
