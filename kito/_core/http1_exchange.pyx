"""Http1Exchange: an Exchange framed as HTTP/1 (RFC 9112 sections 6 and 7)."""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memcpy

from kito._core.common cimport (
    DISCONNECT_FINISH,
    EXCHANGE_ABORTED, EXCHANGE_ENDED, EXCHANGE_OPEN, EXCHANGE_STREAMING, FRAMING_CHUNKED, FRAMING_CLOSE,
    FRAMING_LENGTH, FRAMING_NONE, Framing, HEAD_CLOSE, REFERENCE_BYTES,
)
from kito._core.buffer cimport WriteBuffer, reserve
from kito._core.debug cimport LIVE_EXCHANGES, count_live
from kito._core.encoder cimport ResponseHead, open_chunk, write_bytes, write_chunk_size, write_head
from kito._core.event cimport Event, EventSpans, fill_event
from kito._core.exchange cimport ExchangeOwner
from kito._core.tally cimport Histogram
from kito._core.writer cimport Cork, TransportWriter

import msgspec

from kito.errors import BodyLengthMismatch, error_document

cdef object _to_json = msgspec.json.Encoder().encode


cdef class Http1Exchange(Exchange):
    """One request of an HTTP/1 connection and its response."""

    def __cinit__(self):
        count_live(LIVE_EXCHANGES, 1)

    def __dealloc__(self):
        count_live(LIVE_EXCHANGES, -1)

    cdef int send(self, ResponseHead head, const char* body, Py_ssize_t size, object owner) except -1:
        cdef int64_t length = size
        cdef WriteBuffer buffer
        cdef bint close
        if self.phase == EXCHANGE_ABORTED:
            return 0                    # the client has left
        if self.phase != EXCHANGE_OPEN:
            self.enter(EXCHANGE_OPEN)   # raises
        if head.declared_length >= 0 and head.declared_length != size and not self.head_only:
            raise BodyLengthMismatch(f"content-length says {head.declared_length}, the body has {size} bytes")
        if head.status_code == 204 or head.status_code == 304:
            length = -1                 # RFC 9110 sections 8.6 and 15.4.5
            size = 0
            _drop_length(head)
        close = self._is_last() or (head.flags & HEAD_CLOSE) != 0
        if self.inbound is not None and self.inbound.is_too_much():
            close = True
        buffer = self.writer.open()
        write_head(buffer, head, self.clock, FRAMING_LENGTH, length, close, self.minor_version == 0 and not close)
        self.keep_alive = not close
        if size and not self.head_only:
            self.bytes_sent = size
            self.tally.body_bytes += size
            if size >= REFERENCE_BYTES and owner is not None:
                self.writer.write_reference(<bytes>owner)
            else:
                write_bytes(buffer, body, size)
        self.writer.wrote()     # pipelined answers, too, leave before there are many of them
        self.over(EXCHANGE_ENDED, "ended")
        return self.owner.exchange_over(self)

    cdef int open(self, ResponseHead head, bint events) except -1:
        cdef Framing framing
        cdef bint close
        if self.phase == EXCHANGE_ABORTED:
            return self.cancel_producer("the client has left")
        if self.phase != EXCHANGE_OPEN:
            self.enter(EXCHANGE_STREAMING)      # raises
        if self.owner.half_closed() and not self.serves_half_closed:
            # FIN while a stream is open means that the client has left; so it does before.
            self.client_left("client_left")
            self.owner.cut(False)
            return self.cancel_producer("the client has left")
        if self.inbound is not None:
            self.inbound.want()     # a 100 cannot follow the head of the answer
        framing = self._choose_framing(head)
        close = self._is_last() or framing == FRAMING_CLOSE or (head.flags & HEAD_CLOSE) != 0
        if framing == FRAMING_NONE:
            _drop_length(head)
        write_head(self.writer.open(), head, self.clock, framing, -1, close, self.minor_version == 0 and not close)
        self.keep_alive = not close
        self.framing = framing
        self.is_events = events
        self.enter(EXCHANGE_STREAMING)
        if self.request is None:
            self.raw_headers = None     # nobody can ask for them any more: idle streams are many
        self._time_head()
        self.writer.patient = self.on_disconnect == DISCONNECT_FINISH
        self.tally.streams_opened += 1
        self.tally.streams_open += 1
        if self.head_only or framing == FRAMING_NONE:
            self.framing = FRAMING_NONE
            self.over(EXCHANGE_ENDED, "ended")
            self.owner.exchange_over(self)
            self.cancel_producer("no body was asked for")
        elif framing == FRAMING_LENGTH:
            self.remaining = head.declared_length
        return 0

    def _choose_framing(self, ResponseHead head):
        if head.status_code == 204 or head.status_code == 304:
            return FRAMING_NONE
        if head.declared_length >= 0:
            return FRAMING_LENGTH
        return FRAMING_CHUNKED if self.minor_version else FRAMING_CLOSE

    cdef int write_frame(self, const char* data, Py_ssize_t size, object owner) except -1:
        if size >= REFERENCE_BYTES:
            return self._write_reference(
                <bytes>owner if PyBytes_CheckExact(owner) else PyBytes_FromStringAndSize(data, size))
        memcpy(_open_frame(self, size), data, size)
        return self.writer.wrote()

    cdef int write_event(self, EventSpans* spans, Py_ssize_t size) except -1:
        fill_event(_open_frame(self, size), spans)
        self.count_event()
        return self.writer.wrote()

    cdef int _write_reference(self, bytes payload) except -1:
        self.account(len(payload))
        if self.framing == FRAMING_CHUNKED:
            write_chunk_size(self.writer.open(), len(payload))
        self.writer.write_reference(payload)
        if self.awaits_first:
            self._time_first()
        if self.framing == FRAMING_CHUNKED:
            write_bytes(self.writer.open(), b"\r\n", 2)
        return self.writer.wrote()

    cdef int write_shared(self, Event event) except -1:
        self.account(len(event.payload))
        self.writer.write_shared(event.frame if self.framing == FRAMING_CHUNKED else event.payload)
        if self.awaits_first:
            self._time_first()
        return 0

    cdef int write_block(self, bytes block) except -1:
        cdef bint awaits_first = self.awaits_first
        cdef Histogram gaps = self.writer.gaps
        if self.flow is not None and self.flow.coding is not None:
            block = self.flow.coding.encode(block)
        self.awaits_first = False
        self.writer.gaps = None
        self.write_frame(PyBytes_AS_STRING(block), PyBytes_GET_SIZE(block), block)
        self.awaits_first = awaits_first
        self.writer.gaps = gaps
        return 0

    cdef void _time_head(self) noexcept:
        cdef double now = self.writer.cork.now()
        if self.started == 0.0:
            self.started = now      # opened before its handler returned: nothing was waited for
        self.tally.time_to_head.note(now - self.started)
        self.awaits_first = True

    cdef void _time_first(self) noexcept:
        """The first chunk or event; from now on the writer notes the time between turns."""
        self.awaits_first = False
        self.writer.gaps = self.tally.gaps
        self.writer.last_turn = self.writer.cork.now()
        self.tally.time_to_first.note(self.writer.last_turn - self.started)

    cdef int flush(self) except -1:
        return self.writer.flush()

    cdef int hold(self, bint held) except -1:
        if held:
            self.writer.hold()
            return 0
        return self.writer.release()

    cdef object drained(self):
        return self.writer.drained()

    cdef int64_t cleanup_ticks(self) noexcept:
        return self.owner.cleanup_ticks()

    cdef bint opened_late(self) noexcept:
        return self.owner.closing()

    cdef bint is_behind(self) noexcept:
        return self.writer.paused

    cdef int end(self) except -1:
        if self.remaining > 0:
            missing = self.remaining
            self.abort("error")
            raise BodyLengthMismatch(f"the body ended {missing} bytes before its declared content-length")
        return self._complete("ended")

    cdef int expire(self, str reason) except -1:
        if self.remaining > 0:
            self.abort(reason)
        else:
            self._complete(reason)
        return self.cancel_producer(reason)

    cdef int _complete(self, str reason) except -1:
        """Say that the body is whole."""
        if self.flow is not None:
            self.flow.finish()
            if self.phase != EXCHANGE_STREAMING:
                return 0        # what was left was too much for its client
        self.writer.gaps = None
        if self.framing == FRAMING_CHUNKED:
            write_bytes(self.writer.open(), b"0\r\n\r\n", 5)
        self.over(EXCHANGE_ENDED, reason)
        return self.owner.exchange_over(self)

    cdef Py_ssize_t set_marks(self, Py_ssize_t high_water, Py_ssize_t max_backlog) except -1:
        return self.writer.set_marks(high_water, max_backlog)

    cdef Py_ssize_t backlog(self) noexcept:
        return self.writer.backlog()

    cdef Cork cork(self):
        return self.writer.cork

    cdef int abort(self, str reason) except -1:
        self.over(EXCHANGE_ABORTED, reason)
        # Where the end of the connection ends the body, only a reset tells a part from the whole.
        return self.owner.cut(self.framing == FRAMING_CLOSE)

    cdef object connection_info(self, str name):
        return self.owner.info(name)

    cdef int refuse(self, object error) except -1:
        cdef ResponseHead head = ResponseHead.__new__(ResponseHead)
        cdef bytes body = _to_json(error_document(error.status, str(error)))
        head.status_code = error.status
        head.content_type = b"application/json"
        self.keep_alive = False
        return self.send(head, <const char*>body, len(body), body)

    cdef bint _is_last(self) noexcept:
        if self.inbound is not None and self.inbound.wants_continue:
            return True     # whether its body comes, which nobody has asked for, cannot be told
        return not self.keep_alive or self.owner.stopping()


cdef inline char* _open_frame(Http1Exchange exchange, Py_ssize_t size) except NULL:
    """Room for exactly `size` > 0 payload bytes, framed, behind whatever is pending; the caller fills it."""
    cdef WriteBuffer buffer
    cdef char* place
    exchange.account(size)
    buffer = exchange.writer.buffer
    if buffer is None:
        buffer = exchange.writer.open()
    if exchange.awaits_first:
        exchange._time_first()
    if exchange.framing == FRAMING_CHUNKED:
        return open_chunk(buffer, size)
    place = reserve(buffer, size)
    buffer.used += size
    return place


cdef int _drop_length(ResponseHead head) except -1:
    """A 204 has no content-length (RFC 9110 section 8.6); on a 304 it speaks of the 200 and stays."""
    if head.status_code == 204 and head.declared_length >= 0:
        head.remove_field(b"content-length")
    return 0
