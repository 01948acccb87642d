"""Finder: from the target of a request to the endpoint that answers it."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeLatin1
from libc.string cimport memchr

from kito._core.endpoint cimport Endpoint
from kito._core.exchange cimport Exchange


cdef class Finder:
    """Looks a path up as it is on the wire, and asks `match(method, path)` for the ones with parameters."""

    def set_routes(self, dict static_routes, match, find=None):
        """Replace the table of exact paths, method bytes -> raw path bytes -> Endpoint, and what finds the others.

        Where hosts count, `find(request)` is asked instead of `match`.
        """
        self.static_routes = static_routes
        self.match = match
        self.find = find

    cdef Endpoint route(self, Exchange exchange):
        exchange.endpoint = self._static(exchange)
        if exchange.endpoint is None:
            exchange.endpoint = self._matched(exchange)
        return exchange.endpoint

    cdef Endpoint _static(self, Exchange exchange):
        cdef const char* target = PyBytes_AS_STRING(exchange.target)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(exchange.target)
        cdef const char* query
        cdef PyObject* found = PyDict_GetItemWithError(self.static_routes, exchange.method)
        if found is NULL:
            return None
        query = <const char*>memchr(target, c"?", size)
        if query is NULL:
            found = PyDict_GetItemWithError(<object>found, exchange.target)
        else:
            path = PyBytes_FromStringAndSize(target, query - target)
            found = PyDict_GetItemWithError(<object>found, path)
        return None if found is NULL else <Endpoint>found

    cdef Endpoint _matched(self, Exchange exchange):
        cdef const char* target = PyBytes_AS_STRING(exchange.target)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(exchange.target)
        cdef const char* query = <const char*>memchr(target, c"?", size)
        if self.find is not None:
            return self._found(exchange)
        path = PyUnicode_DecodeLatin1(target, size if query is NULL else query - target, NULL)
        method = PyUnicode_DecodeLatin1(PyBytes_AS_STRING(exchange.method), PyBytes_GET_SIZE(exchange.method), NULL)
        route, params, _ = self.match(method, path)
        if route is None:
            return None
        exchange.params = params
        return route.endpoint

    cdef Endpoint _found(self, Exchange exchange):
        return None
