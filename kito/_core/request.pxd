"""Request: what the client sent, as the handler sees it."""

from kito._core.exchange cimport Exchange


cdef class Request:
    cdef Exchange exchange        # set by the dispatcher that makes it, never changed
    # Views that the facade makes on first use, None before.
    cdef public object _headers
    cdef public object _query
    cdef public object _cookies
    cdef public object _ctx
    cdef public object _form      # FormData, once it was asked for
    cdef public dict _checked      # parts by name as validation made them, they stand for the raw ones; None: none
    # The response of the same exchange; None until the handler's caller asked for this request.
    cdef public object _response
