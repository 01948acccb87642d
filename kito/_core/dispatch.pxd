"""Dispatcher: from a complete request to a settled answer, for every protocol alike."""

from kito._core.endpoint cimport Endpoint
from kito._core.exchange cimport Exchange
from kito._core.response cimport Response
from kito._core.request cimport Request


cdef class Dispatcher:
    # What the facade supplies; all fixed before the first request.
    cdef dict static_routes       # method -> raw path -> Endpoint
    cdef object match             # (method, path) -> (route, params, ...): route has an endpoint, or is None
    cdef object resolve           # (req) -> Endpoint, where no route matches; may raise
    cdef object request_class
    cdef object response_class
    cdef object report            # (req, res, error): answers with the error's response, or logs
    cdef object pump              # (endpoint, res, source) -> coroutine
    cdef readonly object loop
    cdef bint debug
    # Tasks of running handlers and their exchanges, so that stopping can cancel and await them.
    cdef readonly dict tasks

    cdef int dispatch(self, Exchange exchange) except -1
    # The endpoint of a request's own route, None: it has none. May raise BadRequest.
    cdef Endpoint route(self, Exchange exchange)
    # The steps, in order.
    cdef Endpoint _static(self, Exchange exchange)
    cdef Endpoint _matched(self, Exchange exchange)
    cdef Request _request(self, Exchange exchange, Response response)
    cdef void _settled(self, Exchange exchange) noexcept
    cdef object _invoke(self, Endpoint endpoint, Request request, Response response)
    cdef object _work(self, Endpoint endpoint, Response response, object outcome)
    cdef int _deliver(self, Response response, object value) except -1
    cdef int _settle(self, Endpoint endpoint, Exchange exchange, Response response, object outcome, object context) except -1
    cdef int _start(self, Exchange exchange, Response response, object coroutine, object context) except -1
    cdef int _returned(self, Exchange exchange, Response response, object value) except -1
    cdef int _answer_later(self, Exchange exchange, Response response) except -1
    cdef int _failed(self, Exchange exchange, Response response, object error) except -1
    cdef int _answer_error(self, Exchange exchange, Response response, object error) except -1
