"""Exchange: one request and its response, the seam under every protocol.

HTTP/1 implements it (http1_exchange); writers, handlers and the dispatcher
know only this class. Everything that changes the phase of an exchange is here.
"""

import logging
from random import randint

from cpython.object cimport PyObject

from kito._core.body cimport BodySource
from kito._core.clock cimport init_deadline, unlink
from kito._core.common cimport (
    DISCONNECT_CANCEL, EXCHANGE_ABORTED, EXCHANGE_ENDED, EXCHANGE_OPEN, EXCHANGE_STREAMING, EXCHANGE_WAITING, ExchangePhase,
)
from kito._core.event cimport Event, EventSpans, encode_retry
from kito._core.grammar cimport read_event_id
from kito._core.listeners cimport is_future, tell, with_listener
from kito._core.tally cimport StreamEnd, Tally
from kito._core.tasks cimport cancel_again, cancel_begun
from kito._core.windows cimport Gatherer
from kito._core.writer cimport Cork

from kito.errors import BodyLengthMismatch, ResponseEnded, ResponseStarted

_log = logging.getLogger("kito")

# Legal moves: the bit of a phase is set in the row of the phase it may follow.
cdef int ALLOWED[5]
ALLOWED[<int>EXCHANGE_WAITING] = 1 << EXCHANGE_OPEN | 1 << EXCHANGE_ABORTED
ALLOWED[<int>EXCHANGE_OPEN] = 1 << EXCHANGE_STREAMING | 1 << EXCHANGE_ENDED | 1 << EXCHANGE_ABORTED
ALLOWED[<int>EXCHANGE_STREAMING] = 1 << EXCHANGE_ENDED | 1 << EXCHANGE_ABORTED
ALLOWED[<int>EXCHANGE_ENDED] = 0
ALLOWED[<int>EXCHANGE_ABORTED] = 0

cdef bytes CRASHED = Event({"error": "Internal Server Error"}, "error").payload
cdef bytes HEARTBEAT = b":\n\n"
cdef tuple FAREWELL_RETRY_MS = (1000, 5000)     # spread, lest all clients of a stopped server come back at once


cdef class ExchangeOwner(BodySource):
    """What an exchange needs of its connection."""

    cdef bint stopping(self) noexcept:
        return False

    cdef bint half_closed(self) noexcept:
        return False

    cdef bint closing(self) noexcept:
        return False

    cdef int64_t cleanup_ticks(self) noexcept:
        return 0

    # Abstract, which Cython cannot say: who forgets one hears of it with the first call.
    cdef int exchange_over(self, Exchange exchange) except -1:
        raise NotImplementedError

    cdef int cut(self, bint reset) except -1:
        raise NotImplementedError

    cdef object info(self, str name):
        return None


cdef class Flow(Gatherer):
    """What a stream does beyond writing at once."""

    cdef int resumed(self) except -1:
        return 0

    cdef int settle(self) except -1:
        return 0

    cdef int finish(self) except -1:
        return self.settle()

    cdef void forget(self) noexcept:
        pass


cdef class Exchange(Timed):
    """One request and its response."""

    def __cinit__(self):
        self.remaining = -1
        init_deadline(&self.heartbeat, <PyObject*>self, 0)

    def __dealloc__(self):
        unlink(&self.heartbeat)

    cdef int send(self, ResponseHead head, const char* body, Py_ssize_t size, object owner) except -1:
        self.enter(EXCHANGE_ENDED)

    cdef int open(self, ResponseHead head, bint events) except -1:
        self.enter(EXCHANGE_STREAMING)

    # Abstract, which Cython cannot say: who forgets one hears of it with the first call.
    cdef int write_frame(self, const char* data, Py_ssize_t size, object owner) except -1:
        raise NotImplementedError

    cdef int write_event(self, EventSpans* spans, Py_ssize_t size) except -1:
        raise NotImplementedError

    cdef int write_shared(self, Event event) except -1:
        raise NotImplementedError

    cdef int write_block(self, bytes block) except -1:
        raise NotImplementedError

    cdef int flush(self) except -1:
        raise NotImplementedError

    cdef int hold(self, bint held) except -1:
        return 0

    cdef object drained(self):
        raise NotImplementedError

    cdef int end(self) except -1:
        raise NotImplementedError

    cdef int expire(self, str reason) except -1:
        raise NotImplementedError

    cdef Py_ssize_t set_marks(self, Py_ssize_t high_water, Py_ssize_t max_backlog) except -1:
        return 0

    cdef Py_ssize_t backlog(self) noexcept:
        return 0

    cdef Cork cork(self):
        raise NotImplementedError

    cdef int abort(self, str reason) except -1:
        raise NotImplementedError

    cdef object connection_info(self, str name):
        return None

    cdef bytes request_field(self, bytes name):
        cdef Py_ssize_t index
        if self.raw_headers is not None:
            for index in range(0, len(self.raw_headers), 2):
                if (<bytes>self.raw_headers[index]).lower() == name:
                    return self.raw_headers[index + 1]
        return None

    cdef int enter(self, ExchangePhase phase) except -1:
        if not ALLOWED[<int>self.phase] & (1 << phase):
            if self.phase >= EXCHANGE_ENDED:
                raise ResponseEnded("the response has ended: nothing can be sent any more")
            raise ResponseStarted("the response has started: status and headers are on their way")
        self.phase = phase
        return 0

    cdef int over(self, ExchangePhase phase, str reason) except -1:
        """The last move of an exchange: tell everybody who asked."""
        cdef bint streamed = self.phase == EXCHANGE_STREAMING
        self.enter(phase)
        self.clock.disarm(&self.heartbeat)
        if streamed:
            self.tally.count_end(reason)
        if phase == EXCHANGE_ENDED and not streamed and self._on_close is None:
            return 0
        self._sum_up(reason)
        listeners, self._on_close = self._on_close, None
        for listener in listeners or ():
            tell(listener, self.outcome, (self.outcome,), "on_finish or on_close")
        listeners, self._on_closing = self._on_closing, None
        for listener in listeners or ():
            if is_future(listener):
                tell(listener, self.closing, (), "on_closing")
        return 0

    cdef int _sum_up(self, str reason) except -1:
        self.outcome = StreamEnd.__new__(StreamEnd)
        self.outcome.reason = reason
        self.outcome.bytes_sent = self.bytes_sent
        self.outcome.events_sent = self.events_sent
        if self.flow is not None:
            self.outcome.dropped = self.flow.dropped
            self.flow.forget()
            self.flow = None
        return 0

    cdef int client_left(self, str reason) except -1:
        """The connection is gone under a response that is not whole."""
        if self.phase >= EXCHANGE_ENDED:
            return 0
        self.unwanted = self.phase == EXCHANGE_STREAMING
        self.over(EXCHANGE_ABORTED, reason)
        if self.unwanted:
            self.cancel_producer(reason)
        return 0

    cdef int crash(self) except -1:
        if self.flow is not None:
            self.flow.settle()
        if self.phase != EXCHANGE_STREAMING:
            return 0        # even that was too much for its client
        if self.is_events and self.remaining < 0:
            self.write_block(CRASHED)
        return self.abort("error")

    cdef int cancel_producer(self, str why) except -1:
        """Cancel the task of a handler whose body nobody reads, unless its route says otherwise."""
        self.unwanted = True
        if self.task is not None and self.on_disconnect == DISCONNECT_CANCEL:
            self.cancel_task(f"the stream is over: {why}")
        return 0

    cdef int cancel_task(self, str why) except -1:
        """Cancel the handler's task, once: what it does then is cleaning up, which has a time of its own."""
        if self.task is None or self.cancelled:
            return 0
        self.cancelled = True
        cancel_begun(self.task, why)
        if self.phase != EXCHANGE_STREAMING:
            self.clock.arm(&self.heartbeat, self.cleanup_ticks())
        return 0

    cdef int64_t cleanup_ticks(self) noexcept:
        return 0

    cdef int add_on_close(self, object listener) except -1:
        if self.outcome is None and self.phase == EXCHANGE_ENDED:
            self._sum_up("ended")       # a whole answer, and nobody had asked before it
        if self.outcome is not None:
            return tell(listener, self.outcome, (self.outcome,), "on_finish or on_close")
        self._on_close = with_listener(self._on_close, listener)
        return 0

    cdef int remove_on_close(self, object listener) except -1:
        if self._on_close is not None and listener in self._on_close:
            self._on_close.remove(listener)
        return 0

    cdef int add_on_closing(self, object listener) except -1:
        if self.closing or (self.outcome is not None and is_future(listener)):
            return tell(listener, self.closing, (), "on_closing")
        if self.outcome is None:
            self._on_closing = with_listener(self._on_closing, listener)
        return 0

    cdef int say_farewell(self) except -1:
        """Once: a new reconnection time for the client of events, and a word to everybody who produces."""
        if self.closing or self.phase != EXCHANGE_STREAMING:
            return 0
        self.closing = True
        if self.flow is not None:
            self.flow.release()
        if self.is_events and self.remaining < 0 and self.phase == EXCHANGE_STREAMING:
            self.write_block(encode_retry(randint(*FAREWELL_RETRY_MS)))
        listeners, self._on_closing = self._on_closing, None
        for listener in listeners or ():
            tell(listener, True, (), "on_closing")
        return 0

    cdef bint opened_late(self) noexcept:
        return False

    cdef str last_event_id(self):
        return read_event_id(self.request_field(b"last-event-id"), self.target)

    cdef int start_heartbeat(self, double seconds) except -1:
        if seconds > 0 and self.phase == EXCHANGE_STREAMING:
            self.heartbeat_ticks = max(self.clock.ticks(seconds), 1)
            self.quiet_since = self.clock.tick
            self.clock.arm(&self.heartbeat, self.heartbeat_ticks)
        return 0

    cdef void on_deadline(self, int kind) noexcept:
        """Silence has lasted `heartbeat_ticks`, or the entry is to move on to when it will have."""
        cdef int64_t quiet = self.clock.tick - self.quiet_since
        if self.phase != EXCHANGE_STREAMING:
            if self.task is not None:
                cancel_again(self.task)     # it cleans up for too long
            return
        if quiet <= self.heartbeat_ticks:
            # The tick of the last frame was partly over: one more makes "never early" true.
            self.clock.arm(&self.heartbeat, self.heartbeat_ticks - quiet)
            return
        try:
            if self.flow is not None:
                self.flow.release()
            # A reader that is behind is not silent: it has bytes to read.
            if not self.is_behind() and self.remaining < 0:
                self.write_block(HEARTBEAT)
            self.quiet_since = self.clock.tick - 1      # this tick has only begun
            self.clock.arm(&self.heartbeat, self.heartbeat_ticks - 1)
        except Exception:
            _log.exception("a heartbeat could not be written")

    cdef bint is_behind(self) noexcept:
        return False

    cdef int writer_dropped(self) except -1:
        """Nobody can reach the writer of this open stream any more."""
        if self.phase != EXCHANGE_STREAMING:
            return 0
        if self.handling:
            self.left_alone = True
        else:
            # Nobody said that the body is whole.
            _log.warning("the writer of an open stream was lost without end(): the connection is aborted")
            try:
                self.abort("error")
            except RuntimeError:
                _log.debug("the loop of that stream is closed", exc_info=True)
        return 0

    cdef int _account_declared(self, Py_ssize_t size) except -1:
        if size > self.remaining:
            raise BodyLengthMismatch(f"{size - self.remaining} bytes more than the declared content-length")
        self.remaining -= size
        return 0


cdef Exchange _make_no_exchange():
    cdef Exchange exchange = Exchange()
    exchange.method = b"GET"
    exchange.target = b"/"
    exchange.phase = EXCHANGE_ABORTED
    exchange.outcome = StreamEnd()
    exchange.outcome.reason = "error"
    return exchange

NO_EXCHANGE = _make_no_exchange()
