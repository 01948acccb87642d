"""RequestParser: httptools, and the checks that it leaves to a server."""

cimport cython
from libc.stdint cimport int64_t

from kito._core.fields cimport Fields


cdef enum ParserPhase:
    PARSER_BETWEEN = 0            # not a byte of the next message
    PARSER_HEAD = 1
    PARSER_BODY = 2


# Who hears about messages. A callback may raise RemoteProtocolError: parsing stops with it.
cdef class ParserSink:
    cdef int on_head(self, RequestParser parser) except -1
    cdef int on_body(self, bytes piece) except -1
    cdef int on_complete(self) except -1


@cython.final
cdef class RequestParser:
    cdef ParserSink sink          # None once closed
    # httptools' parser holds our bound methods, a cycle: close() breaks it.
    cdef object _http
    cdef object _feed
    cdef object _should_keep_alive
    cdef object _get_method
    cdef readonly ParserPhase phase
    # Limits: bytes, bytes, fields.
    cdef Py_ssize_t url_size
    cdef Py_ssize_t head_size
    cdef Py_ssize_t header_count
    cdef Py_ssize_t trailer_size
    cdef Py_ssize_t extension_size
    # The message whose head is read; complete from on_head() on.
    cdef bytes method
    cdef bytes target             # in origin-form, or b"*"
    cdef bytes authority          # of a target in absolute-form, which goes before Host; else None
    cdef list headers             # flat [name, value, ...] as received, trailing white space cut
    cdef int minor_version
    cdef bint keep_alive
    cdef bint chunked
    cdef int64_t content_length   # -1: no such field
    cdef bint expects_continue
    cdef bint wants_upgrade
    cdef list trailers            # flat [name, value, ...] of those that are let through, None: none
    cdef int lone_cr              # between messages: 1 behind a CR that waits for its LF, -1 when another byte came; else 0
    cdef int carry                # bytes of an empty line that the last feed ended with
    cdef object feeding           # what is being fed
    # Its bytes from the first one of the message on, while it is fed; NULL where the message began in an earlier feed.
    cdef const char* line
    cdef Py_ssize_t line_bytes
    cdef Py_ssize_t head_bytes    # of fields and request line seen so far
    cdef Py_ssize_t fed_bytes     # handed over while in the head, or in a chunked body, the first feed left out
    cdef Py_ssize_t body_bytes    # of them: payload of the body, and what its chunks may need for their framing
    cdef Py_ssize_t trailer_bytes # of trailer fields seen so far
    cdef int hosts                # Host fields seen
    cdef bytes known_host         # the one that was found good last: most requests bring the same
    cdef list codings             # values of Transfer-Encoding, None: no such field
    cdef Fields arriving          # fields of the head under way
    cdef bint asks_connection     # a Connection or Proxy-Connection field says something else than keep-alive
    cdef bint says_close          # the words of Connection
    cdef bint says_keep_alive
    cdef bint stale               # httptools' parser reads nothing behind this message: the next needs another
    cdef bint passing             # the body is counted here, not by httptools
    cdef Py_ssize_t feeding_bytes # size of `feeding`
    cdef bytearray partial        # the head so far where it came in pieces, to choose a status by; else None

    cdef int open(self, ParserSink sink) except -1
    cdef void close(self) noexcept
    # How much of `data` to feed at once: no message that ends in it has anything behind it.
    cdef Py_ssize_t appetite(self, const char* data, Py_ssize_t size) noexcept
    # `data` is bytes or a memoryview, and `start` where its bytes are.
    # Returns the number of bytes taken; fewer than given only behind an ignored upgrade.
    # Raises RemoteProtocolError; the parser is of no use then.
    cdef Py_ssize_t feed(self, object data, const char* start, Py_ssize_t size) except -1
    cdef void _begin(self, const char* data, Py_ssize_t size) noexcept
    cdef void _reset(self) noexcept
    cdef bytes _read_method(self)
    cdef int _note(self, bytes name, bytes value) except -1
    cdef int _note_connection(self, bytes value) except -1
    cdef int _check_version(self) except -1
    cdef int _ask_version(self) except -1
    cdef int _check_connection(self) except -1
    cdef int _check_framing(self) except -1
    cdef int _count(self, Py_ssize_t size) except -1
    cdef int _renew(self, object callbacks) except -1
    cdef int _read_declined(self) except -1
    cdef Py_ssize_t _pass(self, object data, Py_ssize_t size) except -1
    cdef int _count_framing(self, Py_ssize_t size, Py_ssize_t allowed) except -1
    cdef int _count_fed(self, Py_ssize_t size) except -1
    cdef int _note_partial(self, ParserPhase before, object data, Py_ssize_t size) except -1
