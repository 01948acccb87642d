"""Corked output of a connection: one system call a loop turn, with backpressure.

Whatever is written to a connection during one turn of the loop waits in a
borrowed buffer and leaves in one `transport.write` when the turn ends, sooner
when CORK_BYTES are pending or on flush().
"""

import logging

from cpython.time cimport monotonic

from kito._core.buffer cimport WriteBuffer
from kito._core.common cimport FAIR_BYTES, FAIR_MS, FAIR_WRITES, POOLED_BUFFERS, POOLED_BYTES
from kito._core.encoder cimport write_bytes
from kito._core.waits cimport READY, TURN
from kito._core.windows cimport Windows

from kito.errors import ConnectionClosed

_log = logging.getLogger("kito")
cdef double FAIR_S = FAIR_MS / 1000.0


cdef class Drain:
    """Awaitable of a write over the high-water mark: done at the low-water mark.

    Awaiting raises `ConnectionClosed` when the peer leaves meanwhile. Not
    awaiting it costs nothing: the future is made by `await`.
    """
    cdef TransportWriter _writer

    def __await__(self):
        cdef TransportWriter writer = self._writer
        if writer.lost is not None:
            return _say_lost(writer.lost)
        if not writer.paused and not writer.waiting:
            return READY
        future = writer.cork.loop.create_future()
        if writer._waiters is None:
            writer._waiters = []
        writer._waiters.append(future)
        return future.__await__()


def _say_lost(error):
    """One turn late: a cancellation that comes with the loss arrives here, and not in the cleanup behind it."""
    yield
    raise error


cdef class Patience:
    """The wait of a producer that is never told that its client has left."""
    cdef Drain _awaited

    def __cinit__(self, Drain awaited):
        self._awaited = awaited

    def __await__(self):
        try:
            yield from self._awaited.__await__()
        except ConnectionClosed:
            pass


cdef class Cork:
    """Flushes every writer of a loop that was written to in this turn."""

    def __cinit__(self):
        self._dirty = []

    def open(self, loop):
        """Start to collect on `loop`."""
        self.loop = loop
        self._call_soon = loop.call_soon
        self._on_turn = self._turn

    def close(self):
        """Flush what is pending and forget the loop."""
        self.flush_all()
        if self._windows is not None:
            self._windows.close()
        self.loop = self._call_soon = self._on_turn = self._windows = None

    def flush_all(self):
        """Flush every writer that this turn wrote to, by way of their transports."""
        self._flush_dirty(False)

    def _turn(self):
        """The loop's turn ends."""
        self._flush_dirty(True)

    cdef int _flush_dirty(self, bint in_turn) except -1:
        """Flush every writer that this turn wrote to; one that fails does not hurt the others."""
        cdef TransportWriter writer
        cdef list dirty = self._dirty
        self._scheduled = False
        self._dirty = []
        for writer in dirty:
            writer.listed = False
            writer.begin_turn()
            try:
                if in_turn:
                    writer.flush_turn()
                else:
                    writer.flush()
            except Exception:
                _log.exception("a connection could not be written to")
        return 0

    cdef int enlist(self, TransportWriter writer) except -1:
        writer.listed = True
        self._dirty.append(writer)
        if not self._scheduled and self._call_soon is not None:
            self._call_soon(self._on_turn)
            self._scheduled = True
            self._turn_time = 0.0
        if writer.gaps is not None:
            self._time_turn(writer)
        return 0

    cdef void _time_turn(self, TransportWriter writer) noexcept:
        cdef double now = self.now()
        writer.gaps.note(now - writer.last_turn)
        writer.last_turn = now

    cdef WriteBuffer borrow(self):
        cdef WriteBuffer buffer = self._spare
        if buffer is None:
            return WriteBuffer.__new__(WriteBuffer)
        self._spare = buffer.spare
        self._spares -= 1
        buffer.spare = None
        return buffer

    cdef double now(self) noexcept:
        if not self._scheduled:
            return monotonic()
        if self._turn_time == 0.0:
            self._turn_time = monotonic()
        return self._turn_time

    cdef Windows open_windows(self):
        if self._windows is None:
            self._windows = Windows(self.loop)
        return self._windows

    cdef void give_back(self, WriteBuffer buffer) noexcept:
        if buffer.capacity <= POOLED_BYTES and self._spares < POOLED_BUFFERS:
            buffer.spare = self._spare
            self._spare = buffer
            self._spares += 1


cdef class TransportWriter:
    """The output side of one connection."""

    def __cinit__(self, Cork cork, Py_ssize_t max_backlog):
        self.cork = cork
        self.max_backlog = max_backlog

    cdef int attach(self, object transport, object owner) except -1:
        self._transport_write = transport.write
        self.transport = transport
        self.owner = owner
        # Some of asyncio's own forget flow control in writelines (CVE-2024-12254).
        self.gathers = not type(transport).__module__.startswith("asyncio.")
        return 0

    cdef void detach(self, object error) noexcept:
        """The connection is gone: drop what is pending and tell who waits."""
        self.leave_socket()
        self.transport = self._transport_write = self.owner = None
        self.shared = None
        self.segments = None
        self.segment_bytes = self.waiting = 0
        self.buffer = None
        self.lost = error
        self.paused = self.held = False
        self._wake()

    cdef WriteBuffer open(self):
        cdef WriteBuffer buffer = self.buffer
        if buffer is None:
            buffer = self.buffer = self.cork.borrow()
            if self.shared is not None:
                write_bytes(buffer, <const char*>self.shared, len(self.shared))
                self.shared = None
            self._mark()
        return buffer

    cdef void hold(self) noexcept:
        if not self.held:
            self.held = True
            self.paused_below = self.paused
            self.paused = True      # who awaits its writes waits, and no further request is begun

    cdef int release(self) except -1:
        if self.held:
            self.held = False
            self.paused = self.paused_below
            if not self.paused and self.owner is not None:
                self.owner.resume_writing()
        return self.flush()

    cdef int write_reference(self, bytes piece) except -1:
        self._mark()
        if self.segments is None:
            self.segments = []
        if self.buffer is not None and self.buffer.used:
            self.segment_bytes += self.buffer.used
            self.segments.append(self.buffer.take())
        elif self.shared is not None:
            self.segment_bytes += len(self.shared)
            self.segments.append(self.shared)
            self.shared = None
        self.segments.append(piece)
        self.segment_bytes += len(piece)
        return 0

    cdef int write_shared(self, bytes frame) except -1:
        if self.buffer is None and self.segments is None and self.shared is None:
            self.shared = frame
            return self._mark()
        write_bytes(self.open(), <const char*>frame, len(frame))
        return self.wrote()

    cdef int flush(self) except -1:
        cdef bytes single
        if self.transport is None or self.held or (self.shared is None and self.buffer is None and self.segments is None):
            return 0
        if self.paused and self.transport.get_write_buffer_size() > self.max_backlog:
            self.owner.on_overflow()
            if self.transport is None:
                return 0
        if self.segments is None:
            single = self._gather()
            self.bytes_out += len(single)
            self.turn_bytes += len(single)
            self._transport_write(single)
        else:
            single = self._gather()
            pieces = self.segments
            self.segments = None
            pieces.append(single)
            self.bytes_out += self.segment_bytes + len(single)
            self.turn_bytes += self.segment_bytes + len(single)
            self.segment_bytes = 0
            if self.gathers:
                self.transport.writelines(pieces)
            else:
                self._transport_write(b"".join(pieces))
        return 0

    cdef int flush_turn(self) except -1:
        return self.flush()

    cdef void leave_socket(self) noexcept:
        pass

    cdef object _gather(self):
        """What is pending outside `segments`, as one piece; the buffer goes back to the pool."""
        cdef bytes piece = self.shared
        if piece is not None:
            self.shared = None
            return piece
        if self.buffer is None:
            return b""
        piece = self.buffer.take()
        self.cork.give_back(self.buffer)
        self.buffer = None
        return piece

    cdef Py_ssize_t pending(self) noexcept:
        cdef Py_ssize_t pending = self.segment_bytes
        if self.buffer is not None:
            pending += self.buffer.used
        elif self.shared is not None:
            pending += len(self.shared)
        return pending

    cdef Py_ssize_t backlog(self) noexcept:
        """Bytes accepted from producers that the kernel has not taken yet."""
        return 0 if self.transport is None else self.pending() + <Py_ssize_t>self.transport.get_write_buffer_size()

    cdef object _drain(self):
        cdef Drain drain = Drain.__new__(Drain)
        drain._writer = self
        if self.patient:
            return Patience(drain)
        return drain

    cdef object _look(self):
        """Whether a producer that never has to wait has had the loop for long enough."""
        cdef double now
        if self.turn_bytes >= FAIR_BYTES or self.turn_writes >= FAIR_WRITES:
            return TURN
        now = monotonic()
        if self.turn_look == 0:
            self.turn_began = now
            self.turn_look = self.turn_writes + 1
        elif now - self.turn_began >= FAIR_S:
            return TURN
        else:
            self.turn_look = 2 * self.turn_writes
        return READY

    cdef void begin_turn(self) noexcept:
        self.turn_bytes = self.turn_writes = self.turn_look = 0

    cdef Py_ssize_t set_marks(self, Py_ssize_t high_water, Py_ssize_t max_backlog) except -1:
        if (high_water or max_backlog) and self.transport is not None:
            self.own_marks = True
            self.max_backlog = max_backlog or max(high_water, self.max_backlog)
            self.high_water = high_water or min(self.high_water, max_backlog)
            self.transport.set_write_buffer_limits(high=self.high_water)
        return self.max_backlog

    cdef void pause(self) noexcept:
        self.paused = self.paused_below = True

    cdef int resume(self) except -1:
        self.paused_below = False
        if not self.held:
            self.paused = False
            self._wake()
        return 0

    def _wake(self):
        waiters, self._waiters = self._waiters, None
        for future in waiters or ():
            if not future.done():
                if self.lost is not None:
                    future.set_exception(self.lost)
                else:
                    future.set_result(None)

    cdef int _mark(self) except -1:
        if not self.listed and not self.corked:
            return self.cork.enlist(self)
        return 0

    @property
    def unsent(self):
        """Bytes written that the kernel has not taken yet."""
        return self.backlog()
