"""Grammar of request heads that httptools leaves to a server: targets, hosts, codings. Pure functions."""


# Raises BadRequest unless `value` is uri-host [":" port] (RFC 9110 section 7.2).
cdef int check_host(bytes value) except -1

# True for a path in origin-form that needs no second look, the common case.
cdef bint is_plain_path(bytes target) noexcept

# (target in origin-form or b"*", authority or None) of any request target (RFC 9112 section 3.2). Raises BadRequest.
cdef tuple split_target(bytes method, bytes target)

# Raises unless the values of all Transfer-Encoding fields come to `chunked` (RFC 9112 section 6.1).
cdef int check_codings(list values) except -1

# (close, keep_alive): which of the two words the values of a Connection field hold.
cdef tuple connection_words(bytes value)

# The error to answer with where httptools refused the bytes `start` of a message for `reason`.
cdef object refusal(str reason, bint bad_method, bytes start)

# llhttp reads RTSP and ICE requests as HTTP/1.0: whether the first line of `start` is one.
cdef bint names_other_protocol(bytes start) except -1
