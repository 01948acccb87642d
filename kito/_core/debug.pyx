"""Counters of live objects, for leak tests; one addition each, so they are always on."""

from libc.stdint cimport int64_t

cdef int64_t _live[LIVE_KINDS]
cdef tuple _NAMES = ("connections", "exchanges", "writers", "readers", "bodies")


cdef void count_live(Live kind, int change) noexcept:
    _live[<int>kind] += change


def live_objects():
    """How many objects of the core are alive in this process, by kind."""
    return {name: _live[index] for index, name in enumerate(_NAMES)}
