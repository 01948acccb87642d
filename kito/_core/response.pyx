"""Response: status, fields and the ways to answer that every request may take."""

from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize

from kito._core.common cimport EXCHANGE_ABORTED, EXCHANGE_ENDED, EXCHANGE_OPEN, EXCHANGE_STREAMING, ExchangePhase
from kito._core.coding cimport Coding
from kito._core.encoder cimport ResponseHead, encode_name, encode_value
from kito._core.event cimport encode_retry, to_json
from kito._core.exchange cimport Exchange, NO_EXCHANGE
from kito._core.flow cimport StreamFlow, plain_flow
from kito._core.stream cimport StreamWriter, SSEWriter, open_events, open_stream

from kito.errors import ResponseEnded, ResponseStarted

cdef bytes TEXT = b"text/plain; charset=utf-8"
cdef bytes HTML = b"text/html; charset=utf-8"
cdef bytes JSON = b"application/json"
cdef bytes OCTETS = b"application/octet-stream"
cdef bytes EVENTS = b"text/event-stream"

cdef enum:
    MIN_STATUS = 200              # 1xx are kito's own (RFC 9110 section 15.2)
    MAX_STATUS = 599


cdef class Response(ResponseHead):
    """Core of `kito.Response`: the head, and the terminal methods of the hot path."""

    def __cinit__(self):
        self.exchange = NO_EXCHANGE

    @property
    def headers_sent(self):
        """True once the head is on its way: status and headers are fixed."""
        return self.exchange.phase > EXCHANGE_OPEN

    @property
    def streaming(self):
        """True while a streamed body is open, and in `on_head` while one is about to be."""
        return self._opening or self.exchange.phase == EXCHANGE_STREAMING

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
            self.answer(to_json(body), JSON)

    def text(self, str body):
        """Answer with text/plain in UTF-8; terminal."""
        self.answer(body, TEXT)

    def html(self, str body):
        """Answer with text/html in UTF-8; terminal."""
        self.answer(body, HTML)

    def json(self, value):
        """Answer with `value` as application/json; terminal. `TypeError` for what JSON cannot carry."""
        self.answer(to_json(value), JSON)

    def end(self):
        """Answer without a body; terminal."""
        self.commit(NULL, 0, None)

    @property
    def _request_method(self):
        """The method of the request."""
        return self.exchange.method.decode("ascii")

    def _check_open(self):
        """Raise `ResponseStarted` or `ResponseEnded` when it is too late to answer."""
        self._must_be_open()

    def _request_field(self, bytes name):
        """The value of a request header by its lower-case name, its lines joined (RFC 9110 section 5.3), or None."""
        cdef list flat = self.exchange.raw_headers or []
        cdef Py_ssize_t index
        values = [flat[index + 1] for index in range(0, len(flat), 2) if (<bytes>flat[index]).lower() == name]
        return (b", ".join(values)).decode("latin-1") if values else None

    cdef int answer(self, object body, bytes default_type) except -1:
        cdef Py_buffer view
        cdef const char* text
        cdef Py_ssize_t size
        if self.content_type is None:
            self.content_type = default_type
        if PyBytes_CheckExact(body):
            return self.commit(PyBytes_AS_STRING(body), PyBytes_GET_SIZE(body), body)
        if isinstance(body, str):
            text = PyUnicode_AsUTF8AndSize(body, &size)
            return self.commit(text, size, None)
        PyObject_GetBuffer(body, &view, PyBUF_SIMPLE)
        try:
            return self.commit(<const char*>view.buf, view.len, None)
        finally:
            PyBuffer_Release(&view)

    def on_head(self, fn):
        """Call `fn(res)` once, just before the head is written: it may still set status and headers.

        Of several the last one is called first, so that whoever was asked first has the last word. What it raises
        is raised by the call that answers. They stay when `reset()` forgets what was set, and are called for the
        answer of an error too. Returns `fn`. Raises `TypeError`, `ResponseStarted`, `ResponseEnded`.
        """
        self._must_be_open()
        if not callable(fn):
            raise TypeError(f"on_head takes a function, not {type(fn).__name__}")
        if self._on_head is None:
            self._on_head = []
        self._on_head.append(fn)
        return fn

    def on_finish(self, fn):
        """Call `fn(end)` once, with a `StreamEnd`, when the response is over: whole, streamed or cut; at once if it is.

        Returns `fn`. What it raises is logged. Raises `TypeError`.
        """
        if not callable(fn):
            raise TypeError(f"on_finish takes a function, not {type(fn).__name__}")
        self.exchange.add_on_close(fn)
        return fn

    def set_coding(self, Coding coding):
        """Send the body in a content coding, as far as the coding is for it; for `on_head` functions.

        The fields that speak of the body are made to fit: Content-Encoding is set, Content-Length dropped, a strong
        ETag made weak (RFC 9110 section 8.8.1).
        """
        self._must_be_open()
        self._coding = coding

    cdef int _announce_coding(self) except -1:
        cdef bytes tag = self.get_field(b"etag")
        self.set_field(b"content-encoding", self._coding.name)
        self.remove_field(b"content-length")
        if tag is not None and not tag.startswith(b"W/"):
            self.set_field(b"etag", b"W/" + tag)
        return 0

    cdef int _send_coded(self, const char* body, Py_ssize_t size) except -1:
        cdef bytes coded = self._coding.encode_whole(PyBytes_FromStringAndSize(body, size))
        self._announce_coding()
        return self.exchange.send(self, PyBytes_AS_STRING(coded), PyBytes_GET_SIZE(coded), coded)

    def hold_output(self, held):
        """Keep a stream's first bytes from leaving, up to 64 KiB of them, or let them go; for the facade."""
        self.exchange.hold(held)

    cdef int commit(self, const char* body, Py_ssize_t size, object owner) except -1:
        cdef list waiting = self._on_head
        if waiting is None:
            return self.exchange.send(self, body, size, owner)
        self._tell_head()
        try:
            if self._coding is not None and size and self._coding.min_size <= size <= self._coding.max_size:
                return self._send_coded(body, size)
            return self.exchange.send(self, body, size, owner)
        except Exception:
            self._on_head = waiting         # no head was written: that of the error's answer will be
            raise

    cdef int commit_open(self, bint events, StreamFlow flow) except -1:
        if self._on_head is not None:
            self._opening = True
            try:
                self._tell_head()
            finally:
                self._opening = False
        if self._coding is not None and self._coding.streams:
            self._announce_coding()
            flow = plain_flow() if flow is None else flow
            flow.coding = self._coding
        self.exchange.open(self, events)
        return 0 if flow is None else flow.attach(self.exchange)

    cdef int _tell_head(self) except -1:
        cdef list waiting = self._on_head
        cdef Py_ssize_t index
        self._on_head = None
        if self.exchange.phase != EXCHANGE_OPEN:
            return 0                        # there will be no head
        for index in range(len(waiting) - 1, -1, -1):
            try:
                waiting[index](self)
            except BaseException:
                self._on_head = waiting[:index] + waiting[index + 1:]
                raise
        return 0

    def reset(self):
        """Forget status, headers and type, as if nothing had been set; for error handlers. Raises `ResponseStarted`."""
        self._must_be_open()
        self._forget()
        return self

    cdef void _forget(self) noexcept:
        self.status_code = 200
        self.content_type = self.fields = self._later = self._coding = None
        self.flags = 0
        self.declared_length = -1

    cdef void retire(self) noexcept:
        self._forget()
        self._on_head = None
        self._opening = False
        self.exchange = NO_EXCHANGE

    def open_stream(self, StreamFlow flow=None):
        """Commit the head of a streamed body and return its writer; with `flow` it keeps to that."""
        if self.content_type is None:
            self.content_type = OCTETS
        self.commit_open(False, flow)
        if self.exchange.opened_late():
            self.exchange.say_farewell()
        return open_stream(self.exchange)

    def open_events(self, retry, double heartbeat, StreamFlow flow=None):
        """Commit the head of an event stream and return its writer; see `Response.sse`."""
        cdef SSEWriter writer
        cdef bytes block = None if retry is None else encode_retry(retry)
        cdef str last_event_id = self.exchange.last_event_id()
        if self.content_type is None:
            self.content_type = EVENTS
        if self.get_field(b"cache-control") is None:
            self.add_field(b"cache-control", b"no-cache, no-transform")
        if self.get_field(b"x-accel-buffering") is None:
            self.add_field(b"x-accel-buffering", b"no")
        self.commit_open(True, flow)
        writer = open_events(self.exchange, last_event_id)
        if block is not None and self.exchange.phase == EXCHANGE_STREAMING:
            self.exchange.write_block(block)
        self.exchange.start_heartbeat(heartbeat)
        if self.exchange.opened_late():
            self.exchange.say_farewell()
        return writer

    cdef int _must_be_open(self) except -1:
        cdef ExchangePhase phase = self.exchange.phase
        if phase == EXCHANGE_OPEN or phase == EXCHANGE_ABORTED:
            return 0    # when the client has left, an answer is no error: it goes nowhere
        if phase == EXCHANGE_ENDED:
            raise ResponseEnded("the response has ended: it cannot be changed any more")
        raise ResponseStarted("the response has started: its status and headers are on their way")
