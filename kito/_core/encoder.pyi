# Bytes of HTTP/1.1 responses: status line, fields, chunk framing.

class ResponseHead:
    @property
    def status_code(self) -> int: ...
