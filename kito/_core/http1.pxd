"""Http1Connection: the asyncio protocol that serves HTTP/1 on one transport."""

cimport cython
from kito._core.body cimport RequestBody
from kito._core.connection cimport Connection
from kito._core.http1_exchange cimport Http1Exchange
from kito._core.reader cimport Http1Reader
from kito._core.watch cimport Watch


@cython.final
cdef class Http1Connection(Connection):
    # Borrowed from the state's pool while any part of a request is here, else None.
    cdef Http1Reader reader
    # A body that its handler reads as it arrives, while it does; else None. Nothing is held beside it.
    cdef RequestBody inbound
    cdef bint serving             # inside _serve(): it goes on with the next exchange itself
    cdef bint unread              # input lies behind the request that is being served
    cdef bint served              # an exchange was begun since the last rest
    # Input that came while an exchange ran, unparsed, None while there is none.
    cdef list held
    cdef Py_ssize_t held_bytes
    cdef Py_ssize_t held_requests # at most: empty lines in it, of which each request has one
    cdef bint reading_paused      # by us, for held input
    cdef Watch watch              # while it is, else None
    cdef bint resuming            # _resume() is in the loop's queue

    # The steps of input, in order.
    cdef int _take(self, object data) except -1
    cdef int _consume(self, bytes data) except -1
    cdef int _serve(self) except -1
    cdef int _rest(self) except -1
    # Beside them:
    cdef int _return_reader(self) except -1
    cdef int _hold(self, bytes data) except -1
    cdef bint _can_serve(self) noexcept
    cdef bint _can_read(self) noexcept
    cdef int _pause_reading(self) except -1
    cdef int _read_on(self) except -1
    cdef int _body_came(self) except -1
    cdef bint _has_work(self) noexcept
    cdef int _resume_soon(self) except -1
    cdef int _answer_failure(self, Http1Exchange exchange) except -1
    cdef int _say_continue(self) except -1
    cdef bint _body_drips(self) noexcept
