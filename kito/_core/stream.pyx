"""StreamWriter and SSEWriter: what a handler holds while it produces a body."""

import asyncio

cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from cpython.unicode cimport PyUnicode_AsUTF8AndSize

from kito._core.common cimport DISCONNECT_FINISH, EXCHANGE_ABORTED, EXCHANGE_STREAMING
from kito._core.event cimport (
    Event, EventSpans, encode_comment, event_id, event_text, is_json, json_text, measure_event,
)
from kito._core.debug cimport LIVE_WRITERS, count_live
from kito._core.exchange cimport Exchange, NO_EXCHANGE
from kito._core.flow cimport StreamFlow
from kito._core.waits cimport GONE, READY, TURN
from kito._core.writer cimport Cork

from kito.errors import ResponseEnded


cdef class StreamWriter:
    """An open response body; one `write` is one HTTP chunk.

    Made by `res.stream()`. A writer is used in the thread of its event loop.
    """

    def __cinit__(self):
        self.exchange = NO_EXCHANGE
        count_live(LIVE_WRITERS, 1)

    def __dealloc__(self):
        count_live(LIVE_WRITERS, -1)

    def __init__(self):
        raise TypeError("a writer comes from res.stream() or res.sse()")

    def __del__(self):
        # The one finalizer of the project: an open body that nobody can end must not
        # stay open. (No freelist here: a reused object would count as finalized already.)
        if not self.finished:
            self.exchange.writer_dropped()

    @cython.final
    cdef object put(self, const char* data, Py_ssize_t size, object owner):
        if self.exchange.phase != EXCHANGE_STREAMING:
            return self.refuse()
        if size == 0:
            return self.exchange.drained()
        if self.exchange.flow is None:
            self.exchange.write_frame(data, size, owner)
        else:
            (<StreamFlow>self.exchange.flow).put(data, size, owner)
        return self.exchange.drained()

    cdef object refuse(self):
        """A write behind one's own end is an error; one behind the client's is not."""
        if self.finished:
            raise ResponseEnded("the stream has ended: nothing can be written after end() or close()")
        # Who is not to be told goes on, but must not have the loop alone.
        return TURN if self.exchange.on_disconnect == DISCONNECT_FINISH else GONE

    @cython.binding(False)
    @cython.embedsignature(True)
    def write(self, data):
        """Send `data` (str as UTF-8, bytes or any buffer) as one chunk; an empty one is ignored.

        Never blocks. Awaiting the result waits while the client is more than
        `high_water` bytes behind, and raises `ConnectionClosed` once it has
        left; not awaited, a write to a client that has left does nothing.
        Raises `ResponseEnded` after end(), `BodyLengthMismatch` beyond a declared
        content-length, `TypeError` for other types. RFC 9112 section 7.1.
        """
        cdef Py_buffer view
        cdef const char* text
        cdef Py_ssize_t size
        if PyBytes_CheckExact(data):
            return self.put(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data), data)
        if isinstance(data, str):
            text = PyUnicode_AsUTF8AndSize(data, &size)
            return self.put(text, size, None)
        try:
            PyObject_GetBuffer(data, &view, PyBUF_SIMPLE)
        except TypeError:
            raise TypeError(f"write() takes str, bytes or a buffer, not {type(data).__name__}; "
                            "encode other values first, or use res.sse()") from None
        try:
            return self.put(<const char*>view.buf, view.len, None)
        finally:
            PyBuffer_Release(&view)

    def writelines(self, pieces):
        """Write every piece of an iterable as a chunk of its own; awaitable like `write`."""
        outcome = READY
        for piece in pieces:
            outcome = self.write(piece)
        return outcome

    def flush(self):
        """Hand over what is gathered, and what this loop turn has written, at once."""
        if self.exchange.flow is not None:
            self.exchange.flow.release()
        if self.exchange.phase == EXCHANGE_STREAMING:
            self.exchange.flush()

    def end(self, data=None):
        """End the body, after a last chunk `data` if given; the connection stays usable.

        Awaitable like `write`. Raises `ResponseEnded` when already ended,
        `BodyLengthMismatch` when a declared content-length is not filled.
        """
        cdef object outcome = READY
        if data is not None:
            outcome = self.write(data)
        elif self.exchange.phase != EXCHANGE_STREAMING:
            self.refuse()
        self.finished = True
        if self.exchange.phase == EXCHANGE_STREAMING:
            self.exchange.end()
        return outcome

    def abort(self):
        """Cut the connection: the client sees that the body is not whole."""
        self.finished = True
        if self.exchange.phase == EXCHANGE_STREAMING:
            self.exchange.abort("error")

    @property
    def closed(self):
        """True once nothing can be written any more, whoever ended it.

        On a route with `on_disconnect="finish"` a client that leaves changes nothing.
        """
        if self.exchange.phase == EXCHANGE_ABORTED and self.exchange.on_disconnect == DISCONNECT_FINISH:
            return self.finished
        return self.exchange.phase != EXCHANGE_STREAMING

    @property
    def bytes_sent(self):
        """Body bytes written so far, framing not counted."""
        return self.exchange.bytes_sent

    def on_close(self, callback):
        """Call `callback(end)` once when the stream is over, with a `StreamEnd`; at once if it is."""
        if not callable(callback):
            raise TypeError(f"on_close takes a function, not {type(callback).__name__}")
        self.exchange.add_on_close(callback)
        return callback

    @property
    def closing(self):
        """True once the server stops: bring the body to its end, there are `Timeouts.stream_grace` seconds."""
        return self.exchange.closing

    def on_closing(self, callback):
        """Call `callback()` once when the server begins to stop and the stream is open; at once if it has begun."""
        if not callable(callback):
            raise TypeError(f"on_closing takes a function, not {type(callback).__name__}")
        self.exchange.add_on_closing(callback)
        return callback

    async def wait_closing(self):
        """Wait until the server begins to stop, or the stream is over; returns `closing`."""
        future = asyncio.get_running_loop().create_future()
        self.exchange.add_on_closing(future)
        return await future

    async def wait_closed(self):
        """Wait until the stream is over, however it ends; returns its `StreamEnd`."""
        future = asyncio.get_running_loop().create_future()
        self.exchange.add_on_close(future)
        return await future

    async def __aenter__(self):
        return self

    async def __aexit__(self, kind, error, trace):
        if self.finished or self.exchange.phase != EXCHANGE_STREAMING:
            return
        if kind is None:
            self.end()
        else:
            self.finished = True
            self.exchange.crash()   # whoever catches the error: the body is not whole


cdef class SSEWriter(StreamWriter):
    """An open event stream; one `send` is one event in one HTTP chunk.

    Made by `res.sse()`. `last_event_id` is what a reconnecting client saw last, or None.
    """

    @cython.final
    cdef object put_event(self, object data, object event, object id, object retry, bint as_json):
        if self.exchange.phase != EXCHANGE_STREAMING:
            return self.refuse()
        if self.exchange.flow is not None:
            (<StreamFlow>self.exchange.flow).put_event(data, event, id, retry, as_json)
        elif is_json(data, as_json):
            self._write_json(data, event, id, retry)
        else:
            self._write_event(event_text(data, False), event, id, retry)
        return self.exchange.drained()

    @cython.final
    cdef int _write_json(self, object data, object event, object id, object retry) except -1:
        """An event whose text is in memory of the loop until it is framed."""
        cdef Cork cork = self.exchange.cork()
        cdef bytearray text = json_text(data, cork.take_scratch())
        self._write_event(text, event, id, retry)
        cork.keep_scratch(text)
        return 0

    @cython.final
    cdef int _write_event(self, object text, object event, object id, object retry) except -1:
        cdef EventSpans spans
        ident = None if id is None else event_id(id)
        cdef Py_ssize_t size = measure_event(&spans, text, event, ident, retry)
        if self.exchange.phase != EXCHANGE_STREAMING:
            self.refuse()       # encoding runs code of what is encoded, and that has ended the stream
            return 0
        return self.exchange.write_event(&spans, size)

    @cython.binding(False)
    @cython.embedsignature(True)
    def send(self, data, event=None, id=None, retry=None):
        """Send one event: `str` and `bytes` as text, an `Event` as it is, anything else as JSON.

        `event` is its type, `id` what the client returns as Last-Event-ID
        (`0` and `""` are sent), `retry` the reconnection time in milliseconds.
        Never blocks; awaitable like `StreamWriter.write`. Raises `InvalidEvent`
        with nothing sent, `ResponseEnded` after close(), `TypeError` for a value
        that JSON cannot carry. WHATWG HTML section 9.2.
        """
        if type(data) is Event:
            return self._send_shared(<Event>data, event, id, retry)
        return self.put_event(data, event, id, retry, False)

    cdef object _send_shared(self, Event shared, object event, object id, object retry):
        if event is not None or id is not None or retry is not None:
            raise TypeError("an Event carries its own event, id and retry")
        if self.exchange.phase != EXCHANGE_STREAMING:
            return self.refuse()
        if self.exchange.flow is not None:
            (<StreamFlow>self.exchange.flow).put_shared(shared)
            return self.exchange.drained()
        self.exchange.count_event()
        self.exchange.write_shared(shared)
        return self.exchange.drained()

    @cython.binding(False)
    @cython.embedsignature(True)
    def send_json(self, data, event=None, id=None, retry=None):
        """Send one event whose data is always JSON, a string included; else like `send`."""
        return self.put_event(data, event, id, retry, True)

    @cython.binding(False)
    @cython.embedsignature(True)
    def comment(self, text):
        """Send a comment, which clients ignore: every line of `text` behind `: `."""
        cdef bytes payload = encode_comment(text)
        return self.put(PyBytes_AS_STRING(payload), PyBytes_GET_SIZE(payload), payload)

    def every(self, seconds, fn):
        """Call `fn()` each `seconds` until it is cancelled or the stream is over; returns the timer."""
        return Every(self, asyncio.get_running_loop(), seconds, fn)

    def close(self, data=None, event=None, id=None):
        """End the event stream cleanly, behind a last event if one is given; the connection stays usable.

        The arguments are those of `send`; an `event` or `id` without `data` goes with empty data. Closing twice is
        no error, but a last event behind the end raises `ResponseEnded`. Awaitable.
        """
        cdef object outcome
        if data is None and event is None and id is None:
            return READY if self.finished else self.end()
        outcome = self.send("" if data is None else data, event, id)
        self.end()
        return outcome

    @property
    def events_sent(self):
        """Events written so far."""
        return self.exchange.events_sent

    @property
    def dropped(self):
        """Events dropped so far, because the client was too far behind."""
        if self.exchange.flow is not None:
            return self.exchange.flow.dropped
        return 0 if self.exchange.outcome is None else self.exchange.outcome.dropped


cdef class Every:
    """A repeated call that ends with its stream; made by `SSEWriter.every`."""
    cdef object _loop
    cdef object _fn
    cdef object _handle
    cdef double _seconds
    cdef double _next
    cdef SSEWriter _writer        # keeps the stream reachable while the timer runs
    cdef object _stop

    def __init__(self, SSEWriter writer, loop, double seconds, fn):
        if not seconds > 0:
            raise ValueError(f"every() needs a positive number of seconds, not {seconds!r}")
        if not callable(fn):
            raise TypeError(f"every() calls a function, not {type(fn).__name__}")
        self._writer = writer
        self._loop = loop
        self._seconds = seconds
        self._fn = fn
        self._next = loop.time() + seconds
        self._stop = self._ended
        self._handle = loop.call_at(self._next, self._tick)
        writer.exchange.add_on_close(self._stop)

    def cancel(self):
        """No further call."""
        if self._handle is None:
            return
        self._handle.cancel()
        self._writer.exchange.remove_on_close(self._stop)
        self._handle = self._fn = self._loop = self._writer = self._stop = None

    def _ended(self, end):
        self.cancel()

    def _tick(self):
        # From the plan, not from now: calls do not drift, and a late loop does not pile them up.
        fn, loop = self._fn, self._loop
        self._next = max(self._next + self._seconds, loop.time())
        self._handle = loop.call_at(self._next, self._tick)
        fn()


cdef StreamWriter open_stream(Exchange exchange):
    cdef StreamWriter writer = StreamWriter.__new__(StreamWriter)
    writer.exchange = exchange
    return writer


cdef SSEWriter open_events(Exchange exchange, str last_event_id):
    cdef SSEWriter writer = SSEWriter.__new__(SSEWriter)
    writer.exchange = exchange
    writer.last_event_id = last_event_id
    return writer
