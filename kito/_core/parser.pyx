"""RequestParser: httptools, and the checks that it leaves to a server.

httptools (llhttp, strict) is the only scanner of the head. What it does not
check is checked here on its output: sizes, the version, Host, transfer codings.
"""

cimport cython
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_CheckExact, PyBytes_GET_SIZE
from libc.stdint cimport INT64_MAX, int64_t
from libc.string cimport memcmp

from kito._core.common cimport CHUNKED_BYTES, FEED_BYTES

from kito._core.declined cimport BodyCallbacks, CHUNKED_HEAD
from kito._core.fields cimport drop_fields, free_fields, keep_field, take_fields
from kito._core.grammar cimport (
    check_codings, check_host, connection_words, is_plain_path, is_trailer, is_word, match_end, method_of,
    names_other_protocol, read_blank_lines, refusal, same_bytes, says_version_1_1, split_target, through_empty_line,
)

import httptools

from kito.errors import BadRequest, HeadTooLarge, URITooLong, VersionNotSupported

cdef object _new_http = httptools.HttpRequestParser
cdef object _ParserError = httptools.HttpParserError
cdef object _CallbackError = httptools.HttpParserCallbackError
cdef object _MethodError = httptools.HttpParserInvalidMethodError
cdef object _Upgrade = httptools.HttpParserUpgrade

cdef bytes EMPTY_LINE = b"\r\n\r\n"

cdef enum:
    FIELD_OVERHEAD_BYTES = 4      # ": " and the line end
    LINE_OVERHEAD_BYTES = 12      # two spaces, "HTTP/1.1" and the line end
    CHUNK_OVERHEAD_BYTES = 24     # size line and line ends that any chunk may have
    PASSED_BYTES = 65536          # a body of this length is not worth being copied for its parser
    MAX_LENGTH_DIGITS = 18        # fit a signed 64-bit number


cdef class ParserSink:
    """Receives the messages of a parser."""

    cdef int on_head(self, RequestParser parser) except -1:
        raise NotImplementedError

    cdef int on_body(self, bytes piece) except -1:
        raise NotImplementedError

    cdef int on_complete(self) except -1:
        raise NotImplementedError


cdef class RequestParser:
    """Adapter between httptools' callbacks and a ParserSink."""

    def __cinit__(self, Py_ssize_t url_size, Py_ssize_t head_size, Py_ssize_t header_count,
                  Py_ssize_t trailer_size, Py_ssize_t extension_size):
        self.url_size = url_size
        self.head_size = head_size
        self.header_count = header_count
        self.trailer_size = trailer_size
        self.extension_size = extension_size
        self.known_host = b""

    def __dealloc__(self):
        free_fields(&self.arriving)

    cdef int open(self, ParserSink sink) except -1:
        self.sink = sink
        self.phase = PARSER_BETWEEN
        return self._renew(self)

    cdef int _renew(self, object callbacks) except -1:
        self._http = _new_http(callbacks)
        self._feed = self._http.feed_data
        self._should_keep_alive = self._http.should_keep_alive
        self._get_method = self._http.get_method
        self.stale = False
        return 0

    cdef void close(self) noexcept:
        self.sink = None
        self._http = self._feed = self._should_keep_alive = self._get_method = self.feeding = None
        self.headers = None
        self.target = None
        drop_fields(&self.arriving)

    cdef Py_ssize_t feed(self, object data, const char* start, Py_ssize_t size) except -1:
        cdef ParserPhase phase = self.phase
        if self.passing:
            return self._pass(data, size)
        if self.lone_cr < 0:
            raise BadRequest("a CR without its LF before the request line")   # RFC 9112 section 2.2
        self.feeding, self.feeding_bytes = data, size
        if phase == PARSER_BETWEEN:
            self._begin(start, size)
        try:
            self._feed(data)
            if self.phase == PARSER_BETWEEN:
                self.carry = 0
                if self.stale:
                    self._renew(self)
            else:
                self._note_partial(phase, data, size)
        except _Upgrade as upgrade:
            self.carry = 0
            if self.phase == PARSER_BODY:
                self._read_declined()
            elif self.stale:
                self._renew(self)
            return upgrade.args[0]
        except _ParserError as error:
            raise self._translate(error)
        finally:
            self.feeding = None
            self.line = NULL
        return size

    cdef void _begin(self, const char* data, Py_ssize_t size) noexcept:
        """A message begins with the first byte that is of no empty line (RFC 9112 section 2.2).

        httptools would say so too, at the price of a call of Python for every message.
        """
        while size and (data[0] == c"\r" or data[0] == c"\n"):
            data += 1
            size -= 1
        if size:
            self._reset()
            self.line, self.line_bytes = data, size

    cdef int _note_partial(self, ParserPhase before, data, Py_ssize_t size) except -1:
        """A message came in part: count it, and remember what there is of its head."""
        self.carry = match_end(self.carry, data, size)
        if before == self.phase:
            self._count_fed(size)
        if self.phase == PARSER_HEAD:
            if self.partial is None:
                self.partial = bytearray()
            self.partial += data
        return 0

    cdef Py_ssize_t _pass(self, object data, Py_ssize_t size) except -1:
        """Hand on a long body of declared length: httptools would only count it, too, and copy it."""
        if size:
            self.body_bytes += size
            self.sink.on_body(data if PyBytes_CheckExact(data) else bytes(data))
        if self.body_bytes == self.content_length:
            self.passing = False
            self.carry = 0
            self._renew(self)       # httptools' parser waits for the body for ever
            self.phase = PARSER_BETWEEN
            self.sink.on_complete()
        return size

    cdef int _read_declined(self) except -1:
        """Read a body behind an offer to upgrade, which is declined: llhttp hands none over. Its framing was checked."""
        self.passing = not self.chunked
        if self.chunked:
            self._renew(BodyCallbacks(self))
            self._feed(CHUNKED_HEAD)
            self.stale = True
        return 0

    cdef Py_ssize_t appetite(self, const char* data, Py_ssize_t size) noexcept:
        cdef Py_ssize_t missing = 4 - self.carry
        if self.phase == PARSER_BODY and self.content_length >= 0:
            return min(size, self.content_length - self.body_bytes)
        if self.carry and size >= missing and memcmp(data, <const char*>EMPTY_LINE + self.carry, missing) == 0:
            return missing
        # In steps, so that what reaches no callback is counted before there is much of it.
        size = min(size, <Py_ssize_t>(CHUNKED_BYTES if self.phase == PARSER_BODY else FEED_BYTES))
        size = through_empty_line(data, size)
        if self.phase == PARSER_BETWEEN and (self.lone_cr or data[0] == c"\r"):
            self.lone_cr = read_blank_lines(self.lone_cr, data, size)
        return size

    def _translate(self, error):
        """The RemoteProtocolError behind an error of httptools."""
        if isinstance(error, _CallbackError):
            cause = error.__context__
            return cause if cause is not None else error
        return refusal(str(error), isinstance(error, _MethodError), self._start_of_message())

    def _start_of_message(self):
        """The bytes of the message under way so far; only to choose a status by."""
        return (bytes(self.partial) if self.partial is not None else b"") + bytes(self.feeding)

    cdef int _count_fed(self, Py_ssize_t size) except -1:
        """A field or chunk extension that never ends reaches no callback: count what was handed over."""
        self.fed_bytes += size
        if self.phase == PARSER_HEAD:
            if self.fed_bytes > self.head_size:
                raise HeadTooLarge(f"the head of the request is larger than {self.head_size} bytes")
        elif self.chunked:
            self._count_framing(0, self.extension_size + self.trailer_size)
        return 0

    cdef int _count_framing(self, Py_ssize_t size, Py_ssize_t allowed) except -1:
        """Of the bytes of a chunked body, `size` of them new, those that frame it are bounded."""
        if self.fed_bytes + size - self.body_bytes > allowed:
            raise BadRequest("the chunk extensions and trailers of the body are too large")
        return 0

    @cython.binding(False)
    def on_url(self, bytes piece, /):
        self.target = piece if self.target is None else self.target + piece
        if PyBytes_GET_SIZE(self.target) > self.url_size:
            raise URITooLong(f"the request target is longer than {self.url_size} bytes")

    @cython.binding(False)
    def on_header(self, bytes name, bytes value, /):
        cdef const char* text = PyBytes_AS_STRING(value)
        cdef Py_ssize_t size = PyBytes_GET_SIZE(value)
        if self.phase == PARSER_BODY:
            # A trailer: counted, never merged with the head (RFC 9110 section 6.5.1).
            self._take_trailer(name, value.rstrip(b" \t"))
            return
        self._count(PyBytes_GET_SIZE(name) + size + FIELD_OVERHEAD_BYTES)
        if size and (text[size - 1] == c" " or text[size - 1] == c"\t"):
            value = value.rstrip(b" \t")
        if self.arriving.used >= 2 * self.header_count:
            raise HeadTooLarge(f"the request has more than {self.header_count} header fields")
        self._note(name, value)
        keep_field(&self.arriving, name, value)

    @cython.binding(False)
    def on_headers_complete(self):
        self.method = self._read_method()
        self._count(PyBytes_GET_SIZE(self.target) + PyBytes_GET_SIZE(self.method) + LINE_OVERHEAD_BYTES)
        self.headers = take_fields(&self.arriving)
        self._check_version()
        self._check_framing()
        if not is_plain_path(self.target):
            self.target, self.authority = split_target(self.method, self.target)
        self.phase = PARSER_BODY
        self.fed_bytes = 0
        self.passing = self.content_length >= PASSED_BYTES
        self.sink.on_head(self)

    @cython.binding(False)
    def on_chunk_header(self):
        self.body_bytes += CHUNK_OVERHEAD_BYTES

    @cython.binding(False)
    def on_body(self, bytes piece, /):
        self.body_bytes += PyBytes_GET_SIZE(piece)
        self.sink.on_body(piece)

    @cython.binding(False)
    def on_message_complete(self):
        if self.chunked or self.content_length > 0:
            if self.wants_upgrade and self.body_bytes == 0:
                return      # llhttp does not read it, see _read_declined
            if self.chunked:
                self._count_framing(self.feeding_bytes, self.extension_size + self.trailer_bytes)
        self.phase = PARSER_BETWEEN
        self.sink.on_complete()

    cdef void _reset(self) noexcept:
        self.phase = PARSER_HEAD
        self.target = self.authority = self.partial = self.codings = self.trailers = None
        self.content_length = -1
        self.chunked = self.expects_continue = self.wants_upgrade = False
        self.asks_connection = self.says_close = self.says_keep_alive = False
        self.hosts = 0
        self.head_bytes = self.fed_bytes = self.body_bytes = self.trailer_bytes = 0

    cdef int _count(self, Py_ssize_t size) except -1:
        self.head_bytes += size
        if self.head_bytes > self.head_size:
            raise HeadTooLarge(f"the head of the request is larger than {self.head_size} bytes")
        return 0

    def _take_trailer(self, bytes name, bytes value):
        """Keep a field behind the body: counted, never merged with the head (RFC 9110 section 6.5.1)."""
        self.trailer_bytes += len(name) + len(value) + FIELD_OVERHEAD_BYTES
        if self.trailer_bytes > self.trailer_size:
            raise HeadTooLarge(f"the trailer section is larger than {self.trailer_size} bytes")
        if not is_trailer(name):
            return
        if self.trailers is None:
            self.trailers = []
        if len(self.trailers) >= 2 * self.header_count:
            raise HeadTooLarge(f"the request has more than {self.header_count} trailer fields")
        self.trailers += (name, value)

    cdef int _note(self, bytes name, bytes value) except -1:
        """Remember the fields that matter for framing; told apart by length first."""
        cdef Py_ssize_t size = PyBytes_GET_SIZE(name)
        if size == 4:
            if is_word(name, b"host"):
                self.hosts += 1
                if not same_bytes(value, self.known_host):
                    check_host(value)
                    self.known_host = value
        elif size == 6:
            if is_word(name, b"expect"):
                self._note_expect(value)
        elif size == 7:
            if is_word(name, b"upgrade"):
                self.wants_upgrade = True
        elif size == 10:
            if is_word(name, b"connection"):
                self._note_connection(value)
        elif size == 16:
            if is_word(name, b"proxy-connection"):
                self.asks_connection = True     # llhttp takes it for Connection
        elif size == 14:
            if is_word(name, b"content-length"):
                # llhttp let nothing but digits through, up to 64 bits of them
                self.content_length = int(value) if len(value) <= MAX_LENGTH_DIGITS else INT64_MAX
        elif size == 17:
            if is_word(name, b"transfer-encoding"):
                self._note_coding(value)
        return 0

    def _note_expect(self, bytes value):
        # RFC 9110 section 10.1.1: other expectations may be ignored
        self.expects_continue = self.expects_continue or value.lower() == b"100-continue"

    cdef int _note_connection(self, bytes value) except -1:
        if PyBytes_GET_SIZE(value) == 10 and is_word(value, b"keep-alive"):
            self.says_keep_alive = True
            return 0
        close, keep_alive = connection_words(value)
        self.asks_connection = True
        self.says_close = self.says_close or close
        self.says_keep_alive = self.says_keep_alive or keep_alive
        return 0

    def _note_coding(self, bytes value):
        self.codings = [*(self.codings or ()), value]

    cdef bytes _read_method(self):
        cdef bytes method = None if self.line is NULL else method_of(self.line, self.line_bytes)
        return self._get_method() if method is None else method

    cdef int _check_version(self) except -1:
        # llhttp has accepted the line: its end tells the version of most requests, and so that they keep their
        # connection, without a call of Python for either.
        cdef Py_ssize_t place = PyBytes_GET_SIZE(self.method) + 1 + PyBytes_GET_SIZE(self.target)
        if self.line is not NULL and says_version_1_1(self.line, self.line_bytes, place):
            self.minor_version = 1
            if not self.asks_connection:
                self.keep_alive = True
                return 0
        else:
            self._ask_version()
        return self._check_connection()

    cdef int _ask_version(self) except -1:
        version = self._http.get_http_version()
        if version == "1.1":
            self.minor_version = 1
        elif version == "1.0":
            self.minor_version = 0
            if names_other_protocol(self._start_of_message()):
                raise BadRequest("the request is not of HTTP")
        elif version == "0.9":
            raise BadRequest("HTTP/0.9 is not served: the request line needs a version")
        else:
            raise VersionNotSupported(f"HTTP/{version} is not served here: use HTTP/1.1")
        return 0

    cdef int _check_connection(self) except -1:
        # RFC 9112 section 9.3: `close` wins, and before HTTP/1.1 keep-alive has to be asked for.
        keep = not self.says_close and (self.minor_version == 1 or self.says_keep_alive)
        self.stale = keep and not self._should_keep_alive()     # a Proxy-Connection field, which is not for us
        self.keep_alive = keep
        return 0

    cdef int _check_framing(self) except -1:
        if self.hosts != 1 and (self.hosts or self.minor_version):
            # RFC 9112 section 3.2
            raise BadRequest("the Host field is missing" if not self.hosts else "two Host fields")
        if self.codings is not None:
            check_codings(self.codings)
            self.chunked = True
        if self.minor_version == 0:
            self.expects_continue = False           # RFC 9110 section 10.1.1
            if self.chunked:
                # RFC 9112 section 6.1: framing by coding is faulty before HTTP/1.1
                raise BadRequest("Transfer-Encoding in an HTTP/1.0 request")
        return 0
