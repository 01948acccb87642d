"""Http1Reader: turns the bytes of a connection into exchanges, one at a time."""

cimport cython
from kito._core.body cimport RequestBody
from kito._core.exchange cimport ExchangeOwner
from kito._core.http1_exchange cimport Http1Exchange
from kito._core.parser cimport ParserSink, RequestParser
from kito._core.state cimport ServerState
from kito._core.writer cimport TransportWriter


@cython.final
cdef class Http1Reader(ParserSink):
    cdef ServerState state
    cdef RequestParser parser     # None once the reader is of no use any more
    # Whom new exchanges belong to; None while the reader waits in the pool.
    cdef ExchangeOwner owner
    cdef TransportWriter writer
    # The exchange whose body is arriving, None between messages and in heads.
    cdef Http1Exchange incoming
    # The exchange that waits to be served: its request is whole, refused, or its body is streamed; else None.
    cdef Http1Exchange ready
    cdef bint broken              # a request was refused, or said it is the last: no more input is read

    cdef Http1Reader spare        # link of the state's pool, None while in use

    cdef int attach(self, ExchangeOwner owner, TransportWriter writer) except -1
    # To be called once, when the connection has no use for it for now.
    cdef void release(self) noexcept
    # Parse; refusals become exchanges. Returns the bytes taken.
    cdef Py_ssize_t feed(self, object data, const char* start, Py_ssize_t size) except -1
    cdef int refuse(self, object error) except -1
    cdef Http1Exchange pop(self)
    # Nothing of a message is here, whole or in part.
    cdef bint between(self) noexcept
    cdef Http1Exchange _new(self)
    cdef int _gather(self, Http1Exchange exchange, bytes piece, Py_ssize_t size) except -1
    cdef int _expect_body(self, Http1Exchange exchange, RequestParser parser) except -1
    cdef RequestBody _new_body(self, Http1Exchange exchange, RequestParser parser)


# A reader out of the pool, or a new one, attached.
cdef Http1Reader borrow_reader(ServerState state, ExchangeOwner owner, TransportWriter writer)
