"""Grammar of request heads that httptools leaves to a server: targets, hosts, codings. Pure functions."""

import ipaddress
import re
from urllib.parse import unquote_to_bytes

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from libc.stdint cimport uint64_t
from libc.string cimport memchr, memcmp, memcpy

from kito.errors import BadRequest, NotImplementedCoding, VersionNotSupported

cdef enum:
    MAX_PORT_DIGITS = 5
    MAX_PORT = 65535
    EVENT_ID_BYTES = 1024         # a longer one is nobody's
    VERSION_BYTES = 10            # of the end of a request line, from the space before the version to the CR
    WORD_BYTES = 8                # of a path that are looked at together

cdef bytes GET = b"GET"
cdef bytes POST = b"POST"
cdef bytes OPTIONS = b"OPTIONS"
cdef bytes CONNECT = b"CONNECT"
cdef bytes ASTERISK = b"*"
cdef tuple EVENT_ID_FIELDS = (b"last_event_id", b"lastEventId")

# RFC 3986 section 3.2.2, without the comma: no host has one, and lists of hosts are an attack.
_REG_NAME = re.compile(rb"(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})*")
_IPV_FUTURE = re.compile(rb"v[0-9A-Fa-f]+\.[A-Za-z0-9\-._~!$&'()*+,;=:]+", re.I)
_ABSOLUTE = re.compile(rb"https?://([^/?#]*)([^#]*)", re.I)
_TOKEN_START = re.compile(rb"(?:\r\n)*([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?: |$)")
_OTHER_VERSION = re.compile(rb" HTTP/(?!1\.[01])[0-9]\.[0-9](?:\r|$)")
_OTHER_PROTOCOL = re.compile(rb"(?:\r\n)*\S+ \S+ (?:RTSP|ICE)/")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# What smuggling attempts are told, in place of llhttp's own words.
cdef dict _SENTENCES = {
    "Duplicate Content-Length": "two Content-Length fields",
    "Content-Length can't be present with Transfer-Encoding": "Content-Length behind a Transfer-Encoding",
    "Transfer-Encoding can't be present with Content-Length": "Transfer-Encoding behind a Content-Length",
}

# llhttp obeys these in a trailer section too, where they mean nothing (RFC 9110 section 6.5.1).
cdef frozenset _NOT_IN_TRAILERS = frozenset((b"connection", b"proxy-connection"))

# What frames, routes, authenticates or describes a request has no say behind its body (the same section).
cdef frozenset _DROPPED_IN_TRAILERS = frozenset((
    b"authorization", b"cache-control", b"content-encoding", b"content-length", b"content-location", b"content-range",
    b"content-type", b"cookie", b"expect", b"forwarded", b"from", b"host", b"keep-alive", b"max-forwards", b"origin",
    b"pragma", b"range", b"referer", b"set-cookie", b"te", b"trailer", b"transfer-encoding", b"upgrade",
))
cdef tuple _DROPPED_STARTS = (b"accept", b"if-", b"proxy-", b"sec-", b"x-forwarded-", b"x-real-")

# Letters, digits, "-" and ".": hosts of nothing else need no second look.
cdef unsigned char _PLAIN_HOST[256]


cdef object _make_table():
    cdef int code
    for code in range(256):
        _PLAIN_HOST[code] = chr(code) in "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-."

_make_table()


cdef int check_host(bytes value) except -1:
    cdef const unsigned char* text = <const unsigned char*>PyBytes_AS_STRING(value)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(value)
    cdef Py_ssize_t index = 0
    while index < size and _PLAIN_HOST[text[index]]:
        index += 1
    if index < size and not _is_port(text + index, size - index):
        _check_host_slowly(value)
    return 0


cdef bint _is_port(const unsigned char* text, Py_ssize_t size) noexcept:
    """A colon and a port that need not be looked at twice: five digits are no rare one."""
    cdef Py_ssize_t index
    cdef int port = 0
    if text[0] != c":" or size > 1 + MAX_PORT_DIGITS:
        return False
    for index in range(1, size):
        if text[index] < c"0" or text[index] > c"9":
            return False
        port = 10 * port + text[index] - c"0"
    return port <= MAX_PORT


cdef int _check_host_slowly(bytes value) except -1:
    host, colon, port = value, b"", b""
    if value.startswith(b"["):
        host, bracket, rest = value.partition(b"]")
        if not bracket or rest[:1] not in (b"", b":") or not _is_ip_literal(host[1:]):
            raise BadRequest("the host is not an IP address in brackets with an optional port")
        port = rest[1:]
    else:
        host, colon, port = value.partition(b":")
        if not _REG_NAME.fullmatch(host):
            raise BadRequest("the host is not a name or an address with an optional port")
    if port and (not port.isdigit() or len(port) > MAX_PORT_DIGITS or int(port) > MAX_PORT):
        raise BadRequest("the port of the host is not a number up to 65535")
    return 0


cdef bint _is_ip_literal(bytes text) except -1:
    if _IPV_FUTURE.fullmatch(text):
        return True
    if b"%" in text:
        return False
    try:
        ipaddress.IPv6Address(text.decode("latin-1"))
    except ValueError:
        return False
    return True


cdef bint is_plain_path(bytes target) noexcept:
    cdef const char* text = PyBytes_AS_STRING(target)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(target)
    cdef uint64_t word
    if text[0] != c"/":
        return False
    while size >= WORD_BYTES:
        memcpy(&word, text, WORD_BYTES)
        word ^= <uint64_t>0x2323232323232323        # "#" becomes zero; what is not ASCII stays so
        if ((word - <uint64_t>0x0101010101010101) | word) & <uint64_t>0x8080808080808080:
            return False
        text += WORD_BYTES
        size -= WORD_BYTES
    while size:
        size -= 1
        if text[size] == c"#" or <unsigned char>text[size] >= 0x80:
            return False
    return True


cdef tuple split_target(bytes method, bytes target):
    if method == CONNECT:
        raise NotImplementedCoding("kito is no proxy: CONNECT is not served")
    if not target.isascii():
        raise BadRequest("the request target holds bytes that a URL must percent-encode")
    if b"#" in target:
        raise BadRequest("the request target holds a fragment")
    if target.startswith(b"/"):
        return target, None
    if target == ASTERISK:
        if method != OPTIONS:
            raise BadRequest("the request target '*' is for OPTIONS only")
        return target, None
    found = _ABSOLUTE.fullmatch(target)
    if found is None:
        raise BadRequest("the request target is neither a path nor an http URL")
    authority, rest = found.groups()
    if not authority or authority.startswith(b":"):
        raise BadRequest("the URL of the request has no host")
    check_host(authority)
    if not rest:
        return (ASTERISK if method == OPTIONS else b"/"), authority
    return (rest if rest.startswith(b"/") else b"/" + rest), authority


cdef int check_codings(list values) except -1:
    cdef list codings = [coding.strip(b" \t") for coding in b",".join(values).split(b",")]
    for coding in codings:
        if not _TOKEN.fullmatch(coding):
            raise BadRequest("the Transfer-Encoding is not a list of codings")
    lower = [coding.lower() for coding in codings]
    last = lower.pop()
    if last != b"chunked" or b"chunked" in lower:
        # RFC 9112 section 6.3: the length of such a body cannot be told.
        raise BadRequest("the last Transfer-Encoding, and only that, must be 'chunked'")
    if lower:
        raise NotImplementedCoding("the only transfer coding that kito reads is 'chunked'")
    return 0


cdef bint is_trailer(bytes name) except -1:
    lower = name.lower()
    if lower in _NOT_IN_TRAILERS:
        raise BadRequest(f"the field {lower.decode('latin-1')} in a trailer section")
    return lower not in _DROPPED_IN_TRAILERS and not lower.startswith(_DROPPED_STARTS)


cdef tuple connection_words(bytes value):
    words = [word.strip(b" \t") for word in value.lower().split(b",")]
    return b"close" in words, b"keep-alive" in words


cdef object refusal(str reason, bint bad_method, bytes start):
    if bad_method:
        if _TOKEN_START.match(start):
            return NotImplementedCoding(f"the method of the request is not known: {reason}")
        return BadRequest("the request does not begin with a method")
    if reason == "Invalid HTTP version" and _OTHER_VERSION.search(start):
        return VersionNotSupported("the HTTP version of the request is not served: use HTTP/1.1")
    if reason.startswith("Pause on PRI"):
        return VersionNotSupported("HTTP/2 is not served: use HTTP/1.1")
    return BadRequest(_SENTENCES.get(reason) or f"the request is not HTTP/1.1: {reason}")


cdef bint names_other_protocol(bytes start) except -1:
    return _OTHER_PROTOCOL.match(start) is not None


cdef bint says_version_1_1(const char* line, Py_ssize_t size, Py_ssize_t place) noexcept:
    return size >= place + VERSION_BYTES and memcmp(line + place, b" HTTP/1.1\r", VERSION_BYTES) == 0


cdef Py_ssize_t through_empty_line(const char* data, Py_ssize_t size) noexcept:
    """The bytes up to the first empty line, with it; all of them when there is none."""
    cdef const char* end = data + size
    cdef const char* place = data + 1       # of an LF that has two bytes behind it and one before
    while place + 2 < end:
        place = <const char*>memchr(place, c"\n", end - place - 2)
        if place is NULL:
            break
        if place[1] == c"\r" and place[2] == c"\n" and (place - 1)[0] == c"\r":
            return place + 3 - data
        place += 1
    return size


cdef int read_blank_lines(int lone_cr, const char* data, Py_ssize_t size) noexcept:
    """Walk over empty lines before a request line."""
    cdef Py_ssize_t index
    for index in range(size):
        if lone_cr:
            if data[index] != c"\n":
                return -1
            lone_cr = 0
        elif data[index] == c"\r":
            lone_cr = 1
        elif data[index] != c"\n":
            return 0
    return lone_cr


cdef int match_end(int carry, object data, Py_ssize_t size) except -1:
    """How much of an empty line, CR LF CR LF, the input ends with: 0 to 3 bytes."""
    cdef bytes tail = bytes(data[max(size - 3, 0):])
    cdef unsigned char byte
    if size >= 3:
        carry = 0
    for byte in tail:
        if byte == c"\r":
            carry = 3 if carry == 2 else 1
        elif byte == c"\n" and carry == 1:
            carry = 2
        else:
            carry = 0
    return carry


cdef bint is_word(bytes name, const char* lower) noexcept:
    """ASCII case-insensitive equality with a lower-case word of letters and hyphens of the same length."""
    cdef const char* text = PyBytes_AS_STRING(name)
    cdef Py_ssize_t index
    for index in range(PyBytes_GET_SIZE(name)):
        if (text[index] | 32) != lower[index]:
            return False
    return True


cdef bint same_bytes(bytes one, bytes other) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(one)
    return size == PyBytes_GET_SIZE(other) and memcmp(PyBytes_AS_STRING(one), PyBytes_AS_STRING(other), size) == 0


cdef bytes method_of(const char* line, Py_ssize_t size):
    if size > 4 and memcmp(line, b"GET ", 4) == 0:
        return GET
    if size > 5 and memcmp(line, b"POST ", 5) == 0:
        return POST
    return None


cdef str read_event_id(bytes header, bytes target):
    cdef bytes value = header
    if value is None and b"?" in target:
        value = _query_event_id(target)
    return None if value is None or len(value) > EVENT_ID_BYTES else value.decode("utf-8", "replace")


cdef bytes _query_event_id(bytes target):
    """The first field that names one; an id that no event can have is none."""
    cdef bytes field
    for field in target.partition(b"?")[2].split(b"&"):
        name, _, value = field.partition(b"=")
        if name in EVENT_ID_FIELDS and value:
            value = unquote_to_bytes(value.replace(b"+", b" "))
            return None if set(value) & {0, 10, 13} else value      # WHATWG HTML section 9.2.6
    return None
