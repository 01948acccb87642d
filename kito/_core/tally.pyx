"""Tally: what is counted of a loop's exchanges, and how one stream ended."""


cdef class StreamEnd:
    """How a stream ended: `reason`, and what was written: body bytes, events, events that were dropped."""

    def __repr__(self):
        return (f"StreamEnd({self.reason!r}, bytes_sent={self.bytes_sent}, events_sent={self.events_sent}, "
                f"dropped={self.dropped})")


cdef class Tally:
    """Totals of a loop's exchanges since it started."""

    def __cinit__(self):
        self.ends = {}

    cdef int count_end(self, str reason) except -1:
        self.streams_open -= 1
        self.ends[reason] = self.ends.get(reason, 0) + 1
        return 0

    def snapshot(self):
        """The totals as a new dict; `ends` maps a reason to a number of streams."""
        return {
            "requests": self.requests, "streams_opened": self.streams_opened,
            "streams_open": self.streams_open, "events": self.events,
            "body_bytes": self.body_bytes, "dropped": self.dropped, "ends": dict(self.ends),
        }
