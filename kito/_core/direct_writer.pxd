"""DirectWriter: corked output that goes straight into the socket while the transport holds none."""

cimport cython
from kito._core.writer cimport TransportWriter

cdef extern from *:
    """
    #if defined(_WIN32)
    static Py_ssize_t kito_send(int descriptor, const char* data, Py_ssize_t size) { return -1; }
    #else
    #include <sys/socket.h>
    #if !defined(MSG_NOSIGNAL)
    #define MSG_NOSIGNAL 0    /* macOS has none; Python ignores SIGPIPE */
    #endif
    static Py_ssize_t kito_send(int descriptor, const char* data, Py_ssize_t size) {
        return send(descriptor, data, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    #endif
    """
    # Bytes that the kernel took, -1: none, for whatever reason. Never waits, never raises a signal.
    Py_ssize_t kito_send(int descriptor, const char* data, Py_ssize_t size) noexcept


cdef enum:
    NO_DESCRIPTOR = -1


@cython.final
cdef class DirectWriter(TransportWriter):
    # The socket's, from attach() until the connection closes in whatever way; then NO_DESCRIPTOR.
    cdef int descriptor
    # The transport was given output since it was last seen to hold none.
    cdef bint behind

    cdef bint _is_first(self) except -1
    cdef int _send(self) except -1
    cdef int _hand_over(self, Py_ssize_t sent) except -1
