"""What a server may be told: limits, timeouts and options, checked once when they are made."""

from __future__ import annotations

import dataclasses
import difflib
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from .addresses import certificate, check_access, listening_sockets, unix_path
from .errors import ConfigError
from .proxies import HEADER_KINDS, parse_networks

if TYPE_CHECKING:
    import socket
    import ssl
    from typing import Self

__all__ = ("Limits", "ServerOptions", "Timeouts")

KIB: Final = 1024  # bytes
MIB: Final = 1024 * KIB  # bytes

MAX_URL_SIZE: Final = 65535  # bytes; httptools splits URLs with 16-bit offsets
MAX_HEAD_SIZE: Final = 16 * MIB  # bytes
MAX_SIZE: Final = 1024 * 1024 * MIB  # bytes; 1 TiB, well inside a C ssize_t
MAX_COUNT: Final = 2**31 - 1  # a C int
MAX_SECONDS: Final = 366 * 86400.0  # a year: more is a mistake of units
MAX_WORKERS: Final = 1024
MAX_THREADS: Final = 4096

ACCESS_LOGS: Final = ("text", "json")

RESERVED_DESCRIPTORS: Final = 64  # kept for listeners, logs and files when connections use up the rest
MAX_DEFAULT_CONNECTIONS: Final = 16384


def _check_int(name: str, value: object, low: int, high: int, unit: str) -> None:
    """Raise `ConfigError` unless `value` is an int (a bool is none) from `low` to `high`."""
    if type(value) is not int:
        raise ConfigError(f"{name} is {value!r}: write a whole number of {unit} from {low} to {high}")
    if not low <= value <= high:
        raise ConfigError(f"{name} is {value}: write a number of {unit} from {low} to {high}")


def _seconds(name: str, value: object, *, zero: bool) -> float:
    """Return `value` as seconds; it has to be a finite number over 0 (or 0 itself, where `zero`)."""
    least = "0 or more" if zero else "more than 0"
    if type(value) is not int and type(value) is not float:
        raise ConfigError(f"{name} is {value!r}: write a number of seconds, {least}")
    if not value <= MAX_SECONDS:  # not a number is not less than anything
        raise ConfigError(f"{name} is too long: write seconds up to {MAX_SECONDS:.0f} (a year)")
    if value < 0 or (value == 0 and not zero):
        raise ConfigError(f"{name} is {value!r}: write a number of seconds, {least}")
    return float(value)


# name -> smallest value, largest value, unit
_LIMIT_RANGES: Final[dict[str, tuple[int, int, str]]] = {
    "url_size": (1, MAX_URL_SIZE, "bytes"),
    "head_size": (64, MAX_HEAD_SIZE, "bytes"),
    "header_count": (1, MAX_COUNT, "headers"),
    "trailers": (0, MAX_HEAD_SIZE, "bytes"),
    "chunk_extensions": (0, MAX_SIZE, "bytes"),
    "body_size": (0, MAX_SIZE, "bytes"),
    "pipeline": (1, MAX_COUNT, "requests"),
    "connections": (1, MAX_COUNT, "connections"),
    "backlog": (1, MAX_COUNT, "connections"),
    "high_water": (1, MAX_SIZE, "bytes"),
    "max_backlog": (1, MAX_SIZE, "bytes"),
    "unread_body": (0, MAX_SIZE, "bytes"),
    "threads": (1, MAX_THREADS, "threads"),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds of what one server holds in memory; `ConfigError` for a value that is out of range.

    url_size: bytes of the request target; over it 414 (RFC 9110 §15.5.15).
    head_size: bytes of request line and header section together; over it 431 (RFC 6585 §5).
    header_count: header lines of one request; over it 431.
    trailers: bytes of the trailer section; None: as `head_size`.
    chunk_extensions: bytes of chunk extensions in one body; over it 400.
    body_size: bytes of a request body that is buffered (a route may set its own); over it 413.
    pipeline: requests that one connection may have waiting.
    connections: open connections; None: as many as the descriptor limit allows, see `connection_limit`.
    backlog: connections that the kernel queues before they are accepted.
    high_water: bytes unsent on one connection before awaited writes pause.
    max_backlog: bytes unsent on one connection before the slow-reader policy acts.
    unread_body: bytes of an unwanted body that are read and dropped to keep the connection.
    threads: handlers under `blocking=True` that run at once; further ones wait for one of them to end.
    """

    url_size: int = 8 * KIB
    head_size: int = 32 * KIB
    header_count: int = 100
    trailers: int | None = None
    chunk_extensions: int = 16 * KIB
    body_size: int = 4 * MIB
    pipeline: int = 16
    connections: int | None = None
    backlog: int = 2048
    high_water: int = 64 * KIB
    max_backlog: int = 1 * MIB
    unread_body: int = 256 * KIB
    threads: int = 40

    def __post_init__(self) -> None:
        for name, (low, high, unit) in _LIMIT_RANGES.items():
            value = getattr(self, name)
            if value is None and name in ("trailers", "connections"):
                continue
            _check_int(f"Limits.{name}", value, low, high, unit)
        if self.url_size > self.head_size:
            raise ConfigError(
                f"Limits.url_size is {self.url_size}, over head_size {self.head_size}: "
                "the request line is a part of the head, raise head_size too"
            )
        if self.high_water > self.max_backlog:
            raise ConfigError(
                f"Limits.high_water is {self.high_water}, over max_backlog {self.max_backlog}: "
                "writers must pause before the backlog is full, raise max_backlog too"
            )

    def trailer_limit(self) -> int:
        """Return how many bytes a trailer section may have: `trailers`, or `head_size` where that is None."""
        return self.head_size if self.trailers is None else self.trailers

    def connection_limit(self) -> int:
        """Return how many connections may be open: `connections`, or where that is None what fits.

        That is min(descriptors - 64, 16384), with the soft RLIMIT_NOFILE of this process.
        """
        if self.connections is not None:
            return self.connections
        return max(1, min(_descriptor_limit() - RESERVED_DESCRIPTORS, MAX_DEFAULT_CONNECTIONS))


def _descriptor_limit() -> int:
    """Return how many descriptors this process may open."""
    unlimited = MAX_DEFAULT_CONNECTIONS + RESERVED_DESCRIPTORS
    try:
        import resource  # noqa: PLC0415 - Windows has neither the module nor the limit
    except ImportError:
        return unlimited
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return unlimited if soft == resource.RLIM_INFINITY else soft


# those for which 0 means "do not wait"; for the others it would mean "never in time"
_ZERO_TIMEOUTS: Final = frozenset({"keep_alive", "peer", "shutdown", "stream_grace"})


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """How long a server waits, in seconds; `ConfigError` when a value is no number or out of range.

    head: for the whole head, from accept or from the first byte of a later request; then 408.
    body: for the next byte of a body; then 408. On top of it a body has to arrive with `body_rate` bytes
        a second on average, counted once `body_rate_after` seconds have gone by.
    keep_alive: for the next request on a connection; then it closes. 0: close after each response.
    write: for the client to take anything while bytes wait to be sent; then the connection is aborted.
    peer: for the client's machine to acknowledge what was sent to it (TCP_USER_TIMEOUT, RFC 5482), whole seconds
        on Linux; then the kernel drops the connection. 0: as the system has it.
    handler: for a handler to answer; then 503. None: no bound.
    shutdown: for running requests when the server stops. 0: do not wait.
    stream_grace: for open streams when the server stops. 0: do not wait.
    cleanup: for a handler that was cancelled to come to its end; then it is cancelled again.
    """

    head: float = 10.0
    body: float = 30.0
    body_rate: int = 240  # bytes a second
    body_rate_after: float = 10.0
    keep_alive: float = 75.0
    write: float = 30.0
    peer: float = 30.0
    handler: float | None = None
    shutdown: float = 30.0
    stream_grace: float = 5.0
    cleanup: float = 5.0

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            name = field.name
            value = getattr(self, name)
            if name == "body_rate":
                _check_int("Timeouts.body_rate", value, 0, MAX_COUNT, "bytes a second")
            elif not (value is None and name == "handler"):
                seconds = _seconds(f"Timeouts.{name}", value, zero=name in _ZERO_TIMEOUTS)
                object.__setattr__(self, name, seconds)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServerOptions:
    """All that one server is told; make it with `build()`, vary it with `replace()`.

    host, port: where to listen (port 0: the system picks one). "" and "::" are every address of the machine.
    unix_socket: a path to listen on instead, or "@name" for an abstract one (Linux). unix_mode: its permissions.
    unix_owner: (user, group), names or numbers, None for the one that stays as it is.
    sockets: listening sockets or descriptors of them, to be used instead and closed at the end.
    reuse_port: set SO_REUSEPORT, so that several processes may share the port. workers: processes.
    trust_proxy: addresses or networks (and "unix") whose forwarding headers are believed. proxy_headers: which.
    proxy_protocol: connections begin with a PROXY header, version 1 or 2.
    tls: (certificate file, key file), or an `ssl.SSLContext`.
    limits, timeouts: the bounds. access_log: a line for each request, as "text" (True) or "json".
    strict_slashes: `/cats` and `/cats/` are two paths. debug: checks, and pages that show what failed.
    """

    host: str = "127.0.0.1"
    port: int = 3000
    unix_socket: str | None = None
    unix_mode: int | None = None
    unix_owner: tuple[str | int | None, str | int | None] | None = None
    sockets: tuple[socket.socket | int, ...] = ()
    reuse_port: bool = False
    workers: int = 1
    trust_proxy: tuple[str, ...] = ()
    proxy_headers: str = "auto"
    proxy_protocol: bool = False
    tls: ssl.SSLContext | tuple[str, str] | None = None
    limits: Limits = Limits()
    timeouts: Timeouts = Timeouts()
    access_log: bool | str = False
    strict_slashes: bool = False
    debug: bool = False

    def __post_init__(self) -> None:
        self._check_address()
        self._check_bounds()
        for name in ("reuse_port", "proxy_protocol", "strict_slashes", "debug"):
            if type(getattr(self, name)) is not bool:
                raise ConfigError(f"{name} is {getattr(self, name)!r}: write True or False")
        if type(self.access_log) is not bool and self.access_log not in ACCESS_LOGS:
            raise ConfigError(
                f"access_log is {self.access_log!r}: write True, False, {' or '.join(map(repr, ACCESS_LOGS))}"
            )
        _check_int("workers", self.workers, 1, MAX_WORKERS, "processes")
        if self.proxy_headers not in HEADER_KINDS:
            raise ConfigError(f"proxy_headers is {self.proxy_headers!r}: write one of {', '.join(HEADER_KINDS)}")
        object.__setattr__(self, "trust_proxy", parse_networks(self.trust_proxy))
        object.__setattr__(self, "sockets", listening_sockets(self.sockets))
        if self.tls is not None:
            object.__setattr__(self, "tls", certificate(self.tls))

    def _check_address(self) -> None:
        host: object = self.host
        if not isinstance(host, str):
            raise ConfigError(f"host is {host!r}: write a name or address such as '127.0.0.1', or '' for all")
        _check_int("port", self.port, 0, 65535, "TCP ports")
        if self.unix_socket is not None:
            object.__setattr__(self, "unix_socket", unix_path(self.unix_socket))
            if self.reuse_port:
                raise ConfigError("reuse_port is for TCP: leave it out beside unix_socket")
        check_access(self.unix_socket, self.unix_mode, self.unix_owner)

    def _check_bounds(self) -> None:
        limits: object = self.limits
        if not isinstance(limits, Limits):
            raise ConfigError(f"limits is {limits!r}: write limits=Limits(body_size=...)")
        timeouts: object = self.timeouts
        if not isinstance(timeouts, Timeouts):
            raise ConfigError(f"timeouts is {timeouts!r}: write timeouts=Timeouts(head=...)")

    @classmethod
    def build(cls, **options: Any) -> Self:
        """Make the options of `server(**options)`; what is left out has its default.

        Two shorthands: `max_request_size=` (bytes) for `limits=Limits(body_size=...)` and `timeout=`
        (seconds) for `timeouts=Timeouts(handler=...)`. Raises `ConfigError` for an unknown option, for two
        that contradict each other, and for a value that its option cannot take.
        """
        return cls().replace(**options)

    def replace(self, **options: Any) -> Self:
        """Return these options with some of them set anew, by the rules of `build()`.

        A `host` or `port` given here takes the place of an earlier `unix_socket` or `sockets`, and the other
        way round.
        """
        _reject_unknown(options)
        _reject_conflicts(options)
        if "max_request_size" in options:
            options["limits"] = _shorthand(self.limits, "body_size", "max_request_size", options)
        if "timeout" in options:
            options["timeouts"] = _shorthand(self.timeouts, "handler", "timeout", options)
        if "host" in options or "port" in options:
            options = {"unix_socket": None, "unix_mode": None, "unix_owner": None, "sockets": (), **options}
        elif "unix_socket" in options:
            options.setdefault("sockets", ())
        return dataclasses.replace(self, **options)


_OPTIONS: Final = tuple(field.name for field in dataclasses.fields(ServerOptions))
_SHORTHANDS: Final = ("max_request_size", "timeout")

# options that cannot be given together, and what to write instead
_CONFLICTS: Final = (
    ("unix_socket", "port", "listen on one of them, leave the other out"),
    ("unix_socket", "host", "listen on one of them, leave the other out"),
    ("sockets", "port", "a socket has its address, leave the other out"),
    ("sockets", "host", "a socket has its address, leave the other out"),
    ("sockets", "unix_socket", "a socket has its address, leave the other out"),
    ("max_request_size", "limits", "write limits=Limits(body_size=...)"),
    ("timeout", "timeouts", "write timeouts=Timeouts(handler=...)"),
)


def _reject_unknown(options: Iterable[str]) -> None:
    for name in options:
        if name in _OPTIONS or name in _SHORTHANDS:
            continue
        near = difflib.get_close_matches(name, (*_OPTIONS, *_SHORTHANDS), n=3)
        known = ", ".join(_OPTIONS + _SHORTHANDS)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known are {known}"
        raise ConfigError(f"there is no option {name}: {hint}")


def _reject_conflicts(options: dict[str, Any]) -> None:
    for one, other, instead in _CONFLICTS:
        if options.get(one) not in (None, ()) and options.get(other) is not None:
            raise ConfigError(f"{one} and {other} are given together: {instead}")


def _shorthand(base: Any, field: str, name: str, options: dict[str, Any]) -> Any:
    """Return `base` with `field` set from the shorthand `name`, which is taken out of `options`."""
    try:
        return dataclasses.replace(base, **{field: options.pop(name)})
    except ConfigError as error:
        raise ConfigError(f"{name}: {error}") from None
