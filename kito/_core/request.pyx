"""Request: what the client sent, as the handler sees it; everything but the raw bytes is made on first use."""

from kito._core.exchange cimport Exchange, NO_EXCHANGE


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
        cdef list flat = self.exchange.raw_headers or []
        cdef Py_ssize_t index
        return [((<bytes>flat[index]).lower(), flat[index + 1]) for index in range(0, len(flat), 2)]

    @property
    def raw_body(self):
        """The whole body as bytes, `b""` when there was none."""
        return self.exchange.body if self.exchange.body is not None else b""

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

    def connection_info(self, name):
        """What the transport knows of the connection: `peername`, `sockname`, `sslcontext` ... or None."""
        return self.exchange.connection_info(name)
