"""One coarse clock per loop: the cached Date line and a wheel of deadlines.

Every deadline of every connection sits in one hashed wheel that one timer
turns. Re-arming to a later tick only stores a number: the sweep finds the
entry at its old place and moves it on. A deadline fires between its time and
one tick later, never early.
"""

import time

from cpython.object cimport PyObject
from libc.math cimport ceil
from libc.stdint cimport int64_t, INT64_MAX
from libc.string cimport memcpy

cdef int64_t NEVER = INT64_MAX

cdef tuple _DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
cdef tuple _MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun",
                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


cdef class Timed:
    """Something with deadlines."""

    cdef void on_deadline(self, int kind) noexcept:
        pass


cdef class Clock:
    """Coarse time of one event loop.

    `tick_s` is the length of a tick in seconds (1.0 in service; tests shorten
    it). The Date line follows RFC 9110 section 5.6.7 (IMF-fixdate).
    """

    def __cinit__(self, double tick_s=1.0):
        cdef int index
        # First of all: __dealloc__ walks the rings even when the next line raises.
        for index in range(<int>WHEEL_SLOTS):
            _init_ring(&self.slots[index])
        _init_ring(&self.expired)
        if not tick_s > 0:
            raise ValueError("tick_s must be a positive number of seconds")
        self.tick = 0
        self.tick_s = tick_s
        self._write_date()

    def __dealloc__(self):
        cdef int index
        for index in range(<int>WHEEL_SLOTS):
            _empty(&self.slots[index])
        _empty(&self.expired)

    cdef int64_t ticks(self, double seconds) noexcept:
        return <int64_t>ceil(seconds / self.tick_s)

    cdef void arm(self, Deadline* deadline, int64_t ticks) noexcept:
        # The current tick is partly over: one more makes "never early" true.
        deadline.due = self.tick + ticks + 1
        if deadline.next is not NULL:
            if deadline.slot_tick <= deadline.due:
                return
            unlink(deadline)
        self._link(deadline)

    cdef void disarm(self, Deadline* deadline) noexcept:
        deadline.due = NEVER

    cdef void _link(self, Deadline* deadline) noexcept:
        cdef int64_t at = min(deadline.due, self.tick + WHEEL_SLOTS - 1)
        deadline.slot_tick = at
        _append(&self.slots[at % WHEEL_SLOTS], deadline)

    def start(self, loop):
        """Begin to tick on `loop`."""
        self._loop = loop
        self._on_tick = self._turn
        self._write_date()
        self._handle = loop.call_later(self.tick_s, self._on_tick)

    def stop(self):
        """Stop ticking; deadlines stay where they are and do not fire."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop = self._on_tick = None

    def advance(self, int64_t ticks):
        """Turn the wheel by `ticks` at once (controlled time in tests)."""
        cdef int64_t step
        for step in range(ticks):
            self.tick += 1
            self._sweep()

    @property
    def date(self):
        """The value of the Date field as it is sent now."""
        return self.date_line[6:35].decode("ascii")

    def _turn(self):
        if self._loop is None:
            return
        self._handle = self._loop.call_later(self.tick_s, self._on_tick)
        self._write_date()
        self.advance(1)

    cdef int _sweep(self) except -1:
        cdef Deadline* ring = &self.slots[self.tick % WHEEL_SLOTS]
        cdef Deadline* deadline
        cdef Timed owner
        # Callbacks may unlink any deadline, so the due ones are moved to a ring
        # of their own and taken from its head one at a time.
        while ring.next is not ring:
            deadline = ring.next
            unlink(deadline)
            _append(&self.expired, deadline)
        while self.expired.next is not &self.expired:
            deadline = self.expired.next
            unlink(deadline)
            if deadline.due == NEVER:
                continue
            if deadline.due > self.tick:
                self._link(deadline)
                continue
            deadline.due = NEVER
            owner = <Timed>deadline.owner
            owner.on_deadline(deadline.kind)
            owner = None
        return 0

    cdef int _write_date(self) except -1:
        cdef bytes line
        now = time.gmtime()
        line = b"date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n" % (
            _DAYS[now.tm_wday].encode(), now.tm_mday, _MONTHS[now.tm_mon - 1].encode(),
            now.tm_year, now.tm_hour, now.tm_min, now.tm_sec)
        memcpy(self.date_line, <const char*>line, 37)
        return 0


cdef void init_deadline(Deadline* deadline, PyObject* owner, int kind) noexcept:
    deadline.prev = deadline.next = NULL
    deadline.due = NEVER
    deadline.slot_tick = 0
    deadline.owner = owner
    deadline.kind = kind


cdef void unlink(Deadline* deadline) noexcept:
    if deadline.next is NULL:
        return
    deadline.prev.next = deadline.next
    deadline.next.prev = deadline.prev
    deadline.prev = deadline.next = NULL


cdef void _init_ring(Deadline* ring) noexcept:
    ring.prev = ring.next = ring


cdef void _append(Deadline* ring, Deadline* deadline) noexcept:
    deadline.prev = ring.prev
    deadline.next = ring
    ring.prev.next = deadline
    ring.prev = deadline


cdef void _empty(Deadline* ring) noexcept:
    while ring.next is not ring:
        unlink(ring.next)
