"""Tasks of handlers: how they are cancelled."""


# Cancel a task, but not before its first step.
cdef int cancel_begun(object task, str why) except -1
# Cancel a task that does not come to its end, and say so.
cdef int cancel_again(object task) except -1
