"""Listeners: functions and futures that wait to be told something once."""

import asyncio
import logging

_log = logging.getLogger("kito")

cdef object _Future = asyncio.Future

cdef enum:
    LISTENERS_SWEPT = 16          # listeners between two looks for those that have given up


cdef bint is_future(object listener):
    return isinstance(listener, _Future)


cdef list with_listener(list listeners, object listener):
    """Made on first use; waits that were given up, which are futures that are done, are swept now and then."""
    if listeners is None:
        return [listener]
    if len(listeners) % LISTENERS_SWEPT == 0:
        listeners = [one for one in listeners if not isinstance(one, _Future) or not one.done()]
    listeners.append(listener)
    return listeners


cdef int tell(object listener, object result, tuple arguments, str name) except -1:
    if isinstance(listener, _Future):
        if not listener.done():
            listener.set_result(result)
        return 0
    try:
        listener(*arguments)
    except Exception:
        _log.exception("an %s callback failed", name)
    return 0
