"""Tally: what is counted of a loop's exchanges, and how one stream ended."""

from libc.math cimport INFINITY


cdef class StreamEnd:
    """How a stream ended: `reason`, and what was written: body bytes, events, events that were dropped."""

    def __repr__(self):
        return (f"StreamEnd({self.reason!r}, bytes_sent={self.bytes_sent}, events_sent={self.events_sent}, "
                f"dropped={self.dropped})")


cdef class Histogram:
    """How often something took how long, in buckets of doubling width."""

    def snapshot(self):
        """`count`, `sum` in seconds, and `buckets`: an upper bound in seconds to the number below it, above the last."""
        cdef int bucket
        bounds = [0.001 * (1 << bucket) for bucket in range(<int>BUCKETS - 1)] + [INFINITY]
        return {
            "count": self.count, "sum": self.sum_s,
            "buckets": {bounds[bucket]: self.counts[bucket] for bucket in range(<int>BUCKETS)},
        }


cdef class Tally:
    """Totals of a loop's exchanges since it started."""

    def __cinit__(self):
        self.ends = {}
        self.time_to_head = Histogram()
        self.time_to_first = Histogram()
        self.gaps = Histogram()

    cdef int count_end(self, str reason) except -1:
        self.streams_open -= 1
        self.ends[reason] = self.ends.get(reason, 0) + 1
        return 0

    def snapshot(self):
        """The totals as a new dict; `ends` maps a reason to a number of streams, the last three are histograms."""
        return {
            "requests": self.requests, "streams_opened": self.streams_opened,
            "streams_open": self.streams_open, "events": self.events,
            "body_bytes": self.body_bytes, "dropped": self.dropped, "ends": dict(self.ends),
            "time_to_head": self.time_to_head.snapshot(), "time_to_first": self.time_to_first.snapshot(),
            "gaps": self.gaps.snapshot(),
        }
