"""The middlewares that guard an app, over the wire: security headers, ids, rates, times and hosts."""

import asyncio

import pytest

from kito import server
from kito.errors import ConfigError
from kito.middlewares import rate_limit, request_id, security_headers, timeout, trusted_host
from kito.middlewares.rates import Buckets
from tests.support.wire import request

pytestmark = pytest.mark.wirings("uvloop-tcp")


def app_with(*middlewares):
    app = server(trust_proxy="127.0.0.1")
    return app.use(*middlewares).get("/", lambda: "x")


# === security_headers ===


async def test_security_headers_are_set_unless_a_handler_has_set_its_own(net):
    app = app_with(
        security_headers(
            hsts=60, content_security_policy="default-src 'self'", headers={"Referrer-Policy": None, "x-a": "1"}
        )
    )
    app.get("/own", lambda res: res.header("x-frame-options", "SAMEORIGIN").text("x"))
    async with net.serving(app) as site:
        fields = dict((await site.get("/")).head.fields)
        assert fields["x-content-type-options"] == "nosniff"
        assert fields["x-frame-options"] == "DENY"
        assert fields["cross-origin-opener-policy"] == fields["cross-origin-resource-policy"] == "same-origin"
        assert fields["content-security-policy"] == "default-src 'self'"
        assert fields["x-a"] == "1"
        assert not fields.keys() & {"referrer-policy", "permissions-policy", "strict-transport-security"}
        assert (await site.get("/own")).head.get("x-frame-options") == "SAMEORIGIN"
        assert (await site.get("/nowhere")).head.get("x-frame-options") == "DENY"
        secure = await site.get("/", "x-forwarded-proto: https")
        assert secure.head.get("strict-transport-security") == "max-age=60; includeSubDomains"
    with pytest.raises(ConfigError, match="hsts"):
        security_headers(hsts=-1)


# === request_id ===


async def test_each_request_has_an_id_in_its_context_and_its_answer(net):
    app = app_with(request_id())
    app.get("/id", lambda ctx: ctx.request_id)
    async with net.serving(app) as site:
        one, two = await site.get("/id", "x-request-id: mine"), await site.get("/id")
        assert one.head.get("x-request-id") == one.body.decode() != two.body.decode()
        assert len(one.body) == 32
        assert (await site.get("/nowhere")).head.get("x-request-id")


async def test_the_id_of_a_proxy_is_taken_where_it_is_trusted_and_sound(net):
    app = app_with(request_id(header="x-trace", trust=True, make=lambda: "made"))
    async with net.serving(app) as site:
        for sent, answered in (("a-1._~+/=", "a-1._~+/="), ("a b", "made"), ("x" * 129, "made"), ("", "made")):
            assert (await site.get("/", f"x-trace: {sent}")).head.get("x-trace") == answered


# === rate_limit ===


async def test_over_the_rate_it_is_a_429_that_says_when_to_come_back(net):
    now = [100.0]
    app = app_with(rate_limit(2, per=10, clock=lambda: now[0]))
    async with net.serving(app) as site:

        async def ask(client="1.2.3.4"):
            answer = await site.get("/", f"x-forwarded-for: {client}")
            return answer.status, answer.head.get("ratelimit"), answer.head.get("retry-after")

        assert await ask() == (200, '"default";r=1;t=5', None)
        assert await ask() == (200, '"default";r=0;t=10', None)
        assert await ask() == (429, '"default";r=0;t=5', "5")
        assert await ask("1.2.3.5") == (200, '"default";r=1;t=5', None)
        now[0] += 4.5
        assert await ask() == (429, '"default";r=0;t=1', "1")
        now[0] += 0.5
        assert await ask() == (200, '"default";r=0;t=10', None)
        now[0] += 1000
        assert await ask() == (200, '"default";r=1;t=5', None)
        assert (await site.get("/")).head.get("ratelimit-policy") == '"default";q=2;w=10'


async def test_those_with_one_key_are_limited_together(net):
    app = app_with(rate_limit(1, per=60))
    async with net.serving(app) as site:
        for client, status in (
            ("2001:db8:1:2::1", 200),
            ("2001:db8:1:2:ffff::9", 429),
            ("2001:db8:1:3::1", 200),
            ("9.9.9.9", 200),
        ):
            assert (await site.get("/", f"x-forwarded-for: {client}")).status == status
    keyed = app_with(rate_limit(1, key=lambda req: req.header("x-key"), name="by key", burst=2))
    async with net.serving(keyed) as site:
        assert [(await site.get("/", "x-key: a")).status for _ in range(3)] == [200, 200, 429]
        free = await site.get("/")
        assert (free.status, free.head.get("ratelimit")) == (200, None)


def test_the_table_of_clients_is_bounded():
    buckets = Buckets(1, 1, 3, lambda: 0.0)
    for key in "abcdef":
        assert buckets.take(key) == 0
        assert len(buckets) <= 3
    assert buckets.take("f") == -1  # it is still known
    assert buckets.take("a") == 0  # it was forgotten


def test_rates_that_cannot_be_meant_are_told():
    for options in ({"limit": 0}, {"limit": 1, "per": 0}, {"limit": 1, "burst": -1}, {"limit": 1, "max_clients": 0}):
        with pytest.raises(ConfigError, match="above 0"):
            rate_limit(**options)
    with pytest.raises(ConfigError, match="name"):
        rate_limit(1, name='a"b')


# === timeout ===


@pytest.mark.parametrize("status", [503, 504])
async def test_an_answer_that_does_not_begin_in_time_is_given_up(net, status):
    app = server().use(timeout(0.01, status=status))
    over = []

    @app.get("/slow")
    async def slow():
        try:
            await asyncio.Event().wait()
        finally:
            over.append("cancelled")

    @app.get("/own")
    async def own():
        raise TimeoutError

    @app.get("/mends")
    async def mends(res):
        try:
            await asyncio.Event().wait()
        finally:
            res.status(202).text("after all")

    app.get("/", lambda: "x")
    async with net.serving(app) as site:
        assert (await site.get("/slow")).status == status
        assert over == ["cancelled"]
        assert (await site.get("/")).body == b"x"
        assert (await site.get("/own")).status == 500
        assert (await site.get("/mends")).status == 202
    net.logged("GET /own failed")


async def test_an_open_stream_is_never_cut(net):
    app = server().use(timeout(0.01))

    @app.get("/")
    async def stream(res):
        async with res.stream() as body:
            await body.write("begun")
            await asyncio.sleep(0.1)
            await body.write("ended")

    async with net.serving(app) as site:
        assert (await site.get("/")).chunks == [b"begun", b"ended"]


def test_times_that_cannot_be_meant_are_told():
    for mistake in (lambda: timeout(0), lambda: timeout(-1), lambda: timeout(1, status=500)):
        with pytest.raises(ConfigError, match="timeout"):
            mistake()


# === trusted_host ===


async def test_other_hosts_are_refused(net):
    app = server().use(trusted_host("example.com", "*.example.org")).get("/", lambda: "x")
    async with net.serving(app) as site:
        for host, status in (
            ("example.com", 200),
            ("EXAMPLE.com:3000", 200),
            ("a.b.example.org", 200),
            ("example.org", 400),
            ("evil.com", 400),
            ("example.com.evil.com", 400),
        ):
            wire = await site.connect()
            await wire.send(request("/").replace(b"kito.test", host.encode()))
            assert (await wire.answer()).status == status, host


def test_hosts_that_cannot_be_meant_are_told():
    for hosts in ((), ("a:80",), ("*",), ("http://a",)):
        with pytest.raises(ConfigError, match="trusted_host"):
            trusted_host(*hosts)
