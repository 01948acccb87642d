"""ServerState: what all connections of one loop share."""

from kito._core.clock cimport Clock
from kito._core.dispatch cimport Dispatcher
from kito._core.tally cimport Tally
from kito._core.writer cimport Cork

cdef enum:
    LINGER_S = 1                  # how long a closing connection discards input


cdef class ServerState:
    """Clock, cork, limits and totals of the connections of one loop.

    `limits` and `timeouts` are `kito.Limits` and `kito.Timeouts`; `tick_s` is the
    resolution of every deadline in seconds.
    """

    def __init__(self, loop, Dispatcher dispatcher not None, limits, timeouts, *, double tick_s=1.0):
        self.loop = loop
        self.dispatcher = dispatcher
        self.clock = Clock(tick_s)
        self.cork = Cork()
        self.tally = Tally()
        self.connections = set()
        self.sets_nodelay = not type(loop).__module__.startswith("uvloop")
        self._take_limits(limits)
        self._take_timeouts(timeouts)

    def start(self):
        """Begin to keep time and to flush."""
        self.clock.start(self.loop)
        self.cork.open(self.loop)

    def stop(self):
        """Keep no more time; what is pending is flushed. Connections must be gone or aborted."""
        self.cork.close()
        self.clock.stop()
        self.spare_reader = None
        self.spare_readers = 0

    cdef int forget(self, object connection) except -1:
        self.connections.discard(connection)
        if not self.connections and self.on_empty is not None:
            on_empty, self.on_empty = self.on_empty, None
            on_empty()
        return 0

    def _take_limits(self, limits):
        self.url_size = limits.url_size
        self.head_size = limits.head_size
        self.header_count = limits.header_count
        self.trailer_size = limits.trailer_limit()
        self.extension_size = limits.chunk_extensions
        self.body_size = limits.body_size
        self.high_water = limits.high_water
        self.max_backlog = limits.max_backlog
        self.unread_body = limits.unread_body
        self.pipeline = limits.pipeline
        self.connection_limit = limits.connection_limit()

    def _take_timeouts(self, timeouts):
        self.head_ticks = self._ticks(timeouts.head)
        self.body_ticks = self._ticks(timeouts.body)
        self.body_rate = timeouts.body_rate * self.clock.tick_s
        self.body_rate_ticks = self._ticks(timeouts.body_rate_after)
        self.keep_alive_ticks = self._ticks(timeouts.keep_alive)
        self.write_ticks = self._ticks(timeouts.write)
        self.handler_ticks = self._ticks(timeouts.handler)
        self.cleanup_ticks = self._ticks(timeouts.cleanup)
        self.one_shot = timeouts.keep_alive == 0
        self.linger_ticks = self.clock.ticks(LINGER_S)

    def _ticks(self, seconds):
        return 0 if seconds is None else max(self.clock.ticks(seconds), 1)
