"""Corked output of a connection: one system call a loop turn, with backpressure."""

cimport cython
from cpython.bytearray cimport PyByteArray_GET_SIZE
from libc.stdint cimport int64_t, uint64_t

from kito._core.buffer cimport WriteBuffer
from kito._core.common cimport CORK_BYTES, FAIR_BYTES, SCRATCH_BYTES
from kito._core.tally cimport Histogram
from kito._core.waits cimport READY
from kito._core.windows cimport Windows


# What the loop's turn collects: the writers with pending output, and spare buffers.
@cython.final
cdef class Cork:
    cdef readonly object loop     # None while closed: then only flush_all() flushes
    cdef object _call_soon        # loop.call_soon, or None
    cdef object _on_turn          # bound _turn, made once
    cdef list _dirty              # writers to flush at the end of this turn
    cdef bint _scheduled          # _on_turn is in the loop's queue
    cdef WriteBuffer _spare       # first of the pool of empty buffers
    cdef int _spares              # buffers in the pool
    cdef double _turn_time        # of the turn whose end is scheduled; 0.0: nobody has asked
    cdef Windows _windows         # None until a stream gathers text
    # What json_text() wrote in last, for the next one. Who writes takes it: an object that is encoded may send, too.
    cdef bytearray _scratch

    cdef int enlist(self, TransportWriter writer) except -1
    cdef void _time_turn(self, TransportWriter writer) noexcept
    cdef int _flush_dirty(self, bint in_turn) except -1
    cdef WriteBuffer borrow(self)
    cdef void give_back(self, WriteBuffer buffer) noexcept
    cdef Windows open_windows(self)
    cdef inline bytearray take_scratch(self):
        cdef bytearray scratch = self._scratch
        self._scratch = None
        return scratch

    cdef inline void keep_scratch(self, bytearray scratch) noexcept:
        if PyByteArray_GET_SIZE(scratch) <= SCRATCH_BYTES:
            self._scratch = scratch

    # Seconds of the monotonic clock, read once a turn.
    cdef double now(self) noexcept


cdef class TransportWriter:
    cdef Cork cork
    # Both None before attach() and after detach(): output is then dropped.
    cdef object transport
    cdef object _transport_write
    # The owner's `on_overflow()` is called when more is written behind a backlog over max_backlog.
    cdef object owner
    # Pending output, in this order. `shared` is only set while the other two are empty.
    cdef bytes shared             # one frame by reference
    cdef list segments            # pieces by reference, None while there are none
    cdef WriteBuffer buffer       # borrowed while it holds bytes, else None
    cdef Py_ssize_t segment_bytes
    cdef Py_ssize_t waiting       # bytes of it that the transport has no room for; only a SecureWriter's has none
    cdef bint tells_drained       # the owner's `on_drained()` is called when nothing waits any more
    cdef bint gathers             # the transport's writelines can be relied on
    cdef bint listed              # the cork knows about it
    cdef bint corked              # its owner flushes: inside data_received
    cdef bint held                # nothing leaves before release(), or before CORK_BYTES are pending; then `paused`, too
    cdef bint paused_below        # while held: what `paused` would be
    cdef bint patient             # who waits is never told that the client has left
    # Where the time between turns is noted, None: nowhere, and when the last turn was.
    cdef Histogram gaps
    cdef double last_turn
    cdef readonly bint paused     # the transport is over its high-water mark
    cdef Py_ssize_t high_water    # bytes; the transport's own mark
    cdef Py_ssize_t max_backlog   # bytes
    cdef bint own_marks           # both are those of the exchange under way
    # Of this turn of the loop: bytes handed over, writes that could be awaited, and the number of them at which to look
    # at the clock again, which doubles; when it was looked at first, with the second write.
    cdef Py_ssize_t turn_bytes
    cdef Py_ssize_t turn_writes
    cdef Py_ssize_t turn_look
    cdef double turn_began
    cdef readonly uint64_t bytes_out
    cdef list _waiters            # futures of producers over the high-water mark
    cdef readonly object lost     # exception for awaiting producers once detached

    cdef int attach(self, object transport, object owner) except -1
    cdef void detach(self, object error) noexcept
    # The buffer to append to, after whatever is pending.
    cdef WriteBuffer open(self)
    cdef int write_reference(self, bytes piece) except -1
    cdef int write_shared(self, bytes frame) except -1
    cdef int flush(self) except -1
    # The same, for a callback of the loop to call: whose end it is, and so whose turn, is beyond doubt there.
    cdef int flush_turn(self) except -1
    # The connection begins to close, or is lost: from now on the transport alone knows what may be sent.
    cdef void leave_socket(self) noexcept
    cdef void hold(self) noexcept
    cdef int release(self) except -1
    cdef Py_ssize_t pending(self) noexcept      # bytes that the transport has not been given
    cdef Py_ssize_t backlog(self) noexcept      # them and what it holds
    cdef object _drain(self)
    cdef object _look(self)
    cdef void begin_turn(self) noexcept
    # In bytes, 0: as the other one allows. Returns max_backlog as it is then.
    cdef Py_ssize_t set_marks(self, Py_ssize_t high_water, Py_ssize_t max_backlog) except -1
    cdef void pause(self) noexcept
    cdef int resume(self) except -1
    cdef int _mark(self) except -1
    cdef object _gather(self)

    # To be called after appending: leaves at once when the cork is full.
    cdef inline int wrote(self) except -1:
        cdef Py_ssize_t pending = self.segment_bytes
        if self.buffer is not None:
            pending += self.buffer.used
        return 0 if pending < CORK_BYTES else self.release()

    # Awaitable of a write: READY, or waits for the low-water mark, or for everybody else's turn.
    cdef inline object drained(self):
        if self.paused or self.waiting or self.lost is not None:
            return self._drain()
        self.turn_writes += 1
        if (self.turn_writes < self.turn_look or self.turn_writes == 1) and self.turn_bytes < FAIR_BYTES:
            return READY
        return self._look()
