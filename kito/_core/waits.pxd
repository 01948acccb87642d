"""Waits: awaitables of writes that have nothing to wait for."""


# Await it and nothing happens; the one object that every ready write returns.
cdef class Ready:
    pass

cdef Ready READY


# Await it and every other callback of the loop has had its turn.
cdef class Turn:
    pass

cdef Turn TURN


# Await it and hear that nobody reads what was written.
cdef class Gone:
    pass

cdef Gone GONE
