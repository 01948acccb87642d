"""Watch: looks for the end of a client whose input is not read."""

from kito._core.clock cimport Deadline, Timed
from kito._core.connection cimport Connection


# Made while reading is paused; it looks once a tick.
cdef class Watch(Timed):
    cdef Connection connection    # None once stopped
    cdef Deadline deadline

    cdef int start(self, Connection connection) except -1
    cdef void stop(self) noexcept
