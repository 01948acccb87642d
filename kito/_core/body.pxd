"""RequestBody: a body that its handler reads while it arrives."""

from libc.stdint cimport int64_t

from kito._core.clock cimport Clock, Deadline, Timed


# Where a body comes from: its connection, as the body knows it.
cdef class BodySource(Timed):
    # A handler wants a body whose client waits to be told (RFC 9110 section 10.1.1).
    cdef int body_wanted(self) except -1
    # What had arrived was taken: there is room for more.
    cdef int body_taken(self) except -1
    # The client has not sent enough in time.
    cdef int body_late(self) except -1


cdef class RequestBody(Timed):
    # Whom to ask for more; None once nothing more comes, for whatever reason.
    cdef BodySource source
    cdef Clock clock
    cdef list pieces              # arrived and not taken yet
    cdef Py_ssize_t weight        # bytes of `pieces`, their objects included
    cdef Py_ssize_t high_water    # weight from which no more is read
    cdef int64_t received         # bytes of the body so far
    cdef int64_t length           # as declared, -1: not at all
    cdef int64_t limit            # bytes the body may have
    cdef int64_t whole_limit      # bytes that read() keeps
    cdef object error             # why the body will never be whole, None while nothing is wrong
    cdef object waiter            # future of the task that reads, None while none waits
    cdef bint wants_continue      # the client waits to be told that its body is wanted
    cdef bint taken               # a part was given to the handler
    cdef bint dropping            # nobody reads it any more: what comes is thrown away
    cdef int64_t dropped          # bytes thrown away
    cdef int64_t drop_limit       # bytes that may be
    # Time: `ticks` without a byte (0: any), and `rate` bytes a tick on average after `rate_ticks`.
    cdef Deadline deadline        # armed while the client is to send
    cdef int64_t ticks
    cdef int64_t rate_ticks
    cdef double rate
    cdef int64_t since            # tick from which the average is taken, pauses of ours left out
    cdef int64_t full_since       # tick at which the body became full, -1: it is not

    # Time runs from now on, unless the client waits for us.
    cdef int start(self) except -1
    # The reader's side: a piece, the end, or the reason why there is none. put() raises BodyTooLarge.
    cdef int put(self, bytes piece) except -1
    cdef int finish(self) except -1
    cdef int fail(self, object error) except -1
    # The response is over: up to `drop_limit` bytes more are thrown away to keep the connection.
    cdef int drop(self) except -1
    # Let the client send, where it waits to be told.
    cdef int want(self) except -1
    cdef bint is_full(self) noexcept
    cdef bint drips(self) noexcept
    # More of it is announced than would be thrown away.
    cdef bint is_too_much(self) noexcept
    cdef int _wake(self) except -1
    cdef object _take(self)
    cdef int _read_on(self) except -1


# A body that is here already, to be read in the same way.
cdef RequestBody body_of(bytes whole)
