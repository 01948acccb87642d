"""Socket options of accepted connections, where their transport has a socket that can be reached."""

# The socket's file descriptor, -1: there is none.
cdef int descriptor_of(object transport) except -2

# A chunk does not wait for the acknowledgement of the one before; uvloop sees to that by itself.
cdef int send_at_once(object transport) except -1

# Where the end of the connection would look like the end of the body, closing resets it.
cdef int reset_on_close(object transport) except -1

# Whether the peer has shut its write side or is gone, though input may lie before that unread.
cdef bint has_ended(object transport) except -1
