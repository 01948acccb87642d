"""Finder: from the target of a request to the endpoint that answers it.

An exact path is found in a table. A path with parameters is followed through a tree by the first choice at each segment,
which is nearly always the right one; where it is not, the facade's `match` searches.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.dict cimport PyDict_GetItemWithError
from cpython.list cimport PyList_GET_ITEM
from cpython.object cimport PyObject
from cpython.unicode cimport PyUnicode_DecodeLatin1
from libc.string cimport memchr

from kito._core.endpoint cimport Endpoint
from kito._core.exchange cimport Exchange
from kito._core.grammar cimport same_bytes


cdef enum:
    RECENT_TARGETS = 64           # whose endpoints are remembered
    RECENT_WORDS = 3              # of each: method, target, endpoint


cdef class Branch:
    """A place in the tree of paths: `static` by segment, `param` behind any other, `ends` by method; see `RouteTable`."""

    def __init__(self, dict static not None, Branch param, dict ends not None):
        self.static = static
        self.param = param
        self.ends = ends

    cdef Branch follow(self, const char* segment, Py_ssize_t size, list values):
        cdef PyObject* child = NULL
        if self.static:
            child = PyDict_GetItemWithError(self.static, PyBytes_FromStringAndSize(segment, size))
        if child is not NULL:
            return <Branch>child
        if self.param is None or size == 0:
            return None
        values.append(PyUnicode_DecodeLatin1(segment, size, NULL))
        return self.param

    cdef Endpoint arrive(self, Exchange exchange, list values):
        cdef PyObject* found = PyDict_GetItemWithError(self.ends, exchange.method)
        cdef tuple names
        cdef Py_ssize_t index
        if found is NULL:
            return None
        endpoint, names = <tuple>found
        exchange.params = {}
        for index in range(len(names)):
            exchange.params[names[index]] = values[index]
        return endpoint


cdef class Finder:
    """Looks a path up as it is on the wire, and asks `match(method, path)` for the ones with parameters."""

    def set_routes(self, dict static_routes, match, find=None, Branch tree=None):
        """Replace the table of exact paths, method bytes -> raw path bytes -> Endpoint, and what finds the others.

        `tree` is followed before `match` is asked. Where hosts count, `find(request)` is asked instead of both.
        """
        self.tree = tree
        self.static_routes = static_routes
        self._recent = [None] * (RECENT_TARGETS * RECENT_WORDS)
        self.match = match
        self.find = find

    cdef Endpoint route(self, Exchange exchange):
        exchange.endpoint = self._static(exchange)
        if exchange.endpoint is None:
            exchange.endpoint = self._matched(exchange)
        return exchange.endpoint

    cdef Endpoint _static(self, Exchange exchange):
        """An exact path: one of those asked for lately, which spares its hash, or one of the table."""
        cdef bytes target = exchange.target
        cdef Py_ssize_t place = _place(target)
        if PyList_GET_ITEM(self._recent, place) is <PyObject*>exchange.method and same_bytes(
                <bytes>PyList_GET_ITEM(self._recent, place + 1), target):
            return <Endpoint>PyList_GET_ITEM(self._recent, place + 2)
        return self._listed(exchange.method, target, place)

    cdef Endpoint _listed(self, bytes method, bytes target, Py_ssize_t place):
        cdef const char* text = PyBytes_AS_STRING(target)
        cdef const char* query = <const char*>memchr(text, c"?", PyBytes_GET_SIZE(target))
        cdef PyObject* found = PyDict_GetItemWithError(self.static_routes, method)
        if found is NULL:
            return None
        path = target if query is NULL else PyBytes_FromStringAndSize(text, query - text)
        found = PyDict_GetItemWithError(<object>found, path)
        if found is NULL:
            return None
        if query is NULL:
            self._recent[place:place + RECENT_WORDS] = (method, target, <Endpoint>found)
        return <Endpoint>found

    cdef Endpoint _matched(self, Exchange exchange):
        cdef const char* target = PyBytes_AS_STRING(exchange.target)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(exchange.target)
        cdef const char* query = <const char*>memchr(target, c"?", size)
        cdef Endpoint endpoint
        if self.find is not None:
            return self._found(exchange)
        if query is not NULL:
            size = query - target
        endpoint = self._followed(exchange, target, size)
        if endpoint is not None:
            return endpoint
        path = PyUnicode_DecodeLatin1(target, size, NULL)
        method = PyUnicode_DecodeLatin1(PyBytes_AS_STRING(exchange.method), PyBytes_GET_SIZE(exchange.method), NULL)
        route, params, _ = self.match(method, path)
        if route is None:
            return None
        exchange.params = params
        return route.endpoint

    cdef Endpoint _followed(self, Exchange exchange, const char* path, Py_ssize_t size):
        """Take the first choice at each segment; None where that is not all there is to it."""
        cdef Branch branch = self.tree
        cdef list values = []
        cdef const char* slash
        cdef Py_ssize_t start = 1
        cdef Py_ssize_t end
        if path[0] != c"/" or memchr(path, c"%", size) is not NULL:
            return None
        while branch is not None and start <= size:
            slash = <const char*>memchr(path + start, c"/", size - start)
            end = size if slash is NULL else slash - path
            branch = branch.follow(path + start, end - start, values)
            start = end + 1
        return None if branch is None else branch.arrive(exchange, values)

    cdef Endpoint _found(self, Exchange exchange):
        return None


cdef Py_ssize_t _place(bytes target) noexcept:
    """Where a target is remembered: a cheap hash, whose collisions cost a look into the table."""
    cdef const unsigned char* text = <const unsigned char*>PyBytes_AS_STRING(target)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(target)
    return (size + 5 * text[size - 1] + 17 * text[size // 2]) % RECENT_TARGETS * RECENT_WORDS
