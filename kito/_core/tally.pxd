"""Tally: what is counted of a loop's exchanges, and how one stream ended."""

from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy


# How a stream ended, as on_close callbacks are told.
cdef class StreamEnd:
    cdef readonly str reason      # ended, max_age, client_left, timeout, overflow, shutdown, error
    cdef readonly uint64_t bytes_sent
    cdef readonly uint64_t events_sent
    cdef readonly uint64_t dropped    # events that a reader fell behind too far to be sent


cdef enum TallySizes:
    BUCKETS = 19                  # up to 1 ms, 2 ms, 4 ms ... 131 s, and longer


# How often something took how long.
cdef class Histogram:
    cdef uint64_t counts[BUCKETS]
    cdef uint64_t count
    cdef double sum_s



    cdef inline void note(self, double seconds) noexcept:
        cdef double milliseconds = seconds * 1000
        cdef int64_t bits
        cdef int bucket
        memcpy(&bits, &milliseconds, 8)
        bucket = <int>(bits >> 52) - 1022   # the exponent of IEEE 754: 1 for 1 to 2 ms, 2 up to 4 ms ...
        if bucket < 0:
            bucket = 0
        elif bucket >= <int>BUCKETS:
            bucket = <int>BUCKETS - 1
        self.counts[bucket] += 1
        self.count += 1
        self.sum_s += seconds


# Totals of a loop's exchanges, owned by the loop's state.
cdef class Tally:
    cdef public uint64_t requests
    cdef public uint64_t streams_opened
    cdef public uint64_t streams_open
    cdef public uint64_t events
    cdef public uint64_t body_bytes
    cdef public uint64_t dropped  # events
    cdef dict ends                # reason -> number of streams
    # Of streams, in seconds.
    cdef Histogram time_to_head   # from the start of the handler's task
    cdef Histogram time_to_first  # the same, to the first chunk or event
    cdef Histogram gaps           # between loop turns in which a stream has written

    cdef int count_end(self, str reason) except -1
