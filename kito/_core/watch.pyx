"""Watch: looks for the end of a client whose input is not read.

A transport that does not read does not see the end of its client either, and an
open stream would run on for nobody: a client may send more requests behind it
than are held.
"""

import logging

from cpython.object cimport PyObject

from kito._core.clock cimport init_deadline, unlink
from kito._core.connection cimport Connection
from kito._core.socket_options cimport has_ended

_log = logging.getLogger("kito")

cdef enum:
    LOOK_TICKS = 1


cdef class Watch(Timed):
    """One connection whose reading is paused."""

    def __cinit__(self):
        init_deadline(&self.deadline, <PyObject*>self, 0)

    def __dealloc__(self):
        unlink(&self.deadline)

    cdef int start(self, Connection connection) except -1:
        self.connection = connection
        connection.state.clock.arm(&self.deadline, LOOK_TICKS)
        return 0

    cdef void stop(self) noexcept:
        if self.connection is not None:
            self.connection.state.clock.disarm(&self.deadline)
        self.connection = None

    cdef void on_deadline(self, int kind) noexcept:
        cdef Connection connection = self.connection
        try:
            if connection is None or connection.transport is None:
                self.stop()
            elif connection.streaming and not connection.current.serves_half_closed and has_ended(connection.transport):
                connection.lose("client_left")
            else:
                connection.state.clock.arm(&self.deadline, LOOK_TICKS)
        except Exception:
            _log.exception("a client whose input is not read could not be looked for")
