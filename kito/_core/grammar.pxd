"""Grammar of request heads that httptools leaves to a server: targets, hosts, codings. Pure functions."""


# Raises BadRequest unless `value` is uri-host [":" port] (RFC 9110 section 7.2).
cdef int check_host(bytes value) except -1

# True for a path in origin-form that needs no second look, the common case.
cdef bint is_plain_path(bytes target) noexcept

# (target in origin-form or b"*", authority or None) of any request target (RFC 9112 section 3.2). Raises BadRequest.
cdef tuple split_target(bytes method, bytes target)

# Raises unless the values of all Transfer-Encoding fields come to `chunked` (RFC 9112 section 6.1).
cdef int check_codings(list values) except -1

# Whether a field behind a body is shown to handlers. Raises BadRequest for one that llhttp would obey.
cdef bint is_trailer(bytes name) except -1

# (close, keep_alive): which of the two words the values of a Connection field hold.
cdef tuple connection_words(bytes value)

# The error to answer with where httptools refused the bytes `start` of a message for `reason`.
cdef object refusal(str reason, bint bad_method, bytes start)

# llhttp reads RTSP and ICE requests as HTTP/1.0: whether the first line of `start` is one.
cdef bint names_other_protocol(bytes start) except -1

# How many bytes there are up to the first CR LF CR LF, with it; `size` when there is none.
cdef Py_ssize_t through_empty_line(const char* data, Py_ssize_t size) noexcept

# What the empty lines before a request leave: 0, or 1 when they end with a CR, or -1 when a CR has no LF.
cdef int read_blank_lines(int lone_cr, const char* data, Py_ssize_t size) noexcept

# How many bytes of CR LF CR LF the input ends with, 0 to 3, when what came before it ended with `carry`.
cdef int match_end(int carry, object data, Py_ssize_t size) except -1

# Whether `name` is `lower`, a word of letters and hyphens, in any case. Both have the same length.
cdef bint is_word(bytes name, const char* lower) noexcept

# Equality without the ways of objects.
cdef bint same_bytes(bytes one, bytes other) noexcept

# The method that a request line which httptools has accepted begins with, where it is a common one: an object that many
# requests share and whose hash is known by now, since routes are looked up by it. None: httptools has to be asked.
cdef bytes method_of(const char* line, Py_ssize_t size)

# The id of the last event that a client saw: of its header, None: absent, else of a target's query; None: there is none.
cdef str read_event_id(bytes header, bytes target)

# True when the request line, which httptools has accepted, is here and says HTTP/1.1 at `place`, behind its target. Asking
# httptools costs a formatted string; False only means that it has to be asked.
cdef bint says_version_1_1(const char* line, Py_ssize_t size, Py_ssize_t place) noexcept
