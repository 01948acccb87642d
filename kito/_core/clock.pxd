"""One coarse clock per loop: the cached Date line and a wheel of deadlines."""

cimport cython
from cpython.object cimport PyObject
from libc.stdint cimport int64_t


# One deadline of one object, a link of a slot's ring. Embedded in its owner.
cdef struct Deadline:
    Deadline* prev                # NULL while not in a ring
    Deadline* next
    int64_t due                   # tick at which it fires; NEVER while disarmed
    int64_t slot_tick             # tick for which it sits in its slot; <= due
    PyObject* owner               # borrowed: the owner unlinks before it dies
    int kind                      # the owner's own number for it

cdef enum WheelSize:
    WHEEL_SLOTS = 128             # ticks; a later deadline waits for another turn

cdef class Timed:
    # Called by the sweep, once per deadline that came due; the deadline is disarmed.
    cdef void on_deadline(self, int kind) noexcept

@cython.final
cdef class Clock:
    cdef readonly int64_t tick                    # ticks since start
    cdef readonly double tick_s                   # seconds per tick
    cdef char date_line[40]                       # "date: ...\r\n", 37 bytes
    cdef Deadline slots[WHEEL_SLOTS]              # ring heads
    cdef Deadline expired                         # ring of the sweep under way
    cdef object _loop                             # None while stopped
    cdef object _handle
    cdef object _on_tick

    cdef int64_t ticks(self, double seconds) noexcept
    cdef void arm(self, Deadline* deadline, int64_t ticks) noexcept
    cdef void disarm(self, Deadline* deadline) noexcept
    cdef void _link(self, Deadline* deadline) noexcept
    cdef int _sweep(self) except -1
    cdef int _write_date(self) except -1


cdef void init_deadline(Deadline* deadline, PyObject* owner, int kind) noexcept
cdef void unlink(Deadline* deadline) noexcept
