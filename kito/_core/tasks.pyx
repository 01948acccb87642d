"""Tasks of handlers: how they are cancelled."""

import logging

_log = logging.getLogger("kito")


cdef int cancel_begun(object task, str why) except -1:
    coroutine = task.get_coro()
    if coroutine.cr_await is None and not coroutine.cr_running:
        # Cancelled before its first step it would never run, and so never close its source.
        task.get_loop().call_soon(task.cancel, why)
    else:
        task.cancel(why)
    return 0


cdef int cancel_again(object task) except -1:
    _log.error("%r does not come to its end behind its cancellation: it is cancelled again", task)
    task.cancel("the cleanup takes too long")
    return 0
