"""Several processes for one server: where they listen together, and whether this process can be forked."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from .inherited import adopt, take_systemd_descriptors
from .link import Link
from .listeners import Listeners, address_of
from .loops import new_loop
from .sockets import bind_tcp_without_loop
from .supervisor import Supervisor
from .unix_sockets import UnixListener

if TYPE_CHECKING:
    from ..config import ServerOptions

__all__ = ("run_workers",)

# Elsewhere SO_REUSEPORT exists and does not spread connections: there all workers accept from one socket.
SPREADS: Final = sys.platform == "linux"

Serve = Callable[["ServerOptions", Link], Coroutine[Any, Any, None]]


def run_workers(options: ServerOptions, serve: Serve, announce: Callable[[Any, str, int], None]) -> None:
    """Run `options.workers` processes, each with a loop of its own for `serve(options, link)`; blocks.

    `announce(address, scheme, count)` is called once all of them accept. Raises `OSError` that names the
    address when it cannot be had, `ConfigError` as one process does, `WorkerError` when a worker cannot be
    started, and `RuntimeError` where this process cannot be forked.
    """
    _check_forkable()
    listeners = Listeners(options)  # what is wrong with the certificate is said before there are workers
    place = Place(options)

    def work(link: Link) -> None:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(serve(place.options, link))

    Supervisor(
        options.workers,
        work,
        release=place.close,
        ready=lambda: announce(place.address, listeners.scheme, options.workers),
        grace=max(options.timeouts.shutdown, options.timeouts.stream_grace),
        reloads=listeners.can_reload,
    ).run()


class Place:
    """Where workers listen: `options` tell each of them how, `address` is the first, and the parent keeps hold of it.

    On Linux each worker has a socket of its own with SO_REUSEPORT, so that the kernel spreads connections.
    What the parent holds then does not listen; it keeps the port, and as it is bound without SO_REUSEPORT,
    a port that another server listens on is refused. Sockets that cannot be bound twice (Unix sockets, those
    that somebody else has opened) listen in the parent, and every worker accepts from them.
    """

    def __init__(self, options: ServerOptions) -> None:
        self._unix: UnixListener | None = None
        backlog = options.limits.backlog
        inherited = take_systemd_descriptors(os.environ)
        own = False
        if inherited or options.sockets:
            self._sockets = adopt(inherited or options.sockets, backlog)
        elif options.unix_socket is not None:
            owner, mode = options.unix_owner, options.unix_mode
            self._unix = UnixListener(options.unix_socket, mode=mode, owner=owner, backlog=backlog)
            self._sockets = [self._unix.socket]
        else:
            own = SPREADS
            self._sockets = bind_tcp_without_loop(
                options.host, options.port, reuse_port=options.reuse_port, backlog=None if own else backlog
            )
        self.address = address_of(self._sockets[0])
        self.options = self._for_a_worker(options, own=own)

    def _for_a_worker(self, options: ServerOptions, *, own: bool) -> ServerOptions:
        if not own:
            return options.replace(sockets=tuple(self._sockets), workers=1)
        port = self._sockets[0].getsockname()[1]
        return options.replace(host=options.host, port=port, reuse_port=True, workers=1)

    def close(self) -> None:
        """Give the address up, in the parent; the workers have their own hold on it."""
        if self._unix is not None:
            self._unix.remove_file()
        for sock in self._sockets:
            sock.close()


def _check_forkable() -> None:
    """Raise `RuntimeError` where workers cannot be made of this process."""
    instead = "start several processes with reuse_port=True"
    if not hasattr(os, "fork"):
        raise RuntimeError(f"workers: this system has no fork(): {instead}")
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError(f"workers: listen() has to be called in the main thread, or {instead}")
    others = [thread.name for thread in threading.enumerate() if thread is not threading.main_thread()]
    if others:
        raise RuntimeError(
            f"workers: this process has other threads ({', '.join(sorted(others))}), and a fork would leave their "
            f"locks held: start them in on_startup or lifespan, which run in each worker, or {instead}"
        )
