"""Behind nginx, with the configuration that the guide prints, and with the least there is."""

import asyncio
import zlib
from contextlib import asynccontextmanager

import pytest

from kito import server
from tests.serving.nginx import BARE, accepts, asked, compression, nginx, site
from tests.support.wire import soon, until

BLOCKS = {"guide": site, "bare": lambda: BARE}


class Application:
    """What stands behind nginx: each stream goes on when its test says so."""

    def __init__(self, net):
        self.more = asyncio.Event()
        self.ends = []
        self.app = server(unix_socket=net.folder / "kito.sock", unix_mode=0o660, trust_proxy="unix")
        self.app.get("/", lambda req: [req.ip, list(req.ips), req.protocol, req.hostname])
        self.app.sse("/events", self.events)
        self.app.get("/plain", self.plain)
        self.app.get("/cut", self.cut)
        self.app.get("/quiet", self.quiet)
        self.pieces = []
        self.app.post("/upload", self.upload, stream_body=True)

    async def events(self):
        yield "first"
        await self.more.wait()
        yield "second"

    async def plain(self, res):
        async with res.type("text").header("x-accel-buffering", "no").stream() as stream:
            stream.on_close(lambda end: self.ends.append(end.reason))
            await stream.write("first")
            await self.more.wait()
            await stream.write("second")

    async def upload(self, req):
        async for piece in req.stream():
            self.pieces.append(piece)
        return f"{sum(map(len, self.pieces))} bytes"

    async def cut(self, res):
        stream = res.type("text").header("x-accel-buffering", "no").stream()
        await stream.write("half")
        await self.more.wait()
        stream.abort()

    async def quiet(self, res):
        sse = res.sse(heartbeat=1)
        sse.send("first")
        await self.more.wait()
        sse.send("second")
        sse.close()


@pytest.fixture
def behind(net, tmp_path):
    """`behind(...)` runs the app and nginx in front of it, with arguments of `nginx()`; yields app and address."""

    @asynccontextmanager
    async def run(block=None, more="", **options):
        application = Application(net)
        async with application.app.running() as path:
            with nginx(tmp_path, path, block or site(), more, **options) as address:
                await until(lambda: accepts(address))
                yield application, address

    return run


async def body_of(reader, writer):
    answer = await soon(reader.read())
    writer.close()
    return answer.partition(b"\r\n\r\n")[2].decode()


async def test_who_asks_is_told_and_cannot_lie(behind):
    async with behind() as (_, address):
        plain = '["127.0.0.1",["127.0.0.1"],"http","kito.test"]'
        assert await body_of(*await asked(address, "/")) == plain
        lies = ("x-forwarded-for: 10.0.0.1", "x-forwarded-proto: https", "x-forwarded-host: evil.test")
        assert await body_of(*await asked(address, "/", *lies)) == plain
        assert await body_of(*await asked(address, "/", "forwarded: for=10.0.0.1;proto=https")) == plain


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("path", ["/events", "/plain"])
async def test_each_piece_passes_at_once(behind, block, path):
    async with behind(BLOCKS[block]()) as (application, address):
        reader, writer = await asked(address, path)
        await soon(reader.readuntil(b"first"))  # before there is a second
        application.more.set()
        assert b"second" in await soon(reader.read())
        writer.close()


async def test_connections_to_the_server_are_used_again(behind):
    async with behind() as (application, address):
        for _ in range(5):
            await body_of(*await asked(address, "/"))
        application.more.set()
        await body_of(*await asked(address, "/events"))  # a stream that has ended frees its connection, too
        await body_of(*await asked(address, "/"))
        assert application.app.stats["accepted"] == 1


@pytest.mark.parametrize("block", BLOCKS)
async def test_who_leaves_is_noticed(behind, block):
    async with behind(BLOCKS[block]()) as (application, address):
        reader, writer = await asked(address, "/plain")
        await soon(reader.readuntil(b"first"))
        writer.close()
        await until(lambda: application.ends == ["client_left"])


@pytest.mark.parametrize("block", BLOCKS)
async def test_a_cut_stays_a_cut_over_http_1_1(behind, block):
    async with behind(BLOCKS[block](), cuts=block == "guide") as (application, address):
        reader, writer = await asked(address, "/cut")
        await soon(reader.readuntil(b"half"))
        application.more.set()
        whole = (await soon(reader.read())).endswith(b"0\r\n\r\n")
        writer.close()
    assert whole == (block == "bare")  # which the guide warns of


@pytest.mark.parametrize("buffered", [True, False])
async def test_uploads_are_handed_on_as_they_come_if_nginx_is_told_so(behind, buffered):
    told = "" if buffered else "proxy_request_buffering off; "
    async with behind(site().replace("proxy_pass", told + "proxy_pass")) as (application, address):
        reader, writer = await asyncio.open_connection(*address)
        writer.write(b"POST /upload HTTP/1.1\r\nhost: kito.test\r\ncontent-length: 2\r\nconnection: close\r\n\r\n1")
        if not buffered:
            await until(lambda: application.pieces == [b"1"])  # before there is a second
        writer.write(b"2")
        assert await body_of(reader, writer) == "2 bytes"
        assert application.pieces == ([b"12"] if buffered else [b"1", b"2"])


async def test_heartbeats_keep_a_quiet_stream_open(behind):
    block = site().replace("proxy_pass", "proxy_read_timeout 3s; proxy_pass")
    async with behind(block) as (application, address):
        reader, writer = await asked(address, "/quiet")
        await soon(reader.readuntil(b"data: first\n\n"))
        for _ in range(3):  # of them nginx would have seen none
            await soon(reader.readuntil(b":\n\n"))
        application.more.set()
        assert b"data: second" in await soon(reader.read())
        writer.close()


async def test_compressed_by_nginx_an_event_is_readable_on_arrival(behind):
    async with behind(more=compression()) as (application, address):
        reader, writer = await asked(address, "/events", "accept-encoding: gzip")
        head = await soon(reader.readuntil(b"\r\n\r\n"))
        assert b"content-encoding: gzip" in head.lower()
        inflate = zlib.decompressobj(wbits=31)
        text = b""
        while b"data: first\n\n" not in text:
            text += inflate.decompress(await chunk(reader))
        application.more.set()
        while piece := await chunk(reader):
            text += inflate.decompress(piece)
        assert text == b"data: first\n\ndata: second\n\n"
        assert inflate.eof
        writer.close()


async def chunk(reader):
    size = int(await soon(reader.readuntil(b"\r\n")), 16)
    return (await soon(reader.readexactly(size + 2)))[:-2]
