"""Waits: awaitables of writes that have nothing to wait for."""


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
