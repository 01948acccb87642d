"""Response: status, fields and the ways to answer that every request may take."""

from kito._core.coding cimport Coding
from kito._core.encoder cimport ResponseHead
from kito._core.exchange cimport Exchange
from kito._core.flow cimport StreamFlow


cdef class Response(ResponseHead):
    cdef Exchange exchange        # set by the dispatcher for one request, never changed while anybody can see it
    cdef list _on_head            # called before the head is written, the last one first; None: nobody waits for it
    # Awaited once the handler has returned without an answer, then it answers; None: nothing does.
    cdef public object _later
    cdef Coding _coding           # of the body, None: as it is

    cdef bint _opening            # the head that is being written is that of a stream

    # As good as new, for another request; only of a response that nobody else holds.
    cdef void retire(self) noexcept
    cdef void _forget(self) noexcept
    # Write the head, and the whole body; or open the body. What waits for the head is called first.
    cdef int commit(self, const char* body, Py_ssize_t size, object owner) except -1
    cdef int commit_open(self, bint events, StreamFlow flow) except -1
    cdef int _tell_head(self) except -1
    cdef int _announce_coding(self) except -1
    cdef int _send_coded(self, const char* body, Py_ssize_t size) except -1
    cdef int answer(self, object body, bytes default_type) except -1
    cdef int _must_be_open(self) except -1
