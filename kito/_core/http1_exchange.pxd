"""Http1Exchange: an Exchange framed as HTTP/1."""

from kito._core.clock cimport Timed
from kito._core.exchange cimport Exchange
from kito._core.writer cimport TransportWriter


# The connection, as its exchanges know it.
cdef class ExchangeOwner(Timed):
    cdef bint stopping(self) noexcept
    # The exchange is over and whole: the next may begin.
    cdef int exchange_over(self, Http1Exchange exchange) except -1
    # The exchange is over and not whole: the connection must end so that the client notices.
    cdef int cut(self, bint reset) except -1
    cdef object info(self, str name)


cdef class Http1Exchange(Exchange):
    cdef ExchangeOwner owner      # None once the connection is lost
    cdef TransportWriter writer
    cdef bint keep_alive          # as the request allows it
    cdef bint wants_continue      # the client waits for 100 before it sends the body
    cdef object failure           # the request was refused: the RemoteProtocolError to answer with
    cdef bint refused             # answered without being read to its end
    cdef list body_parts          # pieces of the body under way, None while there are none
    cdef Py_ssize_t body_size     # their bytes
    cdef Http1Exchange next       # link of the reader's queue

    cdef bint _is_last(self) noexcept
