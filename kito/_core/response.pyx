"""Response: status, fields and the ways to answer that every request may take."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize

from kito._core.common cimport EXCHANGE_ABORTED, EXCHANGE_ENDED, EXCHANGE_OPEN, ExchangePhase
from kito._core.encoder cimport ResponseHead, encode_name, encode_value
from kito._core.event cimport encode_retry
from kito._core.exchange cimport Exchange, NO_EXCHANGE
from kito._core.stream cimport StreamWriter, SSEWriter, open_events, open_stream

import msgspec

from kito.errors import ResponseEnded, ResponseStarted

cdef object _to_json = msgspec.json.Encoder().encode

cdef bytes TEXT = b"text/plain; charset=utf-8"
cdef bytes HTML = b"text/html; charset=utf-8"
cdef bytes JSON = b"application/json"
cdef bytes OCTETS = b"application/octet-stream"
cdef bytes EVENTS = b"text/event-stream"

cdef enum:
    MIN_STATUS = 200              # 1xx are kito's own (RFC 9110 section 15.2)
    MAX_STATUS = 599
    LAST_EVENT_ID_BYTES = 1024    # a longer one is nobody's: it is read as absent


cdef class Response(ResponseHead):
    """Core of `kito.Response`: the head, and the terminal methods of the hot path."""

    def __cinit__(self):
        self.exchange = NO_EXCHANGE

    @property
    def headers_sent(self):
        """True once the head is on its way: status and headers are fixed."""
        return self.exchange.phase > EXCHANGE_OPEN

    @property
    def head_only(self):
        """True when the request is HEAD: fields are sent, no body."""
        return self.exchange.head_only

    def status(self, code):
        """Set the status, 200 to 599; chainable. Raises `ValueError` otherwise, `ResponseStarted` when too late."""
        self._must_be_open()
        if not isinstance(code, int) or not MIN_STATUS <= code <= MAX_STATUS:
            raise ValueError(f"a status is a whole number from 200 to 599, not {code!r}")
        self.status_code = code
        return self

    def header(self, name, value):
        """Set a header, replacing what was there; chainable. Raises `InvalidHeader`, `ResponseStarted`."""
        self._must_be_open()
        self.set_field(encode_name(name), encode_value(name, value))
        return self

    def append(self, name, value):
        """Add a header line beside those of the same name; chainable. Raises `InvalidHeader`, `ResponseStarted`."""
        self._must_be_open()
        self.add_field(encode_name(name), encode_value(name, value))
        return self

    def remove(self, name):
        """Take every line of a header back; chainable."""
        self._must_be_open()
        self.remove_field(encode_name(name))
        return self

    def get(self, name):
        """The first value of a response header, or None."""
        cdef bytes value = self.get_field(encode_name(name))
        return None if value is None else value.decode("latin-1")

    def send(self, body=b""):
        """Answer with str (text/plain), bytes (octet-stream) or any other value as JSON; terminal.

        A content type set before stays. Raises `ResponseStarted`, `ResponseEnded`.
        """
        if isinstance(body, str):
            self.answer(body, TEXT)
        elif isinstance(body, (bytes, bytearray, memoryview)):
            self.answer(body, OCTETS)
        else:
            self.answer(_to_json(body), JSON)

    def text(self, str body):
        """Answer with text/plain in UTF-8; terminal."""
        self.answer(body, TEXT)

    def html(self, str body):
        """Answer with text/html in UTF-8; terminal."""
        self.answer(body, HTML)

    def json(self, value):
        """Answer with `value` as application/json; terminal. `TypeError` for what JSON cannot carry."""
        self.answer(_to_json(value), JSON)

    def end(self):
        """Answer without a body; terminal."""
        self.exchange.send(self, NULL, 0, None)

    cdef int answer(self, object body, bytes default_type) except -1:
        cdef Py_buffer view
        cdef const char* text
        cdef Py_ssize_t size
        if self.content_type is None:
            self.content_type = default_type
        if PyBytes_CheckExact(body):
            return self.exchange.send(self, PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body), body)
        if isinstance(body, str):
            text = PyUnicode_AsUTF8AndSize(body, &size)
            return self.exchange.send(self, text, size, None)
        PyObject_GetBuffer(body, &view, PyBUF_SIMPLE)
        try:
            return self.exchange.send(self, <const char*>view.buf, view.len, None)
        finally:
            PyBuffer_Release(&view)

    def reset(self):
        """Forget status, headers and type, as if nothing had been set; for error handlers. Raises `ResponseStarted`."""
        self._must_be_open()
        self.status_code = 200
        self.content_type = self.fields = None
        self.flags = 0
        self.declared_length = -1
        return self

    def open_stream(self):
        """Commit the head of a streamed body and return its writer."""
        if self.content_type is None:
            self.content_type = OCTETS
        self.exchange.open(self, False)
        return open_stream(self.exchange)

    def open_events(self, retry, double heartbeat):
        """Commit the head of an event stream and return its writer; see `Response.sse`."""
        cdef SSEWriter writer
        cdef bytes block = None if retry is None else encode_retry(retry)
        cdef bytes last = self.exchange.request_field(b"last-event-id")
        cdef str last_event_id = None
        if last is not None and len(last) <= LAST_EVENT_ID_BYTES:
            last_event_id = last.decode("utf-8", "replace")
        if self.content_type is None:
            self.content_type = EVENTS
        if self.get_field(b"cache-control") is None:
            self.add_field(b"cache-control", b"no-cache, no-transform")
        if self.get_field(b"x-accel-buffering") is None:
            self.add_field(b"x-accel-buffering", b"no")
        self.exchange.open(self, True)
        writer = open_events(self.exchange, last_event_id)
        if block is not None:
            writer.put(PyBytes_AS_STRING(block), PyBytes_GET_SIZE(block), block)
        self.exchange.start_heartbeat(heartbeat)
        return writer

    cdef int _must_be_open(self) except -1:
        cdef ExchangePhase phase = self.exchange.phase
        if phase == EXCHANGE_OPEN or phase == EXCHANGE_ABORTED:
            return 0    # when the client has left, an answer is no error: it goes nowhere
        if phase == EXCHANGE_ENDED:
            raise ResponseEnded("the response has ended: it cannot be changed any more")
        raise ResponseStarted("the response has started: its status and headers are on their way")
