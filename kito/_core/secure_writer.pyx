"""SecureWriter: corked output of a connection of TLS, handed over in slices.

A TLS transport passes everything that it is given on to the transport below it at once, and counts it no more: neither
backpressure nor deadlines would see it, and a closing that takes longer than its timeout would cut it off. So it is given
a little at a time, and the rest waits here, where it is counted.
"""

cdef enum:
    SLICE_BYTES = 131072          # of one write
    TURN_SLICES = 2               # in one turn of the loop: that a connection is lost is told in the next


cdef class SecureWriter(TransportWriter):
    """The output side of one connection of TLS."""

    cdef int flush(self) except -1:
        cdef Py_ssize_t pending = self.pending()
        if self.transport is None or self.held or pending == 0:
            return 0
        if not self.paused:
            return self._feed()
        if pending > self.waiting and (
                self.waiting + <Py_ssize_t>self.transport.get_write_buffer_size() > self.max_backlog):
            self.owner.on_overflow()
        if self.transport is not None:
            self.waiting = self.pending()
        return 0

    cdef int resume(self) except -1:
        self.paused_below = False
        if self.held:
            return 0
        self.paused = False
        if self.waiting:
            return self._feed()
        self._wake()
        return 0

    cdef int _feed(self) except -1:
        cdef bytes single = self._gather()
        cdef list pieces = self.segments
        cdef Py_ssize_t index = 0, start = 0, slices = 0, size
        if pieces is None:
            pieces = self.segments = []
        if single:
            pieces.append(single)
            self.segment_bytes += len(single)
        while index < len(pieces) and not self.paused and slices < TURN_SLICES and not self.transport.is_closing():
            size = min(len(pieces[index]) - start, <Py_ssize_t>SLICE_BYTES)
            slices += 1
            self.bytes_out += size
            self.turn_bytes += size
            self.segment_bytes -= size
            self._transport_write(memoryview(pieces[index])[start:start + size])
            if self.transport is None:
                return 0
            start += size
            if start == len(pieces[index]):
                index += 1
                start = 0
        return self._keep(pieces, index, start)

    cdef int _keep(self, list pieces, Py_ssize_t index, Py_ssize_t start) except -1:
        """What is behind `start` of the piece at `index` waits for room, or for the next turn."""
        if index < len(pieces) and not self.transport.is_closing():
            pieces = pieces[index:]
            if start:
                pieces[0] = memoryview(pieces[0])[start:]
            self.segments = pieces
            self.waiting = self.segment_bytes
            if not self.paused and not self.listed:
                self.cork.enlist(self)
            return 0
        self.segments = None
        self.segment_bytes = self.waiting = 0
        if not self.paused:
            self._wake()
            if self.tells_drained:
                self.owner.on_drained()
        return 0
