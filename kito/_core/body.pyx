"""RequestBody: a body that its handler reads while it arrives.

The connection puts in what the parser finds, the handler's task takes it out.
What is not taken is bounded: from `high_water` on the connection reads no more,
and the client's own sending stops (TCP's flow control reaches to the producer).
"""

import asyncio
import logging

from cpython.bytes cimport PyBytes_GET_SIZE
from cpython.object cimport PyObject
from libc.stdint cimport INT64_MAX, int64_t

from kito._core.clock cimport init_deadline, unlink
from kito._core.debug cimport LIVE_BODIES, count_live

from kito.errors import BodyTooLarge, ResponseEnded

_log = logging.getLogger("kito")

cdef enum:
    PIECE_BYTES = 64              # what a piece costs beside its bytes: many small chunks are no small thing


cdef class BodySource(Timed):
    """Where a body comes from."""

    # Abstract, which Cython cannot say: who forgets one hears of it with the first call.
    cdef int body_wanted(self) except -1:
        raise NotImplementedError

    cdef int body_taken(self) except -1:
        raise NotImplementedError

    cdef int body_late(self) except -1:
        raise NotImplementedError


cdef class RequestBody(Timed):
    """The body of a request, an asynchronous iterator of bytes.

    Each step gives everything that has arrived since the last one, never b"".
    It raises `ConnectionClosed` when the client leaves in the middle, `BodyTooLarge`,
    `RequestTimeout` or `BadRequest` for what else goes wrong with the body,
    `ResponseEnded` behind the end of the response, and `RuntimeError` when
    another task is reading.
    """

    def __cinit__(self):
        self.pieces = []
        self.length = -1
        self.limit = self.whole_limit = INT64_MAX
        self.full_since = -1
        init_deadline(&self.deadline, <PyObject*>self, 0)
        count_live(LIVE_BODIES, 1)

    def __dealloc__(self):
        unlink(&self.deadline)
        count_live(LIVE_BODIES, -1)

    cdef int start(self) except -1:
        self.since = self.clock.tick
        if self.ticks:
            self.clock.arm(&self.deadline, self.ticks)
        return 0

    cdef int put(self, bytes piece) except -1:
        cdef Py_ssize_t size = PyBytes_GET_SIZE(piece)
        self.wants_continue = False
        self.received += size
        if self.dropping:
            self.dropped += size
            if self.dropped > self.drop_limit:
                raise BodyTooLarge("the rest of the body is more than is read for nobody")
            return 0
        if self.received > self.limit:
            raise BodyTooLarge(f"the body is larger than the {self.limit} bytes that are read")
        self.pieces.append(piece)
        self.weight += size + PIECE_BYTES
        if self.ticks:
            self.clock.arm(&self.deadline, self.ticks)
        if self.full_since < 0 and self.is_full():
            self.full_since = self.clock.tick
        return self._wake()

    cdef int finish(self) except -1:
        if self.source is not None:
            self.source = None
            self.clock.disarm(&self.deadline)
        return self._wake()

    cdef int fail(self, object error) except -1:
        if self.source is None:
            return 0
        if self.error is None:
            self.error = error
        return self.finish()

    cdef int drop(self) except -1:
        self.error = ResponseEnded("the response has ended: what was left of the body is not read any more")
        self.dropping = True
        self.pieces = []
        self.weight = 0
        self.full_since = -1
        self.clock.disarm(&self.deadline)
        return self._wake()

    cdef int want(self) except -1:
        if self.wants_continue and self.source is not None:
            self.wants_continue = False
            self.source.body_wanted()
            self.start()
        return 0

    cdef bint is_full(self) noexcept:
        return self.weight >= self.high_water

    cdef bint drips(self) noexcept:
        cdef int64_t age = self.clock.tick - self.since
        return self.full_since < 0 and age > self.rate_ticks and self.received < age * self.rate

    cdef bint is_too_much(self) noexcept:
        return self.source is not None and self.length - self.received > self.drop_limit

    cdef void on_deadline(self, int kind) noexcept:
        if self.source is None:
            return
        if self.wants_continue or self.full_since >= 0:
            self.clock.arm(&self.deadline, self.ticks)      # it is us who keep the client from sending
            return
        try:
            self.source.body_late()
        except Exception:
            _log.exception("a deadline could not be enforced")

    cdef int _wake(self) except -1:
        if self.waiter is not None and not self.waiter.done():
            self.waiter.set_result(None)
        return 0

    cdef object _take(self):
        """Everything that has arrived; the client may send on."""
        cdef list pieces = self.pieces
        self.pieces = []
        self.weight = 0
        self.taken = True
        if self.full_since >= 0:
            self.since += self.clock.tick - self.full_since
            self.full_since = -1
            self._read_on()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    cdef int _read_on(self) except -1:
        """Let the client send again behind a pause of ours."""
        if self.source is None:
            return 0
        if self.ticks:
            self.clock.arm(&self.deadline, self.ticks)
        return self.source.body_taken()

    async def next_piece(self):
        """Everything that has arrived and was not taken yet; b"" behind the end of the body."""
        if self.waiter is not None:
            raise RuntimeError("another task is reading this body already")
        while not self.pieces:
            if self.error is not None:
                raise self.error.with_traceback(None)
            if self.source is None:
                return b""
            self.want()
            self.waiter = asyncio.get_running_loop().create_future()
            try:
                await self.waiter
            finally:
                self.waiter = None
        return self._take()

    async def read_whole(self):
        """The rest of the body in one piece; `BodyTooLarge` when that is more than is kept."""
        cdef list pieces = []
        cdef int64_t size = 0
        while piece := await self.next_piece():
            size += len(piece)
            if size > self.whole_limit:
                raise BodyTooLarge(f"the body is larger than the {self.whole_limit} bytes that are read at once")
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def __aiter__(self):
        return self

    async def __anext__(self):
        piece = await self.next_piece()
        if not piece:
            raise StopAsyncIteration
        return piece


cdef RequestBody body_of(bytes whole):
    cdef RequestBody body = RequestBody.__new__(RequestBody)
    if whole:
        body.pieces.append(whole)
    return body
