"""DirectWriter: corked output that goes straight into the socket while the transport holds none.

uvloop's own `write` costs more than the rest of a small answer's way out. It is passed by only where nothing can go wrong:
under a callback of the loop (so the loop is not closed, and the descriptor not somebody else's), on a plain socket (a
TLS transport's would be corrupted), while the transport holds nothing (the order of bytes is kept) and before the
connection begins to close. What the kernel does not take, and every error, is the transport's: it meets the error itself.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE

from kito._core.buffer cimport WriteBuffer
from kito._core.socket_options cimport descriptor_of
from kito._core.writer cimport TransportWriter


cdef class DirectWriter(TransportWriter):
    """The output side of one plain connection of uvloop."""

    def __cinit__(self):
        self.descriptor = NO_DESCRIPTOR

    cdef int attach(self, object transport, object owner) except -1:
        TransportWriter.attach(self, transport, owner)
        self.descriptor = descriptor_of(transport)
        return 0

    cdef void leave_socket(self) noexcept:
        self.descriptor = NO_DESCRIPTOR

    cdef int flush(self) except -1:
        self.behind = True
        return TransportWriter.flush(self)

    cdef int flush_turn(self) except -1:
        if self.shared is None and self.buffer is None and self.segments is None:
            return 0
        if self.held or self.segments is not None or not self._is_first():
            return self.flush()
        return self._send()

    cdef bint _is_first(self) except -1:
        """Nothing that was written before is still to be sent."""
        if self.descriptor == NO_DESCRIPTOR:
            return False
        if self.behind:
            if self.transport.get_write_buffer_size():
                return False
            self.behind = False
        return True

    cdef int _send(self) except -1:
        cdef WriteBuffer buffer = self.buffer
        cdef const char* data = PyBytes_AS_STRING(self.shared) if buffer is None else buffer.data
        cdef Py_ssize_t size = PyBytes_GET_SIZE(self.shared) if buffer is None else buffer.used
        cdef Py_ssize_t sent = kito_send(self.descriptor, data, size)
        self.bytes_out += size
        self.turn_bytes += size
        if sent < size:
            return self._hand_over(max(sent, 0))
        self.shared = None
        if buffer is not None:
            buffer.used = 0
            self.buffer = None
            self.cork.give_back(buffer)
        return 0

    cdef int _hand_over(self, Py_ssize_t sent) except -1:
        """The transport goes on behind `sent` bytes, or meets the error."""
        cdef bytes piece = self._gather()
        self.behind = True
        self._transport_write(memoryview(piece)[sent:] if sent else piece)
        return 0
