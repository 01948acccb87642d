"""Tally: what is counted of a loop's exchanges, and how one stream ended."""

from libc.stdint cimport uint64_t


# How a stream ended, as on_close callbacks are told.
cdef class StreamEnd:
    cdef readonly str reason      # ended, max_age, client_left, timeout, overflow, shutdown, error
    cdef readonly uint64_t bytes_sent
    cdef readonly uint64_t events_sent
    cdef readonly uint64_t dropped    # events that a reader fell behind too far to be sent


# Totals of a loop's exchanges, owned by the loop's state.
cdef class Tally:
    cdef public uint64_t requests
    cdef public uint64_t streams_opened
    cdef public uint64_t streams_open
    cdef public uint64_t events
    cdef public uint64_t body_bytes
    cdef public uint64_t dropped  # events
    cdef dict ends                # reason -> number of streams

    cdef int count_end(self, str reason) except -1
