"""Finder: from the target of a request to the endpoint that answers it."""

from kito._core.endpoint cimport Endpoint
from kito._core.exchange cimport Exchange


# A place in the tree of paths with parameters, as far as the first choice at each segment leads. Never changed.
cdef class Branch:
    cdef dict static              # segment -> Branch
    cdef Branch param             # behind any other segment; None: nothing is, or there is more than one choice
    cdef dict ends                # method -> (Endpoint, names of the parameters)

    # The branch behind a segment, None: not by a first choice. Appends what the segment is for a parameter.
    cdef Branch follow(self, const char* segment, Py_ssize_t size, list values)
    # The endpoint of a path that ends here, None: of no first choice.
    cdef Endpoint arrive(self, Exchange exchange, list values)


cdef class Finder:
    # What the facade supplies, and replaces when routes change.
    cdef dict static_routes       # method -> raw path -> Endpoint
    cdef Branch tree              # of the paths with parameters, None: there are none, or hosts count
    cdef object match             # (method, path) -> (route, params, ...): route has an endpoint, or is None
    cdef list _recent             # method, target, endpoint of exact paths that were asked for lately, or None three times
    cdef object find              # (request) -> the same, where hosts count; None: only method and path do

    # The endpoint of a request's own route, None: it has none. May raise BadRequest.
    cdef Endpoint route(self, Exchange exchange)
    cdef Endpoint _static(self, Exchange exchange)
    cdef Endpoint _listed(self, bytes method, bytes target, Py_ssize_t place)
    cdef Endpoint _matched(self, Exchange exchange)
    cdef Endpoint _followed(self, Exchange exchange, const char* path, Py_ssize_t size)
    cdef Endpoint _found(self, Exchange exchange)
