"""Response: status, fields and the ways to answer that every request may take."""

from kito._core.encoder cimport ResponseHead
from kito._core.exchange cimport Exchange


cdef class Response(ResponseHead):
    cdef Exchange exchange        # set by the dispatcher that makes it, never changed

    cdef int answer(self, object body, bytes default_type) except -1
    cdef int _must_be_open(self) except -1
