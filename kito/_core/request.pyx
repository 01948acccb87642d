"""Request: what the client sent, as the handler sees it; everything but the raw bytes is made on first use."""

from kito._core.body cimport RequestBody, body_of
from kito._core.exchange cimport Exchange, NO_EXCHANGE

from kito.errors import LocalProtocolError


cdef class Request:
    """Core of `kito.Request`: raw access for the facade."""

    def __cinit__(self):
        self.exchange = NO_EXCHANGE

    @property
    def method(self):
        """The method as sent, case kept (RFC 9110 section 9.1)."""
        return self.exchange.method.decode("ascii")

    @property
    def raw_target(self):
        """Path and query as sent, or `*`, bytes; an absolute target has lost its authority (RFC 9112 section 3.2)."""
        return self.exchange.target

    @property
    def raw_authority(self):
        """Host and port that the request is for: of an absolute target, else of Host (RFC 9112 section 3.3); bytes."""
        if self.exchange.authority is not None:
            return self.exchange.authority
        return self.exchange.request_field(b"host") or b""

    @property
    def raw_headers(self):
        """A list of (lower-case name, value) pairs of bytes in the order received."""
        return _pairs(self.exchange.raw_headers)

    @property
    def raw_body(self):
        """The whole body as bytes, `b""` when there was none; `LocalProtocolError` while one that is streamed is not read."""
        cdef Exchange exchange = self.exchange
        if exchange.body is not None:
            return exchange.body
        if exchange.inbound is not None:
            raise LocalProtocolError(
                "the body of this request is streamed: `await req.read()` first, or iterate over `req.stream()`")
        return b""

    @property
    def raw_trailers(self):
        """The fields behind a chunked body as (lower-case name, value) pairs of bytes; empty before its end."""
        return _pairs(self.exchange.trailers)

    @property
    def http_version(self):
        """"1.1" or "1.0"."""
        return "1.1" if self.exchange.minor_version else "1.0"

    @property
    def params(self):
        """Path parameters, percent-decoded; set by routing, replaced by validated values."""
        if self.exchange.params is None:
            self.exchange.params = {}
        return self.exchange.params

    @params.setter
    def params(self, value):
        self.exchange.params = value

    @property
    def last_event_id(self):
        """The id of the last event that a reconnecting client saw; None: none (WHATWG HTML section 9.2.3).

        It is the header `Last-Event-ID`, else the field `last_event_id` or `lastEventId` of the query, for clients
        that cannot set headers. One of more than 1024 bytes is read as absent.
        """
        return self.exchange.last_event_id()

    def connection_info(self, name):
        """What the transport knows of the connection: `peername`, `sockname`, `sslcontext` ... or None."""
        return self.exchange.connection_info(name)

    def open_body(self):
        """The body as an asynchronous iterator of bytes; of one that is not streamed a new one each time."""
        cdef Exchange exchange = self.exchange
        return body_of(exchange.body) if exchange.inbound is None else exchange.inbound

    async def read_body(self):
        """Wait for the whole body, or what is left of it; `raw_body` has it then, if no part was taken before."""
        cdef Exchange exchange = self.exchange
        cdef RequestBody inbound = exchange.inbound
        if exchange.body is not None or inbound is None:
            return self.raw_body
        untouched = not inbound.taken
        body = await inbound.read_whole()
        if untouched:
            exchange.body = body
        return body


cdef list _pairs(list flat):
    cdef Py_ssize_t index
    if flat is None:
        return []
    return [((<bytes>flat[index]).lower(), flat[index + 1]) for index in range(0, len(flat), 2)]
