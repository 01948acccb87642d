"""Socket options of accepted connections, where their transport has a socket that can be reached."""

import select
import socket
import struct

# SO_LINGER on with 0 seconds
cdef bytes RESET_ON_CLOSE = struct.pack("ii", 1, 0)

cdef object _poll = getattr(select, "poll", None)           # Windows has none
cdef int PEER_EVENTS = getattr(select, "POLLRDHUP", 0)      # Linux tells a FIN; errors and hang-ups are always told


cdef object _socket_of(object transport):
    """The socket that can be reached, None: there is none, or no more."""
    sock = transport.get_extra_info("socket")
    return None if sock is None or sock.fileno() < 0 else sock


cdef int descriptor_of(object transport) except -2:
    sock = _socket_of(transport)
    return -1 if sock is None else sock.fileno()


cdef int send_at_once(object transport) except -1:
    sock = transport.get_extra_info("socket")
    if sock is not None and sock.family in (socket.AF_INET, socket.AF_INET6):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return 0


cdef int reset_on_close(object transport) except -1:
    sock = _socket_of(transport)
    if sock is not None:
        try:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        except OSError:
            pass        # a Unix socket: its peer sees the end and no more can be done
    return 0


cdef bint has_ended(object transport) except -1:
    sock = _socket_of(transport)
    if sock is None or _poll is None:
        return False
    poll = _poll()
    poll.register(sock.fileno(), PEER_EVENTS)
    return bool(poll.poll(0))
