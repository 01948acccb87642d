"""Which writer is for which transport."""

from kito._core.direct_writer cimport DirectWriter
from kito._core.secure_writer cimport SecureWriter
from kito._core.writer cimport Cork, TransportWriter


cdef TransportWriter new_writer(object transport, Cork cork, Py_ssize_t max_backlog):
    if transport.get_extra_info("sslcontext") is not None:
        return SecureWriter.__new__(SecureWriter, cork, max_backlog)
    if type(transport).__module__ == "uvloop.loop":
        return DirectWriter.__new__(DirectWriter, cork, max_backlog)
    return TransportWriter.__new__(TransportWriter, cork, max_backlog)
