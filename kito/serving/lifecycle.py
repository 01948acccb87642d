"""Server: an app that listens; every way to run it and to stop it."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, nullcontext
from typing import Any, Final, overload

from .._core.state import ServerState
from ..app import App
from ..chains import Layer, Middleware, middleware_layer
from ..config import ServerOptions
from ..errors import ConfigError
from ..middlewares.access_logs import access_log, show_access_log
from .importing import is_importing
from .link import CLOSED, HURRY, READY, RELOAD, Link
from .listeners import Address
from .loops import new_loop
from .multiple import run_workers
from .runner import Runner
from .signals import reload_on_hangup, stop_on_signals
from .sockets import describe

__all__ = ("Server",)

_log: Final = logging.getLogger("kito")

Ready = Callable[[], Any]


class Server(App):
    """A web server for streamed responses and Server-Sent Events; made by `kito.server()`.

    Routes are registered as call, chain or decorator; then one of `listen()` (blocks, owns the loop),
    `await serve()`, or `async with running()` runs it. Options are those of `server()`.
    """

    def __init__(self, **options: Any) -> None:
        self._options = ServerOptions.build(**options)
        self._access_log: Middleware | None = None  # while one is wanted
        super().__init__(debug=self._options.debug, strict_slashes=self._options.strict_slashes)
        self._runner: Runner | None = None

    @property
    def address(self) -> Address | None:
        """(host, port), or the path of the Unix socket, while the server listens; else None."""
        return None if self._runner is None else self._runner.address

    @property
    def state(self) -> ServerState | None:
        """What the connections share while the server runs, else None; for `kito.testing`."""
        return None if self._runner is None else self._runner.state

    @property
    def stats(self) -> dict[str, Any]:
        """Counts since start, of this process: connections, requests, streams and how they ended, times, backlog."""
        state = self.state
        if state is None:
            return {}
        backlog = sum(connection.writer.unsent for connection in state.connections)
        return {
            "connections": len(state.connections),
            "accepted": state.accepted,
            "backlog": backlog,
            **state.tally.snapshot(),
        }

    @overload
    def listen(self, on_ready: Ready, **options: Any) -> None: ...
    @overload
    def listen(
        self, port: int | None = None, host: str | None = None, on_ready: Ready | None = None, **options: Any
    ) -> None: ...
    def listen(self, *position: Any, **options: Any) -> None:
        """Serve until SIGINT, SIGTERM or `close()`; blocks, on a loop of its own.

        `on_ready()` is called once the server accepts; other options as in `server()` take the place of
        its. Raises `OSError` that names the address when it cannot be had, `RuntimeError` where a loop
        already runs: there write `await app.serve()`.
        """
        on_ready = _take_positions(position, options)
        if is_importing():
            _log.warning("listen() does nothing here: `kito` is importing the program, and has options of its own")
            return
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            pass
        else:
            raise RuntimeError("listen() makes its own event loop: where one runs, write `await app.serve(...)`")
        settings = self._options.replace(**options)
        if settings.workers > 1:
            self._listen_with_workers(settings, on_ready)
            return
        main = self.serve(on_ready=on_ready, **options)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(main)

    def listen_linked(self, link: Link, **options: Any) -> None:
        """Do what `listen()` does, and stop also when the process at the other end of `link` says so, or is gone."""
        main = self._serve(self._options.replace(**options), None, link)
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(main)

    def _listen_with_workers(self, options: ServerOptions, on_ready: Ready | None) -> None:
        if self._runner is not None:
            raise RuntimeError("this server is already running")
        run_workers(options, lambda own, link: self._serve(own, on_ready, link), _announce)

    async def serve(self, *, on_ready: Ready | None = None, **options: Any) -> None:
        """Serve on the running loop until SIGINT, SIGTERM, `close()` or cancellation. Raises `OSError` as `listen`.

        SIGHUP reads the files of `tls` again, for new connections.
        """
        await self._serve(self._options.replace(**options), on_ready, None)

    async def _serve(self, options: ServerOptions, on_ready: Ready | None, link: Link | None) -> None:
        """Serve until told to stop: by signals, and in a worker also by the parent at the other end of `link`.

        A worker may get one signal twice, from its parent's group and from its parent: only the parent counts.
        """
        runner = await self._start(options)
        stopping: list[asyncio.Task[None]] = []

        def stop() -> None:
            if not stopping:
                stopping.append(asyncio.ensure_future(runner.stop()))
            elif link is None:
                runner.hurry()

        loop = asyncio.get_running_loop()
        listeners = runner.listeners
        with (
            stop_on_signals(loop, stop),
            reload_on_hangup(loop, listeners.reload if listeners.can_reload else None),
            nullcontext() if link is None else link.heard(loop, stop, {HURRY: runner.hurry, RELOAD: listeners.reload}),
        ):
            try:
                await self._begin(runner, on_ready, link)
                await runner.wait_stopped()
            finally:
                await self._stop(runner, None)
                if link is not None and not stopping:
                    link.say(CLOSED)

    async def _begin(self, runner: Runner, on_ready: Ready | None, link: Link | None) -> None:
        """Tell everybody that the server accepts."""
        _announce(runner.address, runner.listeners.scheme, linked=link is not None)
        if on_ready is not None:
            outcome = on_ready()
            if inspect.isawaitable(outcome):
                await outcome
        if link is not None:
            link.say(READY)

    @asynccontextmanager
    async def running(self, **options: Any) -> AsyncIterator[Address]:
        """Serve while the block runs, and stop with it: `async with app.running(port=0) as address`."""
        runner = await self._start(self._options.replace(**options))
        try:
            assert runner.address is not None  # it listens
            yield runner.address
        finally:
            await self._stop(runner, None)

    def close(self, grace: float | None = None) -> None:
        """Begin to stop, from the loop's thread or any other; returns at once. `grace` as in `aclose`."""
        runner = self._runner
        if runner is not None and runner.state is not None:
            loop = runner.state.loop
            loop.call_soon_threadsafe(lambda: asyncio.ensure_future(runner.stop(grace)))

    async def aclose(self, grace: float | None = None) -> None:
        """Stop, and wait until everything is closed.

        `grace` is the time in seconds for requests and streams alike; without it they have
        `Timeouts.shutdown` and `Timeouts.stream_grace`. Then they are cancelled, then dropped.
        """
        if self._runner is not None:
            await self._stop(self._runner, grace)

    def outermost(self) -> Iterator[Layer]:
        """Yield what runs around everything: the access log, if there is one."""
        if self._access_log is not None:
            yield middleware_layer(self._access_log)

    async def _start(self, options: ServerOptions) -> Runner:
        if self._runner is not None:
            raise RuntimeError("this server is already running")
        _refuse_workers(options)
        if options.strict_slashes is not self._options.strict_slashes:
            raise ConfigError("strict_slashes is decided when the server is made: write server(strict_slashes=...)")
        self.debug = options.debug
        self._access_log = _make_access_log(options.access_log)
        runner = Runner(self, options)
        self._runner = runner
        try:
            await runner.start()
        except BaseException:
            self._runner = None
            raise
        return runner

    async def _stop(self, runner: Runner, grace: float | None) -> None:
        try:
            await runner.stop(grace)
        finally:
            if self._runner is runner:
                self._runner = None


def _refuse_workers(options: ServerOptions) -> None:
    """Only `listen()` makes processes."""
    if options.workers > 1:
        raise ConfigError("workers: a process whose loop runs cannot be forked: write app.listen(workers=...)")


def _make_access_log(option: bool | str) -> Middleware | None:
    """Return the middleware that the option stands for; its lines are going to be seen."""
    if option is False:
        return None
    show_access_log()
    return access_log("text" if option is True else option)


def _announce(address: Address | None, scheme: str, workers: int = 1, *, linked: bool = False) -> None:
    """Tell a person at a terminal where the server is, unless it is `linked` to who tells; a log gets the same line."""
    where = f"{scheme}://{describe(address)}" if isinstance(address, tuple) else address
    if workers > 1:
        where = f"{where} with {workers} workers"
    _log.info("listening on %s", where)
    if not linked and sys.stderr.isatty() and not _log.isEnabledFor(logging.INFO):
        sys.stderr.write(f"kito listens on {where} (stop with Ctrl+C)\n")


def _take_positions(position: tuple[Any, ...], options: dict[str, Any]) -> Ready | None:
    """Move the positional arguments of `listen` into `options`; return its `on_ready`."""
    names = ("on_ready",) if position and callable(position[0]) else ("port", "host", "on_ready")
    if len(position) > len(names):
        raise TypeError(f"listen() takes {', '.join(names)}, not {len(position)} positions")
    twice = [name for name in names[: len(position)] if name in options]
    if twice:
        raise TypeError(f"listen() got {' and '.join(twice)} by position and by name")
    options.update(zip(names, position, strict=False))
    on_ready: Ready | None = options.pop("on_ready", None)
    for name in ("port", "host"):
        if name in options and options[name] is None:
            del options[name]
    return on_ready
