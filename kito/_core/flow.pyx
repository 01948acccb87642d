"""StreamFlow: a stream's own bounds — a policy for slow readers, gathered text, an age.

A stream has one only if it was told so; every other writes past this module.
What waits for a slow reader under a dropping policy waits here, encoded but not
framed: bytes that a transport has cannot be taken back.
"""

import logging
from collections import deque

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.object cimport PyObject

from kito._core.buffer cimport WriteBuffer
from kito._core.clock cimport init_deadline, unlink
from kito._core.common cimport (
    EXCHANGE_STREAMING, GATHER_BYTES, OVERFLOW_DISCONNECT, OVERFLOW_DROP_OLDEST, OVERFLOW_LATEST, OVERFLOW_RAISE,
    Overflow,
)
from kito._core.encoder cimport write_bytes
from kito._core.event cimport Event, EventSpans, event_id, event_text, fill_event, measure_event
from kito._core.exchange cimport Exchange
from kito._core.windows cimport Windows

from kito.errors import BacklogExceeded

_log = logging.getLogger("kito")
cdef object _deque = deque

cdef dict _POLICIES = {
    "disconnect": OVERFLOW_DISCONNECT, "raise": OVERFLOW_RAISE,
    "drop_oldest": OVERFLOW_DROP_OLDEST, "latest": OVERFLOW_LATEST,
}


cdef StreamFlow plain_flow():
    """That of a stream which was told nothing."""
    return StreamFlow("disconnect", 0, 0, 0.0, 0.0)


cdef class StreamFlow(Flow):
    """What one stream was told: `overflow` by name, water marks in bytes, `coalesce` and `max_age` in seconds.

    0 stands for what is not set. The values are checked by `kito.pacing`, which makes it.
    """

    def __cinit__(self):
        init_deadline(&self.age, <PyObject*>self, 0)

    def __dealloc__(self):
        unlink(&self.age)

    def __init__(self, str overflow, Py_ssize_t high_water, Py_ssize_t max_backlog, double coalesce, double max_age):
        self.overflow = <Overflow><int>_POLICIES[overflow]
        self.lets_go = self.overflow == OVERFLOW_DISCONNECT
        self.high_water = high_water
        self.max_backlog = max_backlog
        self.window_s = coalesce
        self.max_age_s = max_age

    cdef int attach(self, Exchange exchange) except -1:
        """Begin with an open stream; one that is over already has nothing to bound."""
        if exchange.phase != EXCHANGE_STREAMING:
            return 0
        self.exchange = exchange
        exchange.flow = self
        self.max_backlog = exchange.set_marks(self.high_water, self.max_backlog)
        if self.max_age_s > 0:
            exchange.clock.arm(&self.age, exchange.clock.ticks(self.max_age_s))
        return 0

    cdef int settle(self) except -1:
        """The last of what is kept goes out, whether the client is behind or not: it is bounded."""
        self.release()
        while self.kept is not None:
            self._send_kept()
        return 0

    cdef int finish(self) except -1:
        cdef bytes tail
        self.settle()
        if self.coding is None or self.exchange is None:
            return 0
        tail = self.coding.finish()
        return self.exchange.write_frame(PyBytes_AS_STRING(tail), PyBytes_GET_SIZE(tail), tail) if tail else 0

    cdef int resumed(self) except -1:
        while self.kept is not None and not self.exchange.is_behind():
            self._send_kept()
        return 0

    cdef void forget(self) noexcept:
        if self.exchange is not None:
            self.exchange.clock.disarm(&self.age)
        self.exchange = None
        self.kept = self.gathered = self.event = None
        self.gathering = False

    cdef void on_deadline(self, int kind) noexcept:
        try:
            if self.exchange is not None:
                self.exchange.expire("max_age")
        except Exception:
            _log.exception("a stream could not be ended at its age")

    # === what the writers call ===

    cdef int put(self, const char* data, Py_ssize_t size, object owner) except -1:
        """A chunk; on an event stream a comment, or whatever its producer encodes itself."""
        self._admit()
        if size < GATHER_BYTES and self._gathers() and not self.exchange.is_events:
            return self._gather(data, size)
        self.release()
        if self.exchange is None:
            return 0        # what was gathered was too much for the client
        if not self._keeps():
            return self._write(data, size, owner)
        if data[0] != c":":     # a comment says nothing to a reader that is behind
            self._keep(PyBytes_FromStringAndSize(data, size))
        return 0

    cdef int put_event(self, object data, object event, object id, object retry, bint as_json) except -1:
        cdef EventSpans spans
        cdef Py_ssize_t size
        self._admit()
        if self._gathers() and not as_json and id is None and retry is None and isinstance(data, (str, bytes)):
            return self._gather_event(data, event)
        text = event_text(data, as_json)
        ident = event_id(id)
        size = measure_event(&spans, text, event, ident, retry)
        self.release()
        return 0 if self.exchange is None else self._write_event(&spans, size)

    cdef int put_shared(self, Event event) except -1:
        self._admit()
        self.release()
        if self.exchange is None:
            return 0
        if self._keeps():
            return self._keep(event.payload)
        self.exchange.count_event()
        if self.coding is not None:
            return self._write(PyBytes_AS_STRING(event.payload), PyBytes_GET_SIZE(event.payload), event.payload)
        return self.exchange.write_shared(event)

    cdef int _write(self, const char* data, Py_ssize_t size, object owner) except -1:
        """One frame, coded if the body is."""
        cdef Exchange exchange = self.exchange      # kept: a write may end the stream
        cdef bytes coded
        if self.coding is None:
            return exchange.write_frame(data, size, owner)
        coded = self.coding.encode(PyBytes_FromStringAndSize(data, size) if owner is None else <bytes>owner)
        return exchange.write_frame(PyBytes_AS_STRING(coded), PyBytes_GET_SIZE(coded), coded) if coded else 0

    # === slow readers ===

    cdef int _admit(self) except -1:
        """Refuse a write behind a full backlog, where the producer wants to hear of it."""
        cdef Py_ssize_t waiting
        if self.overflow != OVERFLOW_RAISE or not self.exchange.is_behind():
            return 0
        waiting = self.exchange.backlog()
        if self.gathered is not None:
            waiting += self.gathered.used
        if waiting > self.max_backlog:
            raise BacklogExceeded(f"the client is {waiting} bytes behind, more than max_backlog={self.max_backlog}")
        return 0

    cdef bint _keeps(self) noexcept:
        """Events have to wait here: what is given to the transport cannot be dropped any more."""
        return self.overflow >= OVERFLOW_DROP_OLDEST and (self.kept is not None or self.exchange.is_behind())

    cdef int _keep(self, bytes payload) except -1:
        cdef Py_ssize_t room = 0 if self.overflow == OVERFLOW_LATEST else self.max_backlog - len(payload)
        if self.kept is None:
            self.kept = _deque()
        while self.kept and self.kept_bytes > room:
            self.kept_bytes -= len(<bytes>self.kept.popleft())
            self.dropped += 1
            self.unsaid += 1
            self.exchange.tally.dropped += 1
        self.kept.append(payload)
        self.kept_bytes += len(payload)
        return 0

    cdef int _send_kept(self) except -1:
        """Write the oldest event that waits, behind a notice where some before it are missing."""
        cdef Exchange exchange = self.exchange
        cdef bytes payload
        if self.unsaid:
            dropped, self.unsaid = self.unsaid, 0
            payload = Event({"dropped": dropped}, "gap").payload
            self._write(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), payload)
        payload = self.kept.popleft()
        self.kept_bytes -= len(payload)
        if not self.kept:
            self.kept = None
        exchange.count_event()
        return self._write(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), payload)

    cdef int _write_event(self, EventSpans* spans, Py_ssize_t size) except -1:
        cdef Exchange exchange = self.exchange
        cdef bytes payload
        if self.coding is not None or self._keeps():
            payload = PyBytes_FromStringAndSize(NULL, size)
            fill_event(PyBytes_AS_STRING(payload), spans)
            if self._keeps():
                return self._keep(payload)
            exchange.count_event()
            return self._write(PyBytes_AS_STRING(payload), size, payload)
        return exchange.write_event(spans, size)

    # === gathered text ===

    cdef bint _gathers(self) noexcept:
        """A body of declared length has no frames that could be saved, and is checked as it is written."""
        return self.window_s > 0 and self.exchange.remaining < 0

    cdef int _gather(self, const char* text, Py_ssize_t size) except -1:
        cdef bint first = not self.gathering
        cdef Windows windows
        if self.gathered is None:
            self.gathered = WriteBuffer.__new__(WriteBuffer)
        if size:
            write_bytes(self.gathered, text, size)
        self.gathering = True
        if self.gathered.used >= GATHER_BYTES:
            return self.release()
        if first:
            windows = self.exchange.cork().open_windows()
            self.due = windows.now() + self.window_s
            if not self.waiting:
                windows.add(self)
        return 0

    cdef int _gather_event(self, object text, object event) except -1:
        """Join the text of an event to that before it, if one event can say both and the text stays the same."""
        cdef EventSpans spans
        measure_event(&spans, text, event, None, None)      # raises for what cannot be sent
        if self.gathering and (event != self.event or self._would_join_line_end(&spans)):
            self.release()
            if self.exchange is None:
                return 0
        self.event = event
        return self._gather(spans.data, spans.data_size)

    cdef bint _would_join_line_end(self, EventSpans* spans) noexcept:
        """CR at the end of one text and LF at the begin of the next are two line ends, together they would be one."""
        cdef Py_ssize_t used = self.gathered.used
        return used > 0 and spans.data_size > 0 and spans.data[0] == c"\n" and self.gathered.data[used - 1] == c"\r"

    cdef int release(self) except -1:
        cdef EventSpans spans
        cdef bytes text
        if not self.gathering:
            return 0
        self.gathering = False
        text = self.gathered.take()
        self.gathered = None
        if not self.exchange.is_events:
            return self._write(PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text), text)
        event, self.event = self.event, None
        return self._write_event(&spans, measure_event(&spans, text, event, None, None))
