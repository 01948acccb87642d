"""Counters of live objects, for leak tests."""

from libc.stdint cimport int64_t


cdef enum Live:
    LIVE_CONNECTIONS = 0
    LIVE_EXCHANGES = 1
    LIVE_WRITERS = 2
    LIVE_READERS = 3
    LIVE_BODIES = 4
    LIVE_KINDS = 5

cdef void count_live(Live kind, int change) noexcept
