"""Http1Connection: the asyncio protocol that serves HTTP/1 on one transport.

The life of input: data_received -> _consume (parse) -> _serve (run, answer)
-> flush (one system call) -> _rest (phase and deadline until more comes).
One exchange is answered at a time; what arrives meanwhile is held unparsed.
"""

import logging
import socket
import struct

from cpython.object cimport PyObject
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from kito._core.clock cimport init_deadline, unlink
from kito._core.common cimport (
    CONNECTION_BODY, CONNECTION_BUSY, CONNECTION_CLOSED, CONNECTION_HEAD, CONNECTION_IDLE, CONNECTION_LINGER,
    CONNECTION_NEW, ConnectionPhase, EXCHANGE_OPEN, EXCHANGE_STREAMING, FEED_BYTES, HELD_BYTES,
)
from kito._core.debug cimport LIVE_CONNECTIONS, count_live
from kito._core.encoder cimport ResponseHead
from kito._core.event cimport encode_retry
from kito._core.http1_exchange cimport ExchangeOwner, Http1Exchange
from kito._core.parser cimport PARSER_BETWEEN, PARSER_BODY
from kito._core.reader cimport Http1Reader, borrow_reader
from kito._core.state cimport ServerState
from kito._core.writer cimport TransportWriter

import msgspec

from kito.errors import ConnectionClosed, HandlerTimeout, RequestTimeout, error_document

_log = logging.getLogger("kito")

cdef enum Deadlines:
    PHASE_DEADLINE = 0
    WRITE_DEADLINE = 1

# SO_LINGER on with 0 seconds: closing resets.
cdef bytes RESET_ON_CLOSE = struct.pack("ii", 1, 0)
cdef bytes CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
cdef object _to_json = msgspec.json.Encoder().encode

# Legal moves: the bit of a phase is set in the row of the phase it may follow.
cdef int ALLOWED[7]
cdef int _END = 1 << CONNECTION_LINGER | 1 << CONNECTION_CLOSED
cdef int _INPUT = 1 << CONNECTION_IDLE | 1 << CONNECTION_HEAD | 1 << CONNECTION_BODY | 1 << CONNECTION_BUSY
ALLOWED[<int>CONNECTION_NEW] = _INPUT | _END
ALLOWED[<int>CONNECTION_IDLE] = _INPUT | _END
ALLOWED[<int>CONNECTION_HEAD] = _INPUT | _END
ALLOWED[<int>CONNECTION_BODY] = _INPUT | _END
ALLOWED[<int>CONNECTION_BUSY] = _INPUT | _END
ALLOWED[<int>CONNECTION_LINGER] = 1 << CONNECTION_CLOSED
ALLOWED[<int>CONNECTION_CLOSED] = 0


cdef class Http1Connection(ExchangeOwner):
    """One accepted connection; made by the listener for every `accept`."""

    def __cinit__(self, ServerState state not None):
        self.state = state
        self.phase = CONNECTION_NEW
        init_deadline(&self.phase_deadline, <PyObject*>self, PHASE_DEADLINE)
        init_deadline(&self.write_deadline, <PyObject*>self, WRITE_DEADLINE)
        count_live(LIVE_CONNECTIONS, 1)

    def __dealloc__(self):
        unlink(&self.phase_deadline)
        unlink(&self.write_deadline)
        count_live(LIVE_CONNECTIONS, -1)

    cdef bint stopping(self) noexcept:
        return self.state.stopping or self.state.one_shot or self.peer_done

    cdef int exchange_over(self, Http1Exchange exchange) except -1:
        if exchange is not self.current:
            return 0
        self.current = None
        if not exchange.keep_alive:
            return self._finish(exchange.refused or self.held is not None)
        if self.serving:
            return 0
        self.writer.flush()
        if self.reader is not None or self.held is not None:
            # In a turn of its own: not inside the handler that has just answered.
            self.state.loop.call_soon(self._resume)
            return 0
        return self._rest()

    cdef int cut(self, bint reset) except -1:
        """End the connection so that the client sees an unfinished response."""
        cdef object transport = self.transport
        self.current = None
        if transport is None:
            return 0
        if not reset:
            return self._finish(False)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            try:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            except OSError:
                pass        # a Unix socket: its peer sees the end and no more can be done
        self.writer.flush()
        transport.abort()
        return 0

    cdef object info(self, str name):
        if self._info is None:
            self._info = {}
        if name not in self._info and self.transport is not None:
            self._info[name] = self.transport.get_extra_info(name)
        return self._info.get(name)

    cdef int _consume(self, object data) except -1:
        """Parse in steps, so that what one read can queue is bounded; serve after each."""
        cdef Py_ssize_t size = len(data)
        cdef Py_ssize_t offset = 0
        cdef Py_ssize_t step
        if self.reader is None:
            self.reader = borrow_reader(self.state, self, self.writer)
        if size <= FEED_BYTES:
            offset = self.reader.feed(data, size)
            self._serve()
            if offset == size:
                return 0
        view = memoryview(data)
        while offset < size and self.phase < CONNECTION_LINGER:
            if self.current is not None:
                return self._hold(bytes(view[offset:]))
            step = min(size - offset, self._appetite())
            offset += self.reader.feed(view[offset:offset + step], step)
            self._serve()
        return 0

    def _appetite(self):
        """Bytes to parse at once: the rest of a declared body in one piece, else FEED_BYTES."""
        cdef Http1Exchange incoming = self.reader.incoming
        if incoming is None or self.reader.parser.content_length < 0:
            return FEED_BYTES
        return max(self.reader.parser.content_length - incoming.body_size, FEED_BYTES)

    cdef int _hold(self, object data) except -1:
        """Keep input for later; a client that sends on and on is not read any more."""
        if self.held is None:
            self.held = []
        self.held.append(data)
        self.held_bytes += len(data)
        if self.held_bytes > HELD_BYTES and not self.reading_paused:
            self.reading_paused = True
            self.transport.pause_reading()
        return 0

    cdef int _serve(self) except -1:
        """Answer what is queued, one exchange after the other, until one takes its time."""
        cdef Http1Exchange exchange
        self.serving = True
        try:
            while self.current is None and self.phase < CONNECTION_LINGER:
                exchange = self.reader.pop()
                if exchange is None:
                    break
                self.current = exchange
                if exchange.failure is None:
                    self.state.dispatcher.dispatch(exchange)
                else:
                    self._answer_failure(exchange)
        finally:
            self.serving = False
        return 0

    cdef int _answer_failure(self, Http1Exchange exchange) except -1:
        error = exchange.failure
        exchange.failure = None
        exchange.refused = True
        _log.debug("%s: %d: %s", self.info("peername"), error.status, error)
        exchange.enter(EXCHANGE_OPEN)
        return _fail(exchange, error)

    cdef int _rest(self) except -1:
        """Enter the phase in which more input is awaited, or the answer of a handler."""
        if self.phase >= CONNECTION_LINGER:
            return 0
        if self.current is not None:
            return self._enter(CONNECTION_BUSY)
        if self.reader is None:
            return self._enter(CONNECTION_IDLE)
        if self.reader.between() and not self.reader.broken:
            self._drop_reader()
            if self.state.stopping:
                return self._finish(False)
            return self._enter(CONNECTION_IDLE)
        if self.reader.parser.phase == PARSER_BODY:
            self._say_continue()
            return self._enter(CONNECTION_BODY)
        return self._enter(CONNECTION_HEAD)

    cdef int _enter(self, ConnectionPhase phase) except -1:
        """The one place where a connection changes its phase, and so its deadline."""
        cdef int64_t ticks = 0
        if not ALLOWED[<int>self.phase] & (1 << phase):
            raise RuntimeError(f"a connection cannot go from phase {self.phase} to {phase}")
        if phase == CONNECTION_IDLE:
            ticks = self.state.keep_alive_ticks
        elif phase == CONNECTION_HEAD:
            if self.phase == CONNECTION_NEW or self.phase == CONNECTION_HEAD:
                self.phase = phase
                return 0        # a total: armed by accept or by the head's first byte
            ticks = self.state.head_ticks
        elif phase == CONNECTION_BODY:
            ticks = self.state.body_ticks
        elif phase == CONNECTION_BUSY and self.current.phase == EXCHANGE_OPEN:
            ticks = self.state.handler_ticks
        elif phase == CONNECTION_LINGER:
            ticks = self.state.linger_ticks
        self.phase = phase
        if ticks:
            self.state.clock.arm(&self.phase_deadline, ticks)
        else:
            self.state.clock.disarm(&self.phase_deadline)
        return 0

    cdef void _drop_reader(self) noexcept:
        """Idle connections hold no parser."""
        cdef Http1Reader reader = self.reader
        if reader is not None:
            self.reader = None
            reader.release()

    cdef int _say_continue(self) except -1:
        """The body is wanted and its client waits to be told (RFC 9110 section 10.1.1)."""
        cdef Http1Exchange incoming = self.reader.incoming
        if incoming is not None and incoming.wants_continue:
            incoming.wants_continue = False
            self.transport.write(CONTINUE)
        return 0

    cdef int _finish(self, bint staged) except -1:
        """Close behind what is pending; `staged` where the client may still be sending.

        In stages (RFC 9112 section 9.6): our side first, then a bounded time in
        which input is discarded, lest a reset destroys the answer on its way.
        """
        self.writer.flush()
        if self.phase >= CONNECTION_LINGER or self.transport is None:
            return 0
        transport = self.transport
        self._enter(CONNECTION_LINGER)
        self.held = None
        if self.reading_paused:
            self.reading_paused = False
            transport.resume_reading()
        if staged and not self.peer_done and transport.can_write_eof():
            transport.write_eof()
        else:
            transport.close()
        return 0

    cdef int _lose(self, str reason) except -1:
        """Give the connection up: nobody reads what is still to be sent."""
        if self.transport is None:
            return 0
        self.ending = reason
        self.transport.abort()
        return 0

    cdef void on_deadline(self, int kind) noexcept:
        try:
            if kind == WRITE_DEADLINE:
                self._write_deadline()
            elif self.phase == CONNECTION_HEAD or self.phase == CONNECTION_BODY:
                self.reader.refuse(RequestTimeout("the request did not arrive in time"))
                self._serve()
            elif self.phase == CONNECTION_BUSY:
                self._give_up_handler()
            elif self.phase == CONNECTION_LINGER:
                self._lose("timeout")
            elif self.transport is not None:
                self.transport.close()
        except Exception:
            _log.exception("a deadline could not be enforced")

    def _give_up_handler(self):
        """Answer for a handler that has answered nothing in time, and cancel it."""
        cdef Http1Exchange exchange = self.current
        if exchange is None or exchange.phase != EXCHANGE_OPEN:
            return
        task = exchange.task
        _fail(exchange, HandlerTimeout())
        if task is not None:
            task.cancel("the handler has not answered in time")

    def _write_deadline(self):
        """Abort when the client has taken nothing since the deadline was armed."""
        cdef Py_ssize_t size
        if self.transport is None or not self.writer.paused:
            return
        size = self.transport.get_write_buffer_size()
        if size >= self.stalled_at:
            self._lose("timeout")
            return
        self.stalled_at = size
        self.state.clock.arm(&self.write_deadline, self.state.write_ticks)

    def _resume(self):
        """Go on with what waited behind an exchange that is over."""
        cdef list held = self.held
        if self.transport is None or self.current is not None or self.phase >= CONNECTION_LINGER:
            return
        self.writer.corked = True
        try:
            self.held = None
            self.held_bytes = 0
            if self.reader is not None:
                self._serve()
            for index, data in enumerate(held or ()):
                if self.current is not None:
                    self._hold(data)
                elif self.phase < CONNECTION_LINGER:
                    self._consume(data)
        finally:
            self.writer.corked = False
        self.writer.flush()
        if self.held is None and self.reading_paused and self.phase < CONNECTION_LINGER:
            self.reading_paused = False
            self.transport.resume_reading()
        self._rest()

    # === asyncio.Protocol ===

    def connection_made(self, transport):
        self.transport = transport
        transport.set_write_buffer_limits(high=self.state.high_water)
        self.writer = TransportWriter.__new__(TransportWriter, self.state.cork, self.state.max_backlog)
        self.writer.attach(transport, self)
        self.state.accepted += 1
        self.state.connections.add(self)
        self.state.clock.arm(&self.phase_deadline, self.state.head_ticks)

    def data_received(self, data):
        if self.phase >= CONNECTION_LINGER:
            return          # discarded, until the client has read its answer and closes
        if self.current is not None:
            self._hold(data)
            return
        self.writer.corked = True
        try:
            self._consume(data)
        finally:
            self.writer.corked = False
        self.writer.flush()
        self._rest()

    def eof_received(self):
        """FIN. Behind a whole plain request: it is answered first. With an open stream: the client has left."""
        self.peer_done = True
        if self.current is not None and self.current.phase != EXCHANGE_STREAMING:
            return True
        return False

    def connection_lost(self, error):
        cdef Http1Exchange exchange = self.current
        self.phase = CONNECTION_CLOSED
        self.state.clock.disarm(&self.phase_deadline)
        self.state.clock.disarm(&self.write_deadline)
        self.state.forget(self)
        self.transport = self.current = self.held = None
        self.writer.detach(ConnectionClosed())
        self._drop_reader()
        if exchange is not None:
            exchange.client_left(self.ending or "client_left")
            exchange.owner = None

    def pause_writing(self):
        self.writer.pause()
        self.stalled_at = self.transport.get_write_buffer_size()
        if self.state.write_ticks:
            self.state.clock.arm(&self.write_deadline, self.state.write_ticks)

    def resume_writing(self):
        self.state.clock.disarm(&self.write_deadline)
        self.writer.resume()

    # === the writer and the server's stop ===

    def on_overflow(self):
        """The client is more than max_backlog bytes behind: it is let go."""
        _log.warning("%s is %d bytes behind: disconnected", self.info("peername"), self.writer.backlog())
        self._lose("overflow")

    @property
    def streaming(self):
        """True while a streamed body is open."""
        return self.current is not None and self.current.phase == EXCHANGE_STREAMING

    def close_if_idle(self):
        """Close unless an answer is owed; True if it closes now."""
        if self.current is not None or self.transport is None:
            return False
        self.transport.close()
        return True

    def cut_off(self, str reason):
        """Give up on what is under way: the handler is cancelled, the client sees truncation.

        True when there was something."""
        cdef Http1Exchange exchange = self.current
        if exchange is None or self.transport is None:
            return False
        self.ending = reason
        exchange.client_left(reason)
        self.cut(False)
        return True

    def say_farewell(self, retry):
        """Tell an open event stream that the server stops: reconnect in `retry` milliseconds."""
        cdef bytes block
        if self.streaming and self.current.is_events:
            block = encode_retry(retry)
            memcpy(self.current.frame(len(block)), <const char*>block, len(block))
            self.current.wrote()

    def abort(self):
        """Drop the connection at once."""
        self._lose("shutdown")


cdef int _fail(Http1Exchange exchange, object error) except -1:
    """Answer with an error of the protocol, as JSON; the connection ends with it."""
    cdef ResponseHead head = ResponseHead.__new__(ResponseHead)
    cdef bytes body = _to_json(error_document(error.status, str(error)))
    head.status_code = error.status
    head.content_type = b"application/json"
    exchange.keep_alive = False
    return exchange.send(head, <const char*>body, len(body), body)
