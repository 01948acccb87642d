"""Requests that are refused: the right status as JSON, then a close in stages; never a hang, never a second answer."""

import asyncio
import json

import pytest

from kito import Limits, server
from tests.support.wire import until

KIB = 1024
HEAD = b"POST / HTTP/1.1\r\nhost: a\r\n"

REFUSED = {
    "no request line": (b"hello\r\n\r\n", (400, 501)),
    "binary": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", (400, 501)),
    "no version": (b"GET /\r\n\r\n", (400,)),
    "another protocol": (b"GET / RTSP/1.0\r\nhost: a\r\n\r\n", (400, 505)),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", (400,)),
    "two hosts": (b"GET / HTTP/1.1\r\nhost: a\r\nhost: a\r\n\r\n", (400,)),
    "a bad host": (b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", (400,)),
    "a space before the colon": (b"GET / HTTP/1.1\r\nhost: a\r\nx : y\r\n\r\n", (400,)),
    "a folded line": (b"GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n z\r\n\r\n", (400,)),
    "a bare CR": (b"GET / HTTP/1.1\r\nhost: a\r\nx: y\rz\r\n\r\n", (400,)),
    "a bare LF": (b"GET / HTTP/1.1\nhost: a\n\n", (400,)),
    "a NUL": (b"GET / HTTP/1.1\r\nhost: a\r\nx: \x00\r\n\r\n", (400,)),
    "two lengths": (HEAD + b"content-length: 1\r\ncontent-length: 2\r\n\r\nab", (400,)),
    "a length that is none": (HEAD + b"content-length: +1\r\n\r\na", (400,)),
    "length and chunked": (HEAD + b"content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
    "chunked before HTTP/1.1": (b"POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
    "a bad chunk size": (HEAD + b"transfer-encoding: chunked\r\n\r\nxyz\r\n", (400,)),
    "a chunk without its end": (HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n", (400,)),
    "a declared body too long": (HEAD + b"content-length: 1001\r\n\r\n", (413,)),
    "a length beyond numbers": (HEAD + b"content-length: 18446744073709551615\r\n\r\n", (400, 413)),
    "a chunked body too long": (HEAD + b"transfer-encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001 + b"\r\n", (413,)),
    "a target too long": (b"GET /" + b"x" * 500 + b" HTTP/1.1\r\nhost: a\r\n\r\n", (414,)),
    "an endless target": (b"GET /" + b"x" * 5000, (414,)),
    "a field too long": (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 4000 + b"\r\n\r\n", (431,)),
    "an endless field": (b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 9000, (431,)),
    "too many fields": (b"GET / HTTP/1.1\r\nhost: a\r\n" + b"x: y\r\n" * 20 + b"\r\n", (431,)),
    "an unknown coding": (HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n", (501,)),
    "chunked twice": (HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", (400,)),
    "chunked not last": (HEAD + b"transfer-encoding: chunked, gzip\r\n\r\n", (400, 501)),
    "no chunked at all": (HEAD + b"transfer-encoding: gzip\r\n\r\n", (400, 501)),
    "an unknown method": (b"BREW / HTTP/1.1\r\nhost: a\r\n\r\n", (501,)),
    "CONNECT": (b"CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n", (501,)),
    "HTTP/2.0": (b"GET / HTTP/2.0\r\nhost: a\r\n\r\n", (505,)),
    "HTTP/1.2": (b"GET / HTTP/1.2\r\nhost: a\r\n\r\n", (505,)),
    "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 501, 505)),
}
LIMITS = Limits(body_size=1000, url_size=500, head_size=2 * KIB, header_count=20)


def small():
    """An app with tight limits that counts whom it serves."""
    app = server(limits=LIMITS)
    app.served = []
    app.all("/", lambda req: app.served.append(req.url) or "served")
    return app


async def check_refusal(wire, statuses):
    answer = await wire.answer()
    assert answer.status in statuses
    assert answer.head.get("content-type") == "application/json"
    assert answer.head.get("connection") == "close"
    assert set(json.loads(answer.body)) <= {"error", "message"}
    await wire.ended()


@pytest.mark.wirings("uvloop-tcp", "asyncio-unix")
@pytest.mark.parametrize("name", REFUSED)
async def test_it_is_refused_once_and_the_connection_closes(net, name):
    data, statuses = REFUSED[name]
    app = small()
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(data)
        await check_refusal(wire, statuses)
        assert app.served == []
        wire.close()
        await until(lambda: not app.stats["connections"])


@pytest.mark.wirings("uvloop-tcp", "asyncio-unix")
@pytest.mark.parametrize("name", REFUSED)
async def test_it_is_refused_byte_by_byte_too(net, name):
    data, statuses = REFUSED[name]
    async with net.serving(small()) as site:
        wire = await site.connect()
        for index in range(0, len(data), max(1, len(data) // 60)):
            if wire.arrived():
                break
            await wire.send(data[index : index + max(1, len(data) // 60)])
            await asyncio.sleep(0)
        await check_refusal(wire, statuses)


@pytest.mark.parametrize("name", REFUSED)
async def test_the_answers_that_are_owed_come_first(net, name):
    data, statuses = REFUSED[name]
    app = small()
    async with net.serving(app) as site:
        wire = await site.connect()
        good = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n"
        await wire.send(good * 2 + data + good)
        for _ in range(2):
            assert (await wire.answer()).body == b"served"
        await check_refusal(wire, statuses)
        assert len(app.served) == 2


JUST_FITS = {
    "the target": b"GET /?" + b"x" * 498 + b" HTTP/1.1\r\nhost: a\r\n\r\n",
    "the fields": b"GET / HTTP/1.1\r\nhost: a\r\n" + b"x: y\r\n" * 19 + b"\r\n",
    "the body": HEAD + b"content-length: 1000\r\n\r\n" + b"x" * 1000,
    "the chunks": HEAD + b"transfer-encoding: chunked\r\n\r\n3e8\r\n" + b"x" * 1000 + b"\r\n0\r\n\r\n",
    "an empty line first": b"\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
    "no host before HTTP/1.1": b"GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n",
}


@pytest.mark.parametrize("name", JUST_FITS)
async def test_what_just_fits_is_served(net, name):
    async with net.serving(small()) as site:
        wire = await site.connect()
        for _ in range(2):
            await wire.send(JUST_FITS[name])
            assert (await wire.answer()).body == b"served"


async def test_the_refusal_arrives_though_the_client_goes_on_sending(net):
    """A reset would destroy the answer on its way (RFC 9112 section 9.6)."""
    async with net.serving(small()) as site:
        wire = await site.connect()
        await wire.send(HEAD + b"content-length: 200000\r\n\r\n")
        for _ in range(20):  # less than Limits.unread_body
            await wire.send(b"x" * 10_000)
            await asyncio.sleep(0)
        await check_refusal(wire, (413,))


async def test_a_client_that_waits_for_100_is_refused_at_once(net):
    async with net.serving(small()) as site:
        wire = await site.connect()
        await wire.send(HEAD + b"content-length: 1001\r\nexpect: 100-continue\r\n\r\n")
        await check_refusal(wire, (413,))


async def test_a_refusal_does_not_repeat_raw_bytes(net):
    async with net.serving(small()) as site:
        wire = await site.connect()
        await wire.send(b"GET / HTTP/1.1\r\nhost: <script>\x01</script>\r\n\r\n")
        answer = await wire.answer()
        assert answer.status == 400
        assert b"<script>" not in answer.body


async def test_bytes_behind_a_last_request_are_nobody_s(net):
    app = small()
    async with net.serving(app) as site:
        wire = await site.connect()
        await wire.send(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\nGET /again HTTP/1.1\r\nhost: a\r\n\r\n")
        answer = await wire.answer()
        assert answer.head.get("connection") == "close"
        await wire.ended()
        assert app.served == ["/"]


async def test_an_upgrade_is_ignored_and_what_follows_is_served(net):
    app = small()
    async with net.serving(app) as site:
        wire = await site.connect()
        upgrade = b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"
        await wire.send(upgrade + b"GET /?next HTTP/1.1\r\nhost: a\r\n\r\n")
        for _ in range(2):
            assert (await wire.answer()).body == b"served"
        assert app.served == ["/", "/?next"]
