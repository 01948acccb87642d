"""metrics: counts and times for Prometheus, by the package prometheus-client."""

from __future__ import annotations

import importlib
import time
from collections.abc import Awaitable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..errors import ConfigError

if TYPE_CHECKING:
    from .._core.tally import StreamEnd
    from ..chains import Next
    from ..request import Context, Request
    from ..response import Response

__all__ = ("Metrics", "metrics")

BUCKETS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

# of `stats`: its key, our name and kind, and what it says
_TOTALS: Final = (
    ("connections", "connections", "gauge", "Open connections."),
    ("accepted", "connections_accepted", "counter", "Connections accepted."),
    ("backlog", "backlog_bytes", "gauge", "Bytes written that clients have not taken yet."),
    ("streams_open", "streams_open", "gauge", "Open streams."),
    ("streams_opened", "streams_opened", "counter", "Streams opened."),
    ("events", "events", "counter", "Events sent."),
    ("body_bytes", "body_bytes", "counter", "Bytes of response bodies."),
    ("dropped", "events_dropped", "counter", "Events dropped because their reader was behind."),
)
_TIMES: Final = (
    ("time_to_head", "stream_time_to_head_seconds", "From a handler's start to the head of its stream."),
    ("time_to_first", "stream_time_to_first_seconds", "From a handler's start to its first chunk or event."),
    ("gaps", "stream_gap_seconds", "Between loop turns in which a stream wrote something."),
)


class HasStats(Protocol):
    """A server, as far as its numbers go."""

    @property
    def stats(self) -> dict[str, Any]:
        """Counts since start."""


def metrics(
    app: HasStats, *, registry: Any = None, prefix: str = "kito", buckets: Sequence[float] = BUCKETS_S
) -> Metrics:
    """Return a middleware that measures requests, with a `handler` that answers with all that is measured.

    `app.use(measured := metrics(app))` and `app.get("/metrics", measured.handler)`. `registry` is a
    `prometheus_client.CollectorRegistry`, None: one of its own. Raises `ConfigError` without prometheus-client.
    """
    return Metrics(app, registry, prefix, buckets)


class Metrics:
    """The middleware and the handler; made by `metrics()`.

    The latency of a request is the time to the head of its response, for streams too: how long somebody then
    listens is no latency.
    """

    def __init__(self, app: HasStats, registry: Any, prefix: str, buckets: Sequence[float]) -> None:
        try:
            client = importlib.import_module("prometheus_client")
        except ModuleNotFoundError:
            raise ConfigError(
                "metrics: the package prometheus-client is missing: pip install 'kito-server[metrics]'"
            ) from None
        self.registry = client.CollectorRegistry() if registry is None else registry
        self._exposition = importlib.import_module("prometheus_client.exposition")
        self._latency = client.Histogram(
            f"{prefix}_request_duration_seconds",
            "From a request to the head of its response.",
            ("method", "status"),
            registry=self.registry,
            buckets=buckets,
        )
        self._unanswered = client.Counter(
            f"{prefix}_requests_unanswered",
            "Requests whose client left before the head of a response.",
            ("method",),
            registry=self.registry,
        )
        self.registry.register(_Totals(app, prefix, importlib.import_module("prometheus_client.core")))

    def __call__(self, ctx: Context, next: Next) -> Awaitable[None]:
        """Measure one request."""
        method, res, started = ctx.req.method, ctx.res, time.perf_counter()
        told = False

        def head(res: Response) -> None:
            nonlocal told
            told = True
            self._latency.labels(method, res.status_code).observe(time.perf_counter() - started)

        def finish(_end: StreamEnd) -> None:
            if not told:
                self._unanswered.labels(method).inc()

        res.on_head(head)
        res.on_finish(finish)
        return next()

    def handler(self, req: Request, res: Response) -> None:
        """Answer with everything in the registry, in the format that the request prefers."""
        encode, content_type = self._exposition.choose_encoder(req.header("accept") or "")
        res.header("content-type", content_type).send(encode(self.registry))


class _Totals:
    """The numbers of `app.stats`, read when somebody asks for them."""

    def __init__(self, app: HasStats, prefix: str, core: Any) -> None:
        self._app = app
        self._prefix = prefix
        self._core = core

    def describe(self) -> list[Any]:
        """Tell the registry nothing ahead: it would collect to learn the names."""
        return []

    def collect(self) -> Iterator[Any]:
        """Give every total as a family of its own."""
        stats = self._app.stats
        if not stats:
            return  # it does not run
        for key, name, kind, text in _TOTALS:
            family = self._core.GaugeMetricFamily if kind == "gauge" else self._core.CounterMetricFamily
            yield family(f"{self._prefix}_{name}", text, value=stats[key])
        ended = self._core.CounterMetricFamily(
            f"{self._prefix}_streams_ended", "Streams that are over, by how they ended.", labels=("reason",)
        )
        for reason, count in stats["ends"].items():
            ended.add_metric((reason,), count)
        yield ended
        for key, name, text in _TIMES:
            yield self._histogram(f"{self._prefix}_{name}", text, stats[key])

    def _histogram(self, name: str, text: str, times: dict[str, Any]) -> Any:
        """Return a histogram in Prometheus' way, where each bucket holds those below it."""
        below, cumulative = 0, []
        for bound, count in times["buckets"].items():
            below += count
            cumulative.append((self._bound(bound), below))
        return self._core.HistogramMetricFamily(name, text, buckets=cumulative, sum_value=times["sum"])

    def _bound(self, seconds: float) -> str:
        return "+Inf" if seconds == float("inf") else f"{seconds:g}"
