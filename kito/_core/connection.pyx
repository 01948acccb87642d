"""Connection: the life of one transport, whatever is spoken on it — phases, deadlines, closing in stages."""

import contextvars
import logging
from random import randint

from cpython.object cimport PyObject
from libc.stdint cimport int64_t

from kito._core.clock cimport init_deadline, unlink
from kito._core.common cimport (
    CONNECTION_BODY, CONNECTION_BUSY, CONNECTION_CLOSED, CONNECTION_HEAD, CONNECTION_IDLE, CONNECTION_LINGER,
    CONNECTION_NEW, ConnectionPhase, EXCHANGE_OPEN, EXCHANGE_STREAMING, FRAMING_CLOSE,
)
from kito._core.debug cimport LIVE_CONNECTIONS, count_live
from kito._core.exchange cimport Exchange, ExchangeOwner
from kito._core.socket_options cimport reset_on_close, send_at_once
from kito._core.state cimport ServerState
from kito._core.writers cimport new_writer

from kito.errors import ConnectionClosed

_log = logging.getLogger("kito")

cdef enum Deadlines:
    PHASE_DEADLINE = 0
    WRITE_DEADLINE = 1

cdef enum:
    LINGERING_OVER_LIMIT = 32     # connections that are told why they are turned away, beyond the limit
    DATE_LINE_BYTES = 37

cdef double CUT_PAUSE_S = 0.1         # between the last event of a stream that is cut, and the cut
cdef tuple RETRY_AFTER_S = (1, 10)    # spread, lest all come back at once

# Legal moves: the bit of a phase is set in the row of the phase it may follow.
cdef int ALLOWED[7]
cdef int _END = 1 << CONNECTION_LINGER | 1 << CONNECTION_CLOSED
cdef int _INPUT = 1 << CONNECTION_IDLE | 1 << CONNECTION_HEAD | 1 << CONNECTION_BODY | 1 << CONNECTION_BUSY
ALLOWED[<int>CONNECTION_NEW] = ALLOWED[<int>CONNECTION_IDLE] = ALLOWED[<int>CONNECTION_HEAD] = _INPUT | _END
ALLOWED[<int>CONNECTION_BODY] = ALLOWED[<int>CONNECTION_BUSY] = _INPUT | _END
ALLOWED[<int>CONNECTION_LINGER] = 1 << CONNECTION_CLOSED
ALLOWED[<int>CONNECTION_CLOSED] = 0


cdef class Connection(ExchangeOwner):
    """One accepted connection."""

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

    # Abstract, which Cython cannot say: who forgets one hears of it with the first call.
    cdef int input_late(self) except -1:
        raise NotImplementedError

    cdef int answer_late(self) except -1:
        raise NotImplementedError

    cdef int drop_input(self) except -1:
        raise NotImplementedError

    cdef int writable_again(self) except -1:
        return 0

    cdef int enter(self, ConnectionPhase phase) except -1:
        cdef int64_t ticks
        if not ALLOWED[<int>self.phase] & (1 << phase):
            raise RuntimeError(f"a connection cannot go from phase {self.phase} to {phase}")
        if phase == CONNECTION_HEAD and (self.phase == CONNECTION_NEW or self.phase == CONNECTION_HEAD):
            self.phase = phase
            return 0        # a total: its deadline was armed by accept or by the head's first byte
        self.phase = phase
        ticks = self._ticks_of(phase)
        if ticks:
            self.state.clock.arm(&self.phase_deadline, ticks)
        else:
            self.state.clock.disarm(&self.phase_deadline)
        return 0

    cdef int64_t _ticks_of(self, ConnectionPhase phase) except -1:
        """How long a phase may last, 0 for ever."""
        if phase == CONNECTION_IDLE:
            # Its answers may still be on their way: then it is idle from the moment they are taken.
            self.phase_backlog = self.writer.backlog() + 1 if self.was_behind else 0
            self.was_behind = self.writer.paused
            return self.state.keep_alive_ticks
        if phase == CONNECTION_HEAD:
            return self.state.head_ticks
        if phase == CONNECTION_BODY:
            return self.state.body_ticks
        if phase == CONNECTION_BUSY and self.current.phase == EXCHANGE_OPEN:
            return self._handler_ticks()
        if phase == CONNECTION_LINGER:
            self.phase_backlog = self.writer.backlog()
            return self.state.write_ticks if self.phase_backlog else self.state.linger_ticks
        return 0

    cdef int64_t _handler_ticks(self) except -1:
        """How long the handler may take: its route may say it."""
        cdef double seconds = self.current.endpoint.timeout if self.current.endpoint is not None else -1
        if seconds < 0:
            return self.state.handler_ticks
        return max(self.state.clock.ticks(seconds), 1) if seconds else 0

    cdef int finish(self, bint staged) except -1:
        """Close behind what is pending; `staged` where the client may still be sending.

        In stages (RFC 9112 section 9.6): our side first, then a bounded time in
        which input is discarded, lest a reset destroys the answer on its way.
        """
        if self.phase < CONNECTION_LINGER and self.transport is not None:
            self._linger()
            self._end_output(staged)
        return 0

    cdef int _linger(self) except -1:
        self.writer.release()
        self.enter(CONNECTION_LINGER)
        return self.drop_input()

    cdef int _end_output(self, bint staged) except -1:
        cdef object transport = self.transport
        self.writer.leave_socket()
        if staged and not self.peer_done and transport.can_write_eof():
            transport.write_eof()
        elif self.phase_backlog and self.info("sslcontext") is not None:
            # A TLS transport that closes gives up what is pending after its shutdown timeout:
            # it closes when nothing is, which its lowest water mark tells.
            self.writer.tells_drained = True
            transport.set_write_buffer_limits(high=1)
        else:
            transport.close()
        return 0

    cdef int discard(self, Py_ssize_t size) except -1:
        self.discarded += size
        if self.discarded > self.state.unread_body:
            return self.lose("overflow")
        return 0

    cdef int _turn_away(self) except -1:
        """Over the limit of connections: say so, and when to come back (RFC 9110 section 15.6.4)."""
        self.state.turned_away += 1
        self.writer.leave_socket()
        if len(self.state.connections) > self.state.connection_limit + LINGERING_OVER_LIMIT:
            self.transport.abort()
            return 0
        self.transport.write(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n"
                             b"retry-after: %d\r\nconnection: close\r\n" % randint(*RETRY_AFTER_S)
                             + self.state.clock.date_line[:DATE_LINE_BYTES] + b"\r\n")
        return self.finish(True)

    cdef int lose(self, str reason) except -1:
        """Give the connection up, and tell the exchange at once: nobody reads what is still to be sent."""
        cdef Exchange exchange = self.current
        if self.transport is None:
            return 0
        self.current = None
        self.ending = reason
        if exchange is not None and exchange.framing == FRAMING_CLOSE:
            reset_on_close(self.transport)
        self.writer.leave_socket()
        self.transport.abort()
        if exchange is not None:
            exchange.client_left(reason)
        return 0

    cdef int cut(self, bint reset) except -1:
        """End the connection so that the client sees an unfinished response."""
        cdef object transport = self.transport
        cdef bint is_events = self.current is not None and self.current.is_events
        self.current = None
        if transport is None:
            return 0
        if is_events and not reset and self.phase < CONNECTION_LINGER:
            # The last event says why. A browser drops what it has not read when the cut comes with it.
            self._linger()
            self.state.loop.call_later(CUT_PAUSE_S, self.end_output)
            return 0
        if not reset:
            # In stages: whole answers may still be on their way before the one that breaks off.
            return self.finish(True)
        reset_on_close(self.transport)
        self.writer.release()
        self.writer.leave_socket()
        transport.abort()
        return 0

    cdef object info(self, str name):
        if self._info is None:
            self._info = {}
        if name not in self._info and self.transport is not None:
            self._info[name] = self.transport.get_extra_info(name)
        return self._info.get(name)

    cdef void on_deadline(self, int kind) noexcept:
        try:
            if self.transport is None:
                return
            if kind == WRITE_DEADLINE:
                self._writing_late()
            elif self.phase == CONNECTION_HEAD or self.phase == CONNECTION_BODY:
                self.input_late()
            elif self.phase == CONNECTION_BUSY:
                if self.current is not None and self.current.phase == EXCHANGE_OPEN:
                    self.answer_late()
            elif self.phase == CONNECTION_LINGER:
                self._closing_late()
            else:
                self._idle_late()
        except Exception:
            _log.exception("a deadline could not be enforced")

    cdef int _writing_late(self) except -1:
        """Give up on a client that has taken nothing of a response since the deadline was armed."""
        cdef Py_ssize_t size = self.writer.backlog()
        if not self.writer.paused or self.phase == CONNECTION_LINGER:
            return 0        # a closing connection is watched by the deadline of its phase
        if size >= self.write_backlog:
            return self.lose("timeout")
        self.write_backlog = size
        self.state.clock.arm(&self.write_deadline, self.state.write_ticks)
        return 0

    cdef int _idle_late(self) except -1:
        """Close an idle connection; one that still reads its last answer is not idle."""
        cdef Py_ssize_t size = self.writer.backlog()
        if not self.writer.paused and size >= self.phase_backlog:
            return self.finish(False)
        self.phase_backlog = size
        self.state.clock.arm(&self.phase_deadline, self.state.keep_alive_ticks)
        return 0

    cdef int _closing_late(self) except -1:
        """Give up on a client that takes nothing of its last answer, or has had its time to close."""
        cdef Py_ssize_t size = self.writer.backlog()
        if size >= self.phase_backlog:
            return self.lose("timeout")
        self.phase_backlog = size
        self.state.clock.arm(&self.phase_deadline, self.state.write_ticks if size else self.state.linger_ticks)
        return 0

    # === asyncio.BaseProtocol ===

    def connection_made(self, transport):
        """The listener has accepted; the time for the first head runs."""
        self.transport = transport
        transport.set_write_buffer_limits(high=self.state.high_water)
        self.writer = new_writer(transport, self.state.cork, self.state.max_backlog)
        self.writer.high_water = self.state.high_water
        self.writer.attach(transport, self)
        self.state.accepted += 1
        self.state.connections.add(self)
        if self.state.context is None:
            self.state.context = contextvars.copy_context()
        if self.state.sets_nodelay:
            send_at_once(transport)
        if self.state.stopping:
            self.writer.leave_socket()
            transport.close()
        elif len(self.state.connections) > self.state.connection_limit:
            self._turn_away()
        else:
            self.state.clock.arm(&self.phase_deadline, self.state.head_ticks)

    def connection_lost(self, error):
        """The transport is gone: everything that belonged to it is let go."""
        cdef Exchange exchange = self.current
        self.phase = CONNECTION_CLOSED
        self.state.clock.disarm(&self.phase_deadline)
        self.state.clock.disarm(&self.write_deadline)
        self.transport = self.current = None
        self.writer.detach(ConnectionClosed())
        self.drop_input()
        if exchange is not None:
            # The kernel's own patience (TCP_USER_TIMEOUT) ends in ETIMEDOUT.
            exchange.client_left(self.ending or ("timeout" if isinstance(error, TimeoutError) else "client_left"))
        self.state.forget(self)

    def pause_writing(self):
        """The transport is over its high-water mark: the client must take something in time."""
        self.writer.pause()
        self.was_behind = True
        self.write_backlog = self.writer.backlog()
        self.state.clock.arm(&self.write_deadline, self.state.write_ticks)

    def resume_writing(self):
        """The transport is below its low-water mark."""
        self.state.clock.disarm(&self.write_deadline)
        self.writer.resume()
        if self.transport is None:
            return
        if self.current is not None and self.current.flow is not None:
            self.current.flow.resumed()
        if self.writer.tells_drained:
            self.on_drained()
        else:
            self.writable_again()

    def on_drained(self):
        """A closing TLS transport has been handed everything: it closes when it has handed it on."""
        if self.transport is not None and self.writer.backlog() == 0:
            self.transport.close()

    # === the writer and the server's stop ===

    def on_overflow(self):
        """A producer went on writing with max_backlog bytes unsent: its client is let go."""
        if self.streaming and (self.current.flow is None or self.current.flow.lets_go):
            _log.warning("%s is %d bytes behind: disconnected", self.info("peername"), self.writer.backlog())
            self.lose("overflow")

    @property
    def streaming(self):
        """True while a streamed body is open."""
        return self.current is not None and self.current.phase == EXCHANGE_STREAMING

    def close_if_idle(self):
        """Close unless a request is here, whole or in part; True if it closes now."""
        if self.transport is None or (self.phase != CONNECTION_NEW and self.phase != CONNECTION_IDLE):
            return False
        self.finish(False)
        return True

    def say_farewell(self):
        """Tell an open stream that the server stops; True if there is one."""
        if self.streaming:
            self.current.say_farewell()
        return self.streaming

    def cut_off(self, str reason):
        """Give up on what is under way: the handler is cancelled, the client sees truncation. True if there was something."""
        cdef Exchange exchange = self.current
        if exchange is None or self.transport is None:
            return False
        self.ending = reason
        self.current = None
        exchange.client_left(reason)
        self.cut(exchange.framing == FRAMING_CLOSE)
        return True

    def end_output(self):
        """Send FIN, unless the connection is gone; of a cut that was put off."""
        if self.transport is not None and not self.transport.is_closing():
            self._end_output(True)

    def abort(self):
        """Drop the connection at once."""
        self.lose("shutdown")
