"""Http1Connection: the asyncio protocol that serves HTTP/1 on one transport.

The life of input: data_received -> _consume (parse) -> _serve (run, answer)
-> flush (one system call) -> _rest (phase and deadline until more comes).
One exchange is answered at a time; what arrives meanwhile is held unparsed.
"""

import logging

from cpython.buffer cimport PyBUF_READ
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.memoryview cimport PyMemoryView_FromMemory
from libc.stdint cimport int64_t

from kito._core.common cimport (
    CONNECTION_BODY, CONNECTION_BUSY, CONNECTION_HEAD, CONNECTION_IDLE, CONNECTION_LINGER, CONNECTION_NEW,
    EXCHANGE_OPEN, EXCHANGE_STREAMING, FEED_BYTES, HELD_BYTES,
)
from kito._core.body cimport RequestBody
from kito._core.connection cimport Connection
from kito._core.encoder cimport write_bytes
from kito._core.exchange cimport Exchange
from kito._core.http1_exchange cimport Http1Exchange
from kito._core.parser cimport PARSER_BODY
from kito._core.reader cimport Http1Reader, borrow_reader
from kito._core.watch cimport Watch

from kito.errors import ConnectionClosed, HandlerTimeout, RequestTimeout

_log = logging.getLogger("kito")

cdef bytes CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


cdef class Http1Connection(Connection):
    """One connection that speaks HTTP/1.0 and 1.1; the listener makes one for each accept."""

    cdef bint stopping(self) noexcept:
        return self.state.stopping or self.state.one_shot or (self.peer_done and not self._has_work())

    cdef bint half_closed(self) noexcept:
        return self.peer_done

    cdef bint closing(self) noexcept:
        return self.state.stopping

    cdef int64_t cleanup_ticks(self) noexcept:
        return self.state.cleanup_ticks

    cdef int exchange_over(self, Exchange exchange) except -1:
        if exchange is not self.current:
            return 0
        self.current = None
        if self.writer.own_marks:
            self.writer.set_marks(self.state.high_water, self.state.max_backlog)
            self.writer.own_marks = False
        if self.inbound is not None:
            # What is left of the body is read to keep the connection, if it is not too much.
            self.inbound.drop()
            self._read_on()
            if self.inbound.is_too_much():
                return self.finish(True)
        if not (<Http1Exchange>exchange).keep_alive:
            return self.finish(True)
        if self.serving:
            return 0
        if not self.writer.listed:
            self.writer.flush()
        if self._has_work():
            return self._resume_soon()
        return self._rest()

    cdef int _take(self, object data) except -1:
        """Everything that one piece of input brings about."""
        self.writer.corked = True
        try:
            self._consume(data)
        finally:
            self.writer.corked = False
        self.writer.flush_turn()
        self.writer.begin_turn()
        return self._rest()

    cdef int _consume(self, bytes data) except -1:
        """Parse a message, or what there is of it, and serve it; then the next."""
        cdef const char* start = PyBytes_AS_STRING(data)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(data)
        cdef Py_ssize_t offset = 0
        cdef Py_ssize_t step
        if self.reader is None:
            self.reader = borrow_reader(self.state, self, self.writer)
        while self._can_read():
            step = self.reader.parser.appetite(start + offset, size - offset)
            if step == size:
                offset = self.reader.feed(data, start, size)
            else:
                view = PyMemoryView_FromMemory(<char*>start + offset, step, PyBUF_READ)
                offset += self.reader.feed(view, start + offset, step)
            self.unread = offset < size
            self._serve()
            self.unread = False
            if self.inbound is not None:
                self._body_came()
            if offset == size:
                return 0
        if self.phase < CONNECTION_LINGER:
            self._hold(data[offset:])
        return 0

    cdef int _serve(self) except -1:
        """Answer the request that is whole, if one is and the client takes its answers."""
        cdef Http1Exchange exchange
        if self.reader.ready is None or not self._can_serve():
            return 0
        exchange = self.reader.pop()
        self.current = exchange
        if exchange.inbound is not None:
            self.inbound = exchange.inbound
        self.serving = self.served = True
        try:
            if exchange.failure is None:
                self.state.dispatcher.dispatch(exchange)
            else:
                self._answer_failure(exchange)
        finally:
            self.serving = False
        return 0

    cdef int _rest(self) except -1:
        """Enter the phase in which more input is awaited, or the answer of a handler."""
        cdef bint served = self.served
        self.served = False
        if self.phase >= CONNECTION_LINGER:
            return 0
        if self.current is not None:
            self._return_reader()
            # A total: more of its body buys a handler no time.
            return self.enter(CONNECTION_BUSY) if served or self.phase != CONNECTION_BUSY else 0
        if self.inbound is not None:
            return self.enter(CONNECTION_BODY)
        if self._has_work():
            return self._resume_soon() if self._can_serve() else 0
        if self.peer_done:
            return self.finish(False)       # what is here in part will never be whole
        if self.reader is not None and not self.reader.between():
            if self.reader.parser.phase != PARSER_BODY:
                if served:
                    self.enter(CONNECTION_IDLE)     # the head of another request, with a time of its own
                return self.enter(CONNECTION_HEAD)
            if self._body_drips():
                return self.input_late()
            self._say_continue()
            return self.enter(CONNECTION_BODY)
        self.drop_input()
        if self.stopping():
            return self.finish(False)
        if not served and (self.phase == CONNECTION_NEW or self.phase == CONNECTION_IDLE):
            return 0        # blank lines buy nobody time
        return self.enter(CONNECTION_IDLE)

    cdef int _hold(self, bytes data) except -1:
        """Keep input for later; a client that sends on and on is not read any more."""
        if self.held is None:
            self.held = []
        self.held.append(data)
        self.held_bytes += len(data)
        self.held_requests += data.count(b"\r\n\r\n")
        if self.held_bytes > HELD_BYTES or self.held_requests >= self.state.pipeline:
            self._pause_reading()
        return 0

    cdef int _pause_reading(self) except -1:
        if not self.reading_paused:
            self.reading_paused = True
            self.transport.pause_reading()
            self.watch = Watch.__new__(Watch)
            self.watch.start(self)
        return 0

    cdef int _read_on(self) except -1:
        """Read again, unless something is still in the way."""
        if self.reading_paused and self.held is None and (self.inbound is None or not self.inbound.is_full()):
            self.reading_paused = False
            self.watch.stop()
            self.watch = None
            if self.transport is not None:
                self.transport.resume_reading()
        return 0

    cdef bint _can_read(self) noexcept:
        """A body is read while it is answered."""
        return self.inbound is not None or self._can_serve()

    cdef int _body_came(self) except -1:
        """A part of a streamed body was read, its end, or what made it fail."""
        cdef RequestBody body = self.inbound
        if body.source is not None and body.drips():
            self.reader.refuse(RequestTimeout("the body arrives too slowly"))
        if body.source is not None:
            return self._pause_reading() if body.is_full() else 0
        self.inbound = None
        if body.error is not None and not body.dropping:
            _log.debug("%s: %s", self.info("peername"), body.error)
        if self.reader.broken and self.current is None:
            return self.finish(True)
        return 0

    cdef bint _can_serve(self) noexcept:
        """A client that does not take its answers gets no further ones."""
        return self.current is None and not self.writer.paused and self.phase < CONNECTION_LINGER

    cdef bint _has_work(self) noexcept:
        """Requests are here that nobody has begun to answer."""
        return self.unread or self.held is not None or (self.reader is not None and self.reader.ready is not None)

    cdef bint _body_drips(self) noexcept:
        """The body under way has been slower than `body_rate` for too long."""
        cdef Http1Exchange incoming = self.reader.incoming
        cdef int64_t age
        if incoming is None:
            return False
        age = self.state.clock.tick - incoming.body_since
        return age > self.state.body_rate_ticks and incoming.body_size < age * self.state.body_rate

    cdef int _resume_soon(self) except -1:
        """Go on in a turn of its own: not inside the handler that has just answered, and not in its context."""
        if not self.resuming:
            self.resuming = True
            self.state.loop.call_soon(self._resume, context=self.state.context)
        return 0

    def _resume(self):
        """Go on with what waited behind an exchange that is over."""
        cdef list held = self.held
        self.resuming = False
        if self.transport is None or not self._can_serve():
            return
        self.held = None
        self.held_bytes = self.held_requests = 0
        if self.reader is not None and self.reader.incoming is not None:
            self.reader.incoming.body_since = self.state.clock.tick     # until now it was us who kept it
        self._take(b"".join(held) if held is not None else b"")
        if self.phase < CONNECTION_LINGER:
            self._read_on()

    cdef int _answer_failure(self, Http1Exchange exchange) except -1:
        error = exchange.failure
        exchange.failure = None
        _log.debug("%s: %d: %s", self.info("peername"), error.status, error)
        exchange.enter(EXCHANGE_OPEN)
        if exchange.raw_headers is None:
            return exchange.refuse(error)
        return self.state.dispatcher.refuse(exchange, error)

    cdef int _say_continue(self) except -1:
        """The body is wanted and its client waits to be told (RFC 9110 section 10.1.1)."""
        cdef Http1Exchange incoming = self.reader.incoming
        if incoming is not None and incoming.wants_continue:
            incoming.wants_continue = False
            write_bytes(self.writer.open(), CONTINUE, len(CONTINUE))
            self.writer.flush()
        return 0

    cdef int input_late(self) except -1:
        if self.held is not None or self.writer.paused:
            # It waits because the client does not take its answers, which has a deadline of its own.
            self.state.clock.arm(&self.phase_deadline, self.state.head_ticks)
            return 0
        if self.inbound is not None:
            return self.finish(True)        # the rest of a body that nobody reads
        self.reader.refuse(RequestTimeout("the request did not arrive in time"))
        return self._serve()

    cdef int answer_late(self) except -1:
        """Answer for a handler that has answered nothing in time, and cancel it."""
        cdef Exchange exchange = self.current
        (<Http1Exchange>exchange).keep_alive = False
        self.state.dispatcher.refuse(exchange, HandlerTimeout())
        return exchange.cancel_task("the handler has not answered in time")

    cdef int drop_input(self) except -1:
        """Nothing of a request is needed any more; idle connections hold no parser."""
        cdef Http1Reader reader = self.reader
        self.held = None
        self.held_bytes = self.held_requests = 0
        if self.inbound is not None:
            self.inbound.fail(ConnectionClosed())
            self.inbound = None
        if reader is not None and not self.serving:
            self.reader = None
            reader.release()
        return self._read_on()

    cdef int _return_reader(self) except -1:
        """A stream may stay open for hours: meanwhile its connection holds no parser."""
        cdef Http1Reader reader = self.reader
        if reader is not None and reader.between() and not reader.broken:
            self.reader = None
            reader.release()
        return 0

    cdef int writable_again(self) except -1:
        if self._has_work() and self._can_serve():
            return self._resume_soon()
        return 0

    # === the body that is streamed ===

    cdef int body_wanted(self) except -1:
        write_bytes(self.writer.open(), CONTINUE, len(CONTINUE))
        return 0 if self.writer.corked else self.writer.flush()

    cdef int body_taken(self) except -1:
        return self._read_on()

    cdef int body_late(self) except -1:
        self.reader.refuse(RequestTimeout("the body did not arrive in time"))
        return self._body_came()

    # === asyncio.Protocol ===

    def data_received(self, data):
        """Input: parsed and served, or held while an answer is owed."""
        if self.phase >= CONNECTION_LINGER:
            self.discard(len(data))
            return
        if (self.current is not None or self.held is not None or self.writer.paused) and self.inbound is None:
            self._hold(data)
            return
        self._take(data)

    def eof_received(self):
        """FIN. Whole plain requests before it are answered first; with an open stream the client has left."""
        self.peer_done = True
        if self.info("sslcontext") is not None:
            return False        # TLS has no half-close: the client has left
        if self.current is None:
            return self._has_work()
        if self.inbound is None and (self.current.phase != EXCHANGE_STREAMING or self.current.serves_half_closed):
            return True
        self.lose("client_left")    # not a mere close, which would wait for a reader that is no more
        return False
