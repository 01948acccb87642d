"""Which writer is for which transport."""

from kito._core.writer cimport Cork, TransportWriter


cdef TransportWriter new_writer(object transport, Cork cork, Py_ssize_t max_backlog)
