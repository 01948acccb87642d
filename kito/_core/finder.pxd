"""Finder: from the target of a request to the endpoint that answers it."""

from kito._core.endpoint cimport Endpoint
from kito._core.exchange cimport Exchange


cdef class Finder:
    # What the facade supplies, and replaces when routes change.
    cdef dict static_routes       # method -> raw path -> Endpoint
    cdef object match             # (method, path) -> (route, params, ...): route has an endpoint, or is None
    cdef list _recent             # method, target, endpoint of exact paths that were asked for lately, or None three times
    cdef object find              # (request) -> the same, where hosts count; None: only method and path do

    # The endpoint of a request's own route, None: it has none. May raise BadRequest.
    cdef Endpoint route(self, Exchange exchange)
    cdef Endpoint _static(self, Exchange exchange)
    cdef Endpoint _listed(self, bytes method, bytes target, Py_ssize_t place)
    cdef Endpoint _matched(self, Exchange exchange)
    cdef Endpoint _found(self, Exchange exchange)
