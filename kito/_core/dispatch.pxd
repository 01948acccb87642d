"""Dispatcher: from a complete request to a settled answer, for every protocol alike."""

cimport cython
from kito._core.endpoint cimport Endpoint
from kito._core.exchange cimport Exchange
from kito._core.finder cimport Finder
from kito._core.response cimport Response
from kito._core.request cimport Request


@cython.final
cdef class Dispatcher(Finder):
    # What the facade supplies; all fixed before the first request.
    cdef object resolve           # (req) -> Endpoint, where no route matches; may raise
    cdef object request_class
    cdef object response_class
    cdef object report            # (req, res, error): answers, or returns what has to be awaited for the answer
    cdef object observe           # (req, error): is told of what fails after the head
    cdef object pump              # (endpoint, res, source) -> coroutine
    cdef readonly object loop
    cdef bint debug
    # Tasks of running handlers and their exchanges, so that stopping can cancel and await them.
    cdef readonly dict tasks
    # Tasks that belong to no handler, such as what closes behind one; stopping awaits them too.
    cdef readonly set helpers

    # A response that nobody holds any more, for the next request; None while there is none.
    cdef Response _spare

    cdef int dispatch(self, Exchange exchange) except -1
    # The steps, in order.
    cdef Response _respond(self, Exchange exchange)
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
    # Answer for a request that the protocol refuses, or whose handler is late.
    cdef int refuse(self, Exchange exchange, object error) except -1
    cdef int _close_error(self, Exchange exchange, Response response, bint failed) except -1
    cdef int _answer_error(self, Exchange exchange, Response response, object error) except -1
