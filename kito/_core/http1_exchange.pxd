"""Http1Exchange: an Exchange framed as HTTP/1."""

cimport cython
from libc.stdint cimport int64_t

from kito._core.exchange cimport Exchange, ExchangeOwner
from kito._core.writer cimport TransportWriter


@cython.final
cdef class Http1Exchange(Exchange):
    cdef ExchangeOwner owner      # never None
    cdef TransportWriter writer
    cdef bint keep_alive          # as the request allows it
    cdef bint wants_continue      # the client waits for 100 before it sends the body
    cdef object failure           # the request was refused: the RemoteProtocolError to answer with
    cdef int64_t body_limit       # bytes that the body may have
    cdef list body_parts          # a chunked body under way, bytes and bytearrays, None while there is none
    cdef Py_ssize_t body_size     # their bytes
    cdef int64_t body_since       # tick of the head, from which the body's rate is counted

    # Answer for what is no request yet; the connection ends with it.
    cdef int refuse(self, object error) except -1
    cdef int _write_reference(self, bytes payload) except -1
    cdef bint _is_last(self) noexcept
    cdef int _complete(self, str reason) except -1
    cdef void _time_head(self) noexcept
    cdef void _time_first(self) noexcept
