"""Access log: a line for each request when it is over, as text or JSON, with nothing raw of what a client sent."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from ..chains import middleware
from ..errors import ConfigError

if TYPE_CHECKING:
    from .._core.tally import StreamEnd
    from ..chains import Middleware, Next
    from ..request import Context, Request
    from ..response import Response

__all__ = ("access_log", "show_access_log")

LOGGER: Final = "kito.access"
MAX_VALUE: Final = 2048  # characters of a target or header that are logged; the rest of a longer one is left out

_UNSAFE: Final = re.compile(r'[^ -~]|["\\]')  # what could end a field or a line, or drive a terminal
_to_json: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=True).encode  # DEL and beyond escaped, too


def access_log(kind: str = "text", *, logger: logging.Logger | None = None) -> Middleware:
    """Return a middleware that logs each request when it is over: a stream at its end, with the reason.

    `kind` is "text" or "json". Lines go to `logger`, `logging.getLogger("kito.access")` by default, at level
    INFO. Put it outermost: what the middlewares around it take, and how long they take, it does not see.
    Raises `ConfigError` for another kind.
    """
    if kind not in _LINES:
        raise ConfigError(f"the access log is {kind!r}: write one of {', '.join(map(repr, _LINES))}")
    line = _LINES[kind]
    target = logging.getLogger(LOGGER) if logger is None else logger

    def log(ctx: Context, next: Next) -> Any:
        if target.isEnabledFor(logging.INFO):
            entry = _Entry(ctx.req, ctx.res, target, line)
            ctx.res.on_head(entry.head)
            ctx.res.on_finish(entry.finish)
        return next()

    return middleware(log)


class _Entry:
    """One request on its way to its line."""

    __slots__ = ("_began", "_client", "_head_s", "_line", "_logger", "_req", "_res", "_time")

    def __init__(
        self, req: Request, res: Response, logger: logging.Logger, line: Callable[[dict[str, Any]], str]
    ) -> None:
        self._time = time.time()
        self._began = time.perf_counter()
        self._head_s: float | None = None  # None: there was no head yet
        self._client = req.ip  # later the connection may be gone
        self._req = req
        self._res = res
        self._logger = logger
        self._line = line

    def head(self, _res: Response) -> None:
        self._head_s = time.perf_counter() - self._began

    def finish(self, end: StreamEnd) -> None:
        total = time.perf_counter() - self._began
        req, res = self._req, self._res
        self._logger.info(
            "%s",
            self._line(
                {
                    "time": datetime.fromtimestamp(self._time, UTC).isoformat(timespec="milliseconds"),
                    "client": self._client,
                    "method": req.method,
                    "target": req.url[:MAX_VALUE],
                    "version": req.http_version,
                    "status": None if self._head_s is None else res.status_code,
                    "bytes": end.bytes_sent,
                    "head_ms": None if self._head_s is None else round(self._head_s * 1000, 3),
                    "total_ms": round(total * 1000, 3),
                    "end": end.reason,
                    "user_agent": _short(req.header("user-agent")),
                    "request_id": _short(res.get("x-request-id") or req.header("x-request-id")),
                }
            ),
        )


def _short(value: str | None) -> str | None:
    return None if value is None else value[:MAX_VALUE]


def _as_text(entry: dict[str, Any]) -> str:
    said = {name: "-" if value is None else escaped(str(value)) for name, value in entry.items()}
    return (
        '{time} {client} "{method} {target} HTTP/{version}" {status} {bytes} {head_ms} {total_ms} {end} '
        '"{user_agent}" "{request_id}"'
    ).format_map(said)


def escaped(text: str) -> str:
    r"""Return text in printable ASCII: a quote, and whatever else, is `\xNN` or `\uNNNN`, a backslash is two."""
    return _UNSAFE.sub(lambda found: found[0].encode("unicode_escape").decode().replace('"', "\\x22"), text)


_LINES: Final[dict[str, Callable[[dict[str, Any]], str]]] = {"text": _as_text, "json": _to_json}


def show_access_log(*, alone: bool = False) -> None:
    """Let lines that were asked for be seen: on standard output, unless `logging` is set up to take them.

    `alone` says that handlers of the loggers above do not count, because they would put something before a line.
    """
    logger = logging.getLogger(LOGGER)
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    if not (logger.handlers if alone else logger.hasHandlers()):
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.propagate = False
