"""BodyCallbacks: how the body behind a declined offer to upgrade is read (RFC 9110 section 7.8).

llhttp hands over no body behind an offer. So another of httptools' parsers is
given a head with the same framing and no offer, and then the body. (One of
declared length needs no parser.)
"""

cdef bytes CHUNKED_HEAD = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n"


cdef class BodyCallbacks:
    """Callbacks of a parser that reads one body; nothing is heard of the head that was made for it."""

    def __cinit__(self, target):
        self.target = target

    def on_headers_complete(self):
        self.begun = True

    def on_header(self, bytes name, bytes value):
        if self.begun:
            self.target.on_header(name, value)

    def on_chunk_header(self):
        self.target.on_chunk_header()

    def on_body(self, bytes piece):
        self.target.on_body(piece)

    def on_message_complete(self):
        self.target.on_message_complete()
