"""Waits: awaitables of writes that have nothing to wait for."""

from kito.errors import ConnectionClosed


cdef class Ready:
    """An awaitable that is always ready."""

    def __await__(self):
        return self

    def __iter__(self):
        return self

    def __next__(self):
        raise StopIteration


cdef Ready READY = Ready()


cdef class Turn:
    """An awaitable that gives the loop one turn: a producer that never has to wait must not have it alone."""

    def __await__(self):
        yield


cdef Turn TURN = Turn()


cdef class Gone:
    """Awaitable of a write to a response that nobody reads: awaiting it says so.

    One turn late: a cancellation that comes with the end arrives here, and not in the cleanup behind it.
    """

    def __await__(self):
        yield
        raise ConnectionClosed("the client has left, or asked for no body")


cdef Gone GONE = Gone()
