"""Listeners: functions and futures that wait to be told something once."""


# The list with one more; None is an empty one.
cdef list with_listener(list listeners, object listener)
# A future gets `result`, a function is called with `arguments`; one that fails is logged, with `name`, and hurts nobody.
cdef int tell(object listener, object result, tuple arguments, str name) except -1
cdef bint is_future(object listener)
