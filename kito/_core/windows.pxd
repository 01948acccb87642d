"""Windows: text that streams gather for a moment, written out when its moment is over; one timer a loop."""

from kito._core.clock cimport Timed


# What gathers text.
cdef class Gatherer(Timed):
    cdef double due               # time of the loop at which what is gathered has to go, in seconds
    cdef bint gathering           # something is gathered
    cdef bint waiting             # it is in the queue of its loop's Windows, once

    # Write out what is gathered.
    cdef int release(self) except -1


cdef class Windows:
    cdef object _loop             # None once closed
    cdef object _handle           # the timer for the first of the queue; None while that is empty
    cdef double _wakes            # when it fires
    cdef list _queue              # heap of (due, number, Gatherer)
    cdef long long _number        # tells entries of the same time apart

    cdef double now(self) except -1
    cdef int add(self, Gatherer gatherer) except -1
    cdef int _set_timer(self) except -1
