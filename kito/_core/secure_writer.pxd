"""SecureWriter: corked output of a connection of TLS, handed over in slices."""

cimport cython
from kito._core.writer cimport TransportWriter


@cython.final
cdef class SecureWriter(TransportWriter):
    # Hand over what there is room for; the rest waits in `segments`.
    cdef int _feed(self) except -1
    cdef int _keep(self, list pieces, Py_ssize_t index, Py_ssize_t start) except -1
