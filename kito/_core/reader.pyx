"""Http1Reader: turns the bytes of a connection into exchanges, one at a time.

What is fed never reaches beyond the end of a message, so that the next request
is parsed when this one is answered: the client's answers keep their order, an
error included (RFC 9112 section 9.3.2), and nothing piles up.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport INT64_MAX
from libc.string cimport memcpy

from kito._core.body cimport RequestBody
from kito._core.debug cimport LIVE_READERS, count_live
from kito._core.endpoint cimport Endpoint
from kito._core.exchange cimport ExchangeOwner
from kito._core.http1_exchange cimport Http1Exchange
from kito._core.parser cimport PARSER_BETWEEN, PARSER_BODY, ParserSink, RequestParser
from kito._core.state cimport ServerState
from kito._core.writer cimport TransportWriter

from kito.errors import BodyTooLarge, NotImplementedCoding, RemoteProtocolError

cdef enum:
    SPARE_READERS = 64            # kept per loop
    SMALL_BYTES = 1024            # a smaller piece is kept together with the next

cdef bytes HEAD_METHOD = b"HEAD"
cdef bytes CONNECT_METHOD = b"CONNECT"


cdef class Http1Reader(ParserSink):
    """The input side of one connection at a time."""

    def __cinit__(self, ServerState state):
        self.state = state
        self.parser = RequestParser.__new__(
            RequestParser, state.url_size, state.head_size, state.header_count, state.trailer_size,
            state.extension_size)
        self.parser.open(self)
        count_live(LIVE_READERS, 1)

    def __dealloc__(self):
        count_live(LIVE_READERS, -1)

    cdef int attach(self, ExchangeOwner owner, TransportWriter writer) except -1:
        self.owner = owner
        self.writer = writer
        self.broken = False
        return 0

    cdef void release(self) noexcept:
        """Between two messages it is as good as new and goes to the pool, else it is not used again."""
        cdef bint clean = self.between() and not self.broken
        cdef ServerState state = self.state
        self.owner = None
        self.writer = None
        self.incoming = self.ready = None
        if clean and state.spare_readers < SPARE_READERS:
            self.spare = <Http1Reader>state.spare_reader
            state.spare_reader = self
            state.spare_readers += 1
        else:
            self.parser.close()
            self.parser = None

    cdef Py_ssize_t feed(self, object data, const char* start, Py_ssize_t size) except -1:
        if self.broken:
            return size
        try:
            return self.parser.feed(data, start, size)
        except RemoteProtocolError as error:
            # Bytes behind a request that said it is the last are no error of anybody.
            if not self.broken:
                self.refuse(error)
        return size

    cdef int refuse(self, object error) except -1:
        cdef Http1Exchange exchange = self.incoming
        if exchange is None:
            exchange = self._new()
        exchange.keep_alive = False
        self.incoming = None
        self.broken = True
        if exchange.inbound is not None:
            # Its handler runs, and hears of it when it reads.
            return exchange.inbound.fail(error)
        exchange.failure = error
        exchange.body = exchange.body_parts = None
        self.ready = exchange
        return 0

    cdef Http1Exchange pop(self):
        cdef Http1Exchange exchange = self.ready
        self.ready = None
        return exchange

    cdef bint between(self) noexcept:
        return self.ready is None and self.parser.phase == PARSER_BETWEEN and not self.parser.lone_cr

    cdef int on_head(self, RequestParser parser) except -1:
        cdef Http1Exchange exchange = self._new()
        exchange.method = parser.method
        exchange.target = parser.target
        exchange.authority = parser.authority
        exchange.raw_headers = parser.headers
        exchange.minor_version = parser.minor_version
        exchange.keep_alive = parser.keep_alive
        exchange.head_only = parser.method == HEAD_METHOD
        exchange.body_since = self.state.clock.tick
        self.incoming = exchange
        parser.headers = None
        if parser.method == CONNECT_METHOD:
            raise NotImplementedCoding("kito is no proxy: CONNECT is not served")
        return self._expect_body(exchange, parser) if parser.chunked or parser.content_length > 0 else 0

    cdef int _expect_body(self, Http1Exchange exchange, RequestParser parser) except -1:
        """The route of a request with a body says how that is read, and how much of it."""
        cdef Endpoint endpoint = self.state.dispatcher.route(exchange)
        exchange.body_limit = self.state.body_size
        if endpoint is not None and endpoint.body_size >= 0:
            exchange.body_limit = endpoint.body_size
        if parser.content_length > exchange.body_limit:
            raise BodyTooLarge(
                f"the body has {parser.content_length} bytes, more than the {exchange.body_limit} that are read")
        if endpoint is None or not endpoint.stream_body:
            exchange.wants_continue = parser.expects_continue
            return 0
        exchange.inbound = self._new_body(exchange, parser)
        self.ready = exchange       # its handler begins with the head
        return exchange.inbound.start()

    cdef RequestBody _new_body(self, Http1Exchange exchange, RequestParser parser):
        cdef RequestBody body = RequestBody.__new__(RequestBody)
        cdef ServerState state = self.state
        body.source = self.owner
        body.clock = state.clock
        body.length = parser.content_length
        body.limit = exchange.body_limit
        body.whole_limit = state.body_size if body.limit == INT64_MAX else body.limit
        body.high_water = state.high_water
        body.drop_limit = state.unread_body
        body.ticks = state.body_ticks
        body.rate = state.body_rate
        body.rate_ticks = state.body_rate_ticks
        body.wants_continue = parser.expects_continue
        return body

    cdef int on_body(self, bytes piece) except -1:
        cdef Http1Exchange exchange = self.incoming
        cdef Py_ssize_t size = PyBytes_GET_SIZE(piece)
        if exchange.inbound is not None:
            return exchange.inbound.put(piece)
        exchange.wants_continue = False
        if exchange.body_size + size > exchange.body_limit:
            raise BodyTooLarge(f"the body is larger than the {exchange.body_limit} bytes that are read")
        if exchange.body_size == 0 and self.parser.content_length == size:
            exchange.body = piece
        elif self.parser.content_length > 0:
            if exchange.body is None:
                # Not touched before its bytes arrive, so that a mere promise costs no memory.
                exchange.body = PyBytes_FromStringAndSize(NULL, self.parser.content_length)
            memcpy(PyBytes_AS_STRING(exchange.body) + exchange.body_size, PyBytes_AS_STRING(piece), size)
        else:
            self._gather(exchange, piece, size)
        exchange.body_size += size
        return 0

    cdef int _gather(self, Http1Exchange exchange, bytes piece, Py_ssize_t size) except -1:
        """Keep a piece of a chunked body; small ones share an object, whose own size would exceed theirs."""
        cdef list parts = exchange.body_parts
        cdef object last
        if parts is None:
            parts = exchange.body_parts = []
        if size >= SMALL_BYTES:
            parts.append(piece)
            return 0
        last = parts[len(parts) - 1] if parts else None
        if type(last) is bytearray:
            last += piece
        else:
            parts.append(bytearray(piece))
        return 0

    cdef int on_complete(self) except -1:
        cdef Http1Exchange exchange = self.incoming
        self.incoming = None
        if exchange.body_parts is not None:
            exchange.body = b"".join(exchange.body_parts)
            exchange.body_parts = None
        exchange.trailers = self.parser.trailers
        if not exchange.keep_alive:
            self.broken = True      # RFC 9112 section 9.6: nothing behind `close` is read
        if exchange.inbound is not None:
            return exchange.inbound.finish()
        self.ready = exchange
        return 0

    cdef Http1Exchange _new(self):
        cdef Http1Exchange exchange = Http1Exchange.__new__(Http1Exchange)
        exchange.owner = self.owner
        exchange.writer = self.writer
        exchange.clock = self.state.clock
        exchange.tally = self.state.tally
        return exchange


cdef Http1Reader borrow_reader(ServerState state, ExchangeOwner owner, TransportWriter writer):
    cdef Http1Reader reader = <Http1Reader>state.spare_reader
    if reader is None:
        reader = Http1Reader.__new__(Http1Reader, state)
    else:
        state.spare_reader = reader.spare
        state.spare_readers -= 1
        reader.spare = None
    reader.attach(owner, writer)
    return reader
