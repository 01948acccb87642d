"""Windows: text that streams gather for a moment, written out when its moment is over; one timer a loop.

The clock's tick of a second is too coarse for moments of milliseconds, and a
timer for each stream would be made and cancelled with every group of tokens.
"""

import heapq
import logging

from kito._core.clock cimport Timed

_log = logging.getLogger("kito")
cdef object _push = heapq.heappush
cdef object _pop = heapq.heappop

cdef double ROUNDING_S = 0.0005   # uvloop's timers count milliseconds: one that fires so early is on time


cdef class Gatherer(Timed):
    """What gathers text."""

    cdef int release(self) except -1:
        raise NotImplementedError


cdef class Windows:
    """The gatherers of a loop that hold something, in the order in which it is due."""

    def __init__(self, loop):
        self._loop = loop
        self._queue = []

    def close(self):
        """Write out nothing any more."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._loop = None
        self._queue = []

    cdef double now(self) except -1:
        return 0.0 if self._loop is None else self._loop.time()

    cdef int add(self, Gatherer gatherer) except -1:
        if self._loop is None:
            return gatherer.release()
        gatherer.waiting = True
        self._number += 1
        _push(self._queue, (gatherer.due, self._number, gatherer))
        return self._set_timer()

    cdef int _set_timer(self) except -1:
        cdef double first
        if not self._queue:
            return 0
        first = self._queue[0][0]
        if self._handle is not None:
            if self._wakes <= first:
                return 0
            self._handle.cancel()
        self._wakes = first
        self._handle = self._loop.call_at(first, self._turn)
        return 0

    def _turn(self):
        """Write out what is due; what was written out before, and gathered anew, waits on."""
        cdef Gatherer gatherer
        cdef double now = self._loop.time() + ROUNDING_S
        self._handle = None
        while self._queue and self._queue[0][0] <= now:
            gatherer = _pop(self._queue)[2]
            gatherer.waiting = False
            if not gatherer.gathering:
                continue
            if gatherer.due > now:
                self.add(gatherer)
                continue
            try:
                gatherer.release()
            except Exception:
                _log.exception("gathered text could not be written")
        self._set_timer()
