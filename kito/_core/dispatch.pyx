"""Dispatcher: from a complete request to a settled answer, for every protocol alike.

The steps of a request: route, invoke, settle; a coroutine becomes a Task
between the last two. Whatever a handler does, the exchange ends: answered,
streaming in somebody's hands, failed with a status, or aborted.
"""

import asyncio
import inspect
import logging
import sys
import types
import warnings

cimport cython
from cpython.time cimport monotonic
from cpython.object cimport PyObject

from kito._core.common cimport (
    CALL_CTX, CALL_NONE, CALL_REQ, CALL_REQ_RES, CALL_RES, CALL_RES_REQ,
    EXCHANGE_ABORTED, EXCHANGE_ENDED, EXCHANGE_OPEN, EXCHANGE_STREAMING,
)
from kito._core.endpoint cimport Endpoint
from kito._core.exchange cimport Exchange
from kito._core.finder cimport Finder
from kito._core.request cimport Request
from kito._core.response cimport Response

from kito.errors import ConnectionClosed, NothingAnswered, RemoteProtocolError, error_document

cdef extern from "Python.h":
    object PyContext_CopyCurrent()
    int PyContext_Enter(object context) except -1
    int PyContext_Exit(object context) except -1

cdef extern from *:
    """
    static CYTHON_INLINE PyObject* kito_new(PyObject* cls, PyObject* no_args) {
        return ((PyTypeObject*)cls)->tp_new((PyTypeObject*)cls, no_args, NULL);
    }
    """
    object kito_new(object cls, object no_args)

cdef extern from *:
    """
    /* Whether the caller holds the only reference. Free-threaded builds count in two places: there, never. */
    #if defined(Py_GIL_DISABLED)
    #define kito_unshared(object) 0
    #else
    #define kito_unshared(object) (Py_REFCNT(object) == 1)
    #endif
    """
    bint kito_unshared(Response response) noexcept

# What a client does is no failure of the handler that meets it.
cdef tuple _NO_FAILURES = (ConnectionClosed, RemoteProtocolError, asyncio.CancelledError)

_log = logging.getLogger("kito")

cdef tuple NO_ARGS = ()
cdef object _coroutine_type = types.CoroutineType
cdef object _generator_types = (types.GeneratorType, types.AsyncGeneratorType)
cdef bint EAGER = sys.version_info >= (3, 12)


@cython.freelist(64)
cdef class Completion:
    """Called when a handler's task is done."""
    cdef Dispatcher dispatcher
    cdef Exchange exchange
    cdef Response response

    def __call__(self, task):
        self.dispatcher.tasks.pop(task, None)
        self.exchange.task = None
        if task.cancelled():
            self.dispatcher._failed(self.exchange, self.response, asyncio.CancelledError())
            return
        error = task.exception()
        if error is not None:
            self.dispatcher._failed(self.exchange, self.response, error)
        else:
            self.dispatcher._returned(self.exchange, self.response, task.result())


cdef class Dispatcher(Finder):
    """Routes, runs and settles requests for one loop.

    `match(method, path)` finds the route of a request that no static route takes;
    `resolve(req)` returns an Endpoint where there is none, or raises; `report(req, res, error)` answers for an
    error before the head, or returns a coroutine that does; `observe(req, error)` is told of one after it;
    `pump(endpoint, res, source)` is a coroutine that feeds a generator's items.
    """

    def __init__(self, loop, *, match, resolve, report, observe, pump, request_class, response_class, debug=False):
        self.loop = loop
        self.set_routes({}, match)
        self.resolve = resolve
        self.report = report
        self.observe = observe
        self.pump = pump
        self.request_class = request_class
        self.response_class = response_class
        self.debug = debug
        self.tasks = {}
        self.helpers = set()

    def cancel_tasks(self, str why):
        """Cancel every running handler that is not cleaning up already."""
        cdef Exchange exchange
        for exchange in list(self.tasks.values()):
            exchange.cancel_task(why)

    def run_helper(self, work):
        """Run a coroutine that belongs to no handler; the stop of the server waits for it. Returns its task."""
        task = self.loop.create_task(work)
        self.helpers.add(task)
        task.add_done_callback(self.helpers.discard)
        return task

    cdef int dispatch(self, Exchange exchange) except -1:
        cdef Request request = None
        cdef Response response = self._respond(exchange)
        cdef Endpoint endpoint
        exchange.enter(EXCHANGE_OPEN)
        exchange.handling = True
        exchange.tally.requests += 1
        context = PyContext_CopyCurrent()
        try:
            endpoint = exchange.endpoint
            if endpoint is None:
                endpoint = self.route(exchange)
            if endpoint is None:
                request = self._request(exchange, response)
                endpoint = exchange.endpoint = self.resolve(request)
            exchange.on_disconnect = endpoint.on_disconnect
            exchange.serves_half_closed = endpoint.serves_half_closed
            if request is None and (endpoint.kind > CALL_RES or endpoint.chain is not None):
                request = self._request(exchange, response)
            PyContext_Enter(context)
            try:
                if endpoint.chain is None:
                    outcome = self._invoke(endpoint, request, response)
                else:
                    outcome = endpoint.chain(self, endpoint, request)
            finally:
                PyContext_Exit(context)
            if outcome is None:
                self._returned(exchange, response, None)
                if kito_unshared(response):
                    response.retire()
                    self._spare = response
                return 0
            return self._settle(endpoint, exchange, response, outcome, context)
        except (Exception, asyncio.CancelledError) as error:
            return self._failed(exchange, response, error)

    cdef Response _respond(self, Exchange exchange):
        cdef Response response = self._spare
        if response is None:
            response = <Response>kito_new(self.response_class, NO_ARGS)
        else:
            self._spare = None
        response.exchange = exchange
        return response

    cdef Endpoint _found(self, Exchange exchange):
        cdef Request request = <Request>kito_new(self.request_class, NO_ARGS)
        request.exchange = exchange
        route, params, _ = self.find(request)
        if route is None:
            return None
        exchange.params = params
        return route.endpoint

    cdef Request _request(self, Exchange exchange, Response response):
        cdef Request request = <Request>kito_new(self.request_class, NO_ARGS)
        request.exchange = exchange
        exchange.request = request
        request._response = response
        return request

    cdef void _settled(self, Exchange exchange) noexcept:
        """The handler is done: no cycle of request, context and response outlives it."""
        cdef Request request = <Request>exchange.request
        exchange.handling = False
        if request is not None:
            exchange.request = request._ctx = request._response = None

    cdef object _invoke(self, Endpoint endpoint, Request request, Response response):
        if endpoint.kind == CALL_RES:
            return endpoint.call(response)
        if endpoint.kind == CALL_REQ_RES:
            return endpoint.call(request, response)
        if endpoint.kind == CALL_REQ:
            return endpoint.call(request)
        if endpoint.kind == CALL_RES_REQ:
            return endpoint.call(response, request)
        if endpoint.kind == CALL_NONE:
            return endpoint.call()
        if endpoint.kind == CALL_CTX:
            return endpoint.call(request.ctx)
        return endpoint.call(request, response)

    cdef object _work(self, Endpoint endpoint, Response response, object outcome):
        """The coroutine that what a handler returned stands for; None: it is a value."""
        if type(outcome) is _coroutine_type:
            return outcome
        if isinstance(outcome, _generator_types):
            return self.pump(endpoint, response, outcome)
        return _await(outcome) if inspect.isawaitable(outcome) else None

    cdef int _settle(self, Endpoint endpoint, Exchange exchange, Response response, object outcome, object context) except -1:
        work = self._work(endpoint, response, outcome)
        if work is None:
            return self._returned(exchange, response, outcome)
        return self._start(exchange, response, work, context)

    def perform(self, Endpoint endpoint, Request request):
        """Run a handler behind its middlewares: None when it is done, and what it returned is sent.

        Else a coroutine, whose outcome is to be given to `deliver`: then who waits sees that the response has started.
        """
        cdef Response response = <Response>request._response
        outcome = self._invoke(endpoint, request, response)
        if outcome is None and response._later is not None:
            outcome = response._later
            response._later = None
        if outcome is None:
            return None
        work = self._work(endpoint, response, outcome)
        if work is None:
            self._deliver(response, outcome)
        return work

    def deliver(self, Response response, value):
        """Answer with what a handler behind middlewares returned, or one of these itself."""
        self._deliver(response, value)

    cdef int _deliver(self, Response response, object value) except -1:
        if value is None or response.exchange.phase == EXCHANGE_ABORTED:
            return 0
        if response.exchange.phase == EXCHANGE_OPEN:
            response.send(value)
        else:
            _log.error("a handler answered and then returned %.200r: the value is dropped", value)
        return 0

    cdef int _start(self, Exchange exchange, Response response, object coroutine, object context) except -1:
        """Run `coroutine` as a Task: eagerly where Python can, unless the user chose a task factory."""
        cdef Completion completion
        exchange.started = monotonic()
        if EAGER and self.loop.get_task_factory() is None:
            task = asyncio.Task(coroutine, loop=self.loop, context=context, eager_start=True)
        else:
            task = self.loop.create_task(coroutine, context=context)
        completion = Completion.__new__(Completion)
        completion.dispatcher = self
        completion.exchange = exchange
        completion.response = response
        if task.done():
            completion(task)
            return 0
        exchange.task = task
        self.tasks[task] = exchange
        task.add_done_callback(completion)
        if exchange.unwanted:
            exchange.cancel_producer("the client left, or asked for no body")
        return 0

    cdef int _returned(self, Exchange exchange, Response response, object value) except -1:
        """The handler has returned `value`: the exchange is answered now or in somebody's hands."""
        self._settled(exchange)
        if value is not None:
            try:
                self._deliver(response, value)
            except Exception as error:
                return self._failed(exchange, response, error)
        if exchange.phase == EXCHANGE_OPEN:
            if response._later is not None:
                return self._answer_later(exchange, response)
            return self._failed(exchange, response, NothingAnswered(
                "the handler returned without an answer and kept no writer: call res.send(), return a value, "
                "or open a stream; or a middleware in front of it has neither answered nor called next()"))
        if exchange.phase == EXCHANGE_STREAMING and exchange.left_alone:
            if self.debug:
                warnings.warn("a handler returned without end() or close(): the stream was ended", ResourceWarning)
            exchange.end()
        return 0

    cdef int _answer_later(self, Exchange exchange, Response response) except -1:
        """The handler has left its answer to something that waits, such as for a file: run that as its task."""
        later = response._later
        response._later = None
        exchange.handling = True
        return self._start(exchange, response, _await(later), PyContext_CopyCurrent())

    cdef int _failed(self, Exchange exchange, Response response, object error) except -1:
        """The handler has raised `error`: a status before the head, truncation after it."""
        cdef Request request = <Request>exchange.request
        if exchange.phase == EXCHANGE_OPEN:
            return self._answer_error(exchange, response, error)
        if not isinstance(error, _NO_FAILURES):
            when = "its response was over" if exchange.phase == EXCHANGE_ENDED else "the head of its response"
            _log.error("a handler failed after %s", when, exc_info=error)
            self.observe(self._request(exchange, response) if request is None else request, error)
        self._settled(exchange)
        return exchange.crash() if exchange.phase == EXCHANGE_STREAMING else 0

    cdef int refuse(self, Exchange exchange, object error) except -1:
        cdef Request request = <Request>exchange.request
        cdef Response response
        if request is not None and request._response is not None:
            response = <Response>request._response
        else:
            response = self._respond(exchange)
        return self._answer_error(exchange, response, error)

    cdef int _answer_error(self, Exchange exchange, Response response, object error) except -1:
        cdef Request request = <Request>exchange.request
        failure = error if exchange.failing else None
        if request is None:
            request = self._request(exchange, response)
        exchange.handling = True
        if failure is None:
            exchange.failing = True
            try:
                outcome = self.report(request, response, error)
                if outcome is not None:
                    if exchange.task is None:
                        return self._start(exchange, response, outcome, PyContext_CopyCurrent())
                    outcome.close()
                    raise NothingAnswered("an async error handler cannot answer while the handler still runs")
            except Exception as second:
                failure = second
        if failure is not None:
            _log.error("an error handler failed", exc_info=failure)
        if exchange.task is None:
            self._settled(exchange)
        return self._close_error(exchange, response, failure is not None)

    cdef int _close_error(self, Exchange exchange, Response response, bint failed) except -1:
        """An error handler is done: if it has not answered, a plain 500 does."""
        if exchange.phase == EXCHANGE_OPEN:
            response.reset()
            response.status_code = 500
            response.json(error_document(500))
        elif exchange.phase == EXCHANGE_STREAMING:
            if failed:
                exchange.abort("error")
            elif exchange.left_alone:
                exchange.end()
        return 0


async def _await(awaitable):
    return await awaitable
