"""metrics(): what Prometheus is told, for whole answers and for streams."""

import asyncio

import pytest

from kito import ConfigError, server
from kito.middlewares import prometheus
from kito.middlewares.prometheus import metrics
from tests.conftest import require_module
from tests.support.wire import until

pytestmark = pytest.mark.wirings("uvloop-tcp", "asyncio-tcp")


def measured_app():
    require_module("prometheus_client")
    app = server()
    measured = metrics(app)
    app.use(measured)
    app.get("/metrics", measured.handler)
    app.get("/whole", lambda: "whole")
    app.get("/fails", lambda: 1 / 0)

    @app.get("/events")
    async def events(res):
        await asyncio.sleep(0.02)
        sse = res.sse(overflow="latest")
        for _ in range(3):
            sse.send("x")
            await asyncio.sleep(0.01)
        sse.close()

    return app


async def scrape(site, *fields):
    """The samples that /metrics tells, by name and labels."""
    parser = require_module("prometheus_client.parser")
    answer = await site.get("/metrics", *fields)
    assert answer.status == 200
    found = {}
    for family in parser.text_string_to_metric_families(answer.body.decode()):
        for sample in family.samples:
            found[sample.name, *sorted(sample.labels.items())] = sample.value
    return found


async def test_what_is_told(net):
    async with net.serving(measured_app()) as site:
        for path in ("/whole", "/whole", "/fails", "/events", "/nowhere"):
            await site.get(path)
        found = await scrape(site)
        stats = site.app.stats
    net.logged("/fails failed")
    requests = {
        status: found["kito_request_duration_seconds_count", ("method", "GET"), ("status", status)]
        for status in ("200", "404", "500")
    }
    assert requests == {"200": 3, "404": 1, "500": 1}
    assert found["kito_streams_opened_total",] == 1
    assert found["kito_streams_open",] == 0
    assert found["kito_streams_ended_total", ("reason", "ended")] == 1
    assert found["kito_events_total",] == 3
    assert found["kito_body_bytes_total",] > 0
    assert found["kito_connections",] >= 1
    assert found["kito_connections_accepted_total",] == 6
    assert found["kito_events_dropped_total",] == found["kito_backlog_bytes",] == 0
    assert found["kito_stream_time_to_head_seconds_count",] == stats["time_to_head"]["count"] == 1
    assert found["kito_stream_time_to_head_seconds_sum",] >= 0.015
    assert found["kito_stream_time_to_head_seconds_bucket", ("le", "0.001")] == 0
    assert found["kito_stream_time_to_head_seconds_bucket", ("le", "+Inf")] == 1
    assert found["kito_stream_time_to_first_seconds_count",] == 1
    assert found["kito_stream_gap_seconds_count",] == 2


async def test_a_stream_counts_as_long_as_its_head_took(net):
    app = measured_app()
    go_on = asyncio.Event()

    @app.get("/open")
    async def open_(res):
        stream = res.stream()
        stream.write("x")
        await go_on.wait()
        stream.end()

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/open")
        await wire.head()
        found = await scrape(site)
        assert found["kito_streams_open",] == 1
        assert found["kito_request_duration_seconds_count", ("method", "GET"), ("status", "200")] == 1
        go_on.set()
        await wire.chunks()


async def test_a_client_that_leaves_before_the_head(net):
    app = measured_app()
    go_on = asyncio.Event()

    @app.get("/slow")
    async def slow():
        await go_on.wait()
        return "late"

    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.get("/slow")
        await until(lambda: app.stats["requests"] == 1)
        wire.reset()
        await until(lambda: app.stats["connections"] == 0)
        go_on.set()
        assert (await scrape(site))["kito_requests_unanswered_total", ("method", "GET")] == 1


async def test_the_format_is_what_the_request_prefers(net):
    async with net.serving(measured_app()) as site:
        answer = await site.get("/metrics", "accept: application/openmetrics-text; version=1.0.0")
    assert answer.head.get("content-type").startswith("application/openmetrics-text")
    assert answer.body.endswith(b"# EOF\n")


def test_without_its_package_it_says_what_is_missing(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(prometheus.importlib, "import_module", missing)
    with pytest.raises(ConfigError, match=r"pip install 'kito-server\[metrics\]'"):
        metrics(server())


def test_a_server_that_does_not_run_has_nothing_to_tell():
    client = require_module("prometheus_client")
    measured = metrics(server(), prefix="other")
    assert b"other_connections" not in client.generate_latest(measured.registry)
