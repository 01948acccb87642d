"""BodyCallbacks: how the body behind a declined offer to upgrade is read."""

# What a parser is given before a chunked body.
cdef bytes CHUNKED_HEAD


cdef class BodyCallbacks:
    cdef object target            # whose on_header, on_chunk_header, on_body and on_message_complete hear of the body
    cdef bint begun               # the head that was made up for httptools is over
