"""The PROXY protocol: every form of its header, cut at every byte, refused when wrong, bounded in size and time."""

import asyncio
import logging
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kito import Limits, Timeouts, server
from kito.serving.proxy_protocol import (
    MAX_LINE,
    MAX_PAYLOAD,
    SIGNATURE,
    Header,
    ProxyHeaderError,
    missing_bytes,
    read_header,
)
from tests.serving.certificates import shake_hands
from tests.support.wire import Wire, request, soon, until

REQUEST = request("/")
FORWARDED = request("/secure", "x-forwarded-for: 10.9.9.9", "x-forwarded-proto: https")
LOCAL, PROXY = 0x20, 0x21


def v2(command=PROXY, family=0x11, payload=b"", length=None):
    return SIGNATURE + struct.pack("!BBH", command, family, len(payload) if length is None else length) + payload


def tcp4(source="192.0.2.1", destination="198.51.100.2", ports=(1111, 443)):
    return socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!HH", *ports)


TCP6 = socket.inet_pton(socket.AF_INET6, "2001:db8::1") + socket.inet_pton(socket.AF_INET6, "::1")
TCP6 += struct.pack("!HH", 2222, 80)
UNIX = b"/run/client".ljust(108, b"\0") + b"\0abstract".ljust(108, b"\0")
TLV = b"\x04\x00\x03abc"

GOOD = {
    b"PROXY TCP4 192.0.2.1 198.51.100.2 1111 443\r\n": (("192.0.2.1", 1111), ("198.51.100.2", 443)),
    b"PROXY TCP6 2001:db8::1 ::1 2222 80\r\n": (("2001:db8::1", 2222), ("::1", 80)),
    b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n": (("255.255.255.255", 65535),) * 2,
    b"PROXY TCP4 0.0.0.0 0.0.0.0 0 0\r\n": (("0.0.0.0", 0),) * 2,
    b"PROXY UNKNOWN\r\n": (None, None),
    b"PROXY UNKNOWN ffff::1 what ever\r\n": (None, None),
    v2(payload=tcp4()): (("192.0.2.1", 1111), ("198.51.100.2", 443)),
    v2(payload=tcp4() + TLV * 30): (("192.0.2.1", 1111), ("198.51.100.2", 443)),
    v2(family=0x21, payload=TCP6): (("2001:db8::1", 2222), ("::1", 80)),
    v2(family=0x31, payload=UNIX): ("/run/client", "@abstract"),
    v2(family=0x31, payload=bytes(216)): ("", ""),
    v2(family=0x00): (None, None),
    v2(family=0x00, payload=TLV): (None, None),
    v2(command=LOCAL, family=0x00): (None, None),
    v2(command=LOCAL, payload=tcp4()): (None, None),
    v2(payload=tcp4().ljust(MAX_PAYLOAD, b"\0")): (("192.0.2.1", 1111), ("198.51.100.2", 443)),
}
BAD = [
    REQUEST,
    b"\r\n" + REQUEST,
    b"PROXY TCP4 192.0.2.1 198.51.100.2 1111 443\n",
    b"PROXY TCP4 192.0.2.1 198.51.100.2 1111\r\n",
    b"PROXY TCP4 192.0.2.1 198.51.100.2 1111 443 \r\n",
    b"PROXY TCP4  192.0.2.1 198.51.100.2 1111 443\r\n",
    b"PROXY TCP4 192.0.2.256 198.51.100.2 1111 443\r\n",
    b"PROXY TCP4 192.0.2.01 198.51.100.2 1111 443\r\n",
    b"PROXY TCP4 2001:db8::1 ::1 1111 443\r\n",
    b"PROXY TCP6 192.0.2.1 198.51.100.2 1111 443\r\n",
    b"PROXY TCP4 192.0.2.1 198.51.100.2 65536 443\r\n",
    b"PROXY TCP4 192.0.2.1 198.51.100.2 01 443\r\n",
    b"PROXY TCP4 192.0.2.1 198.51.100.2 -1 443\r\n",
    b"PROXY UDP4 192.0.2.1 198.51.100.2 1111 443\r\n",
    b"PROXY UNKNOWNS\r\n",
    b"PROXY UNKNOWN \r \r\n",
    b"proxy TCP4 192.0.2.1 198.51.100.2 1111 443\r\n",
    b"PROXY UNKNOWN " + b"x" * MAX_LINE,
    b"PROXY\r\n",
    v2(command=0x22, payload=tcp4()),
    v2(command=0x11, payload=tcp4()),
    v2(family=0x12, payload=tcp4()),
    v2(family=0x41, payload=tcp4()),
    v2(payload=tcp4()[:-1]),
    v2(family=0x21, payload=TCP6[:-1]),
    v2(family=0x31, payload=UNIX[:-1]),
    v2(length=MAX_PAYLOAD + 1),
    SIGNATURE[:-1] + b"\0" + tcp4(),
]


# === the header by itself ===


@pytest.mark.parametrize("data", GOOD)
def test_a_header_is_read_wherever_it_is_cut(data):
    for size in range(len(data)):
        assert read_header(data[:size]) is None
    for rest in (b"", REQUEST, b"\r\n\r\n", SIGNATURE):
        assert read_header(data + rest) == Header(len(data), *GOOD[data])


@pytest.mark.parametrize("data", GOOD)
def test_what_is_missing_is_never_too_much(data):
    have, steps = 0, 0
    while read_header(data[:have]) is None:
        more = missing_bytes(data[:have])
        assert 0 < more <= len(data) - have
        have += more
        steps += 1
    assert steps <= MAX_LINE


@pytest.mark.parametrize("data", BAD)
def test_what_is_no_header_is_refused(data):
    with pytest.raises(ProxyHeaderError):
        read_header(data)


def test_bounds():
    longest = b"PROXY UNKNOWN " + b"x" * (MAX_LINE - 16) + b"\r\n"
    assert read_header(longest) == Header(MAX_LINE)
    with pytest.raises(ProxyHeaderError):
        read_header(longest[:14] + b"x" + longest[14:])
    with pytest.raises(ProxyHeaderError):
        read_header(longest[:-2] + b"xx")


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: SIGNATURE + data))
def test_any_bytes_are_a_header_a_beginning_or_refused(data):
    try:
        header = read_header(data)
    except ProxyHeaderError:
        return
    assert header is None or 15 <= header.size <= len(data)
    if header is None:
        assert missing_bytes(data) > 0


# === over the wire ===


def an_app(**options):
    app = server(proxy_protocol=True, **options)
    app.get("/", lambda req: f"{req.client} {req.ip} {req.connection_info('sockname')}")
    app.get("/secure", lambda req: f"{req.ip} {req.protocol}")

    @app.get("/stream")
    async def stream(res):
        async with res.stream() as out:
            for number in range(3):
                await out.write(f"chunk {number}")

    return app


def expected(ends, wire):
    local, peer = wire.sock.getsockname(), wire.sock.getpeername()
    client = local if ends[0] is None else ends[0] if isinstance(ends[0], tuple) else None
    sockname = peer if ends[1] is None else ends[1]
    return f"{client} {client[0] if client else None} {sockname}".encode()


@pytest.mark.parametrize("data", GOOD)
async def test_the_application_sees_whom_the_proxy_speaks_for(net, clients, data):
    async with an_app().running(port=0) as address:
        wire = await clients.plain(address)
        await wire.send(data + REQUEST + REQUEST)
        for _ in range(2):
            assert (await wire.answer()).body == expected(GOOD[data], wire)
        await wire.get("/stream")
        assert len((await wire.answer()).chunks) == 3


@pytest.mark.parametrize("data", [b"PROXY TCP6 2001:db8::1 ::1 2222 80\r\n", v2(family=0x21, payload=TCP6 + TLV)])
async def test_the_header_may_come_byte_by_byte(net, clients, data):
    async with an_app().running(port=0) as address:
        wire = await clients.plain(address)
        wire.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(data)):
            await wire.send(data[index : index + 1])
            await asyncio.sleep(0)
        await wire.send(REQUEST)
        assert (await wire.answer()).body == b"('2001:db8::1', 2222) 2001:db8::1 ('::1', 80)"


async def test_long_answers_and_slow_readers(net, clients):
    app = an_app()
    app.get("/long", lambda res: res.send(b"x" * 4_000_000))
    written = 0

    @app.get("/slow")
    async def slow(res):
        nonlocal written
        out = res.stream()
        while True:
            await out.write(bytes(50_000))
            written += 50_000

    async with app.running(port=0) as address:
        wire = await clients.plain(address, receive_buffer=65536)
        await wire.send(v2(payload=tcp4()) + request("/long") + request("/slow"))
        assert (await wire.answer()).body == b"x" * 4_000_000
        held = -1
        while held != written or not written:
            held = written
            await asyncio.sleep(0.1)
        assert held < 20_000_000  # what the kernel takes, and the high-water mark
        await wire.head()
        assert await wire.chunk() == bytes(50_000)
        wire.close()


async def test_a_connection_that_the_client_ends_is_ended(net, clients):
    app = an_app()
    async with app.running(port=0) as address:
        for data in (b"", b"PROXY TCP4 1", b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN\r\n" + REQUEST[:-2]):
            wire = await clients.plain(address)
            await wire.send(data)
            wire.finish()
            await wire.gone()
        await until(lambda: app.stats["connections"] == 0)
        assert waiting(app) == 0


@pytest.mark.parametrize("data", BAD)
async def test_anything_else_is_refused_unanswered(net, clients, data):
    app = an_app()
    async with app.running(port=0) as address:
        wire = await clients.plain(address)
        await wire.send(data)
        await refused(wire)
        assert app.stats["accepted"] == 0
        assert waiting(app) == 0


async def test_one_header_is_enough(net, clients):
    async with an_app().running(port=0) as address:
        wire = await clients.plain(address)
        await wire.send(b"PROXY UNKNOWN\r\n" + REQUEST)
        assert (await wire.answer()).status == 200
        await wire.send(b"PROXY UNKNOWN\r\n")
        assert (await wire.answer()).status in (400, 501)  # a malformed request line, or an unknown method
        wire.close()


async def test_it_is_off_unless_asked_for(net, clients):
    app = server()
    app.get("/", lambda: "hello")
    async with app.running(port=0) as address:
        wire = await clients.plain(address)
        await wire.send(b"PROXY UNKNOWN\r\n" + REQUEST)
        assert (await wire.answer()).status in (400, 501)  # a malformed request line, or an unknown method
        wire.close()


async def test_it_works_over_a_unix_socket(net, clients):
    async with an_app().running(unix_socket=net.folder / "kito.sock") as address:
        wire = await clients.plain(address)
        await wire.send(v2(payload=tcp4()) + REQUEST)
        assert (await wire.answer()).body == b"('192.0.2.1', 1111) 192.0.2.1 ('198.51.100.2', 443)"


# === whom it is taken from ===


@pytest.mark.parametrize("trusted", ["10.0.0.0/8", "unix"])
async def test_a_stranger_is_refused(net, clients, trusted):
    async with an_app(trust_proxy=trusted).running(port=0) as address:
        wire = await clients.plain(address)
        await wire.send(v2(payload=tcp4()) + REQUEST)
        await refused(wire)


async def test_a_trusted_proxy_is_let_in_and_its_client_is_not_trusted(net, clients):
    async with an_app(trust_proxy="127.0.0.0/8").running(port=0) as address:
        wire = await clients.plain(address)
        await wire.send(
            v2(payload=tcp4()) + request("/secure", "x-forwarded-for: 10.9.9.9", "x-forwarded-proto: https")
        )
        assert (await wire.answer()).body == b"192.0.2.1 http"


async def test_behind_both_kinds_of_proxy(net, clients):
    async with an_app(trust_proxy=["127.0.0.0/8", "192.0.2.0/24"]).running(port=0) as address:
        wire = await clients.plain(address)
        await wire.send(
            v2(payload=tcp4()) + request("/secure", "x-forwarded-for: 10.9.9.9", "x-forwarded-proto: https")
        )
        assert (await wire.answer()).body == b"10.9.9.9 https"


async def test_proxies_on_a_unix_socket_have_a_name_of_their_own(net, clients):
    async with an_app(trust_proxy="unix").running(unix_socket=net.folder / "kito.sock") as address:
        wire = await clients.plain(address)
        await wire.send(b"PROXY TCP4 192.0.2.1 198.51.100.2 1 2\r\n" + request("/secure"))
        assert (await wire.answer()).body == b"192.0.2.1 http"


# === bounds ===


@pytest.mark.parametrize("data", [b"", b"PROXY TCP4 192.0.2.1", v2(payload=tcp4())[:20]])
async def test_the_header_has_the_time_of_a_head(net, clients, data):
    app = an_app(timeouts=Timeouts(head=0.4))
    loop = asyncio.get_running_loop()
    async with app.running(port=0) as address:
        first = await clients.plain(address)
        start = loop.time()
        await first.send(data)
        await asyncio.sleep(0.2)
        second = await clients.plain(address)
        await second.send(data)
        await refused(first)
        middle = loop.time()
        await refused(second)
        assert middle - start >= 0.39
        assert loop.time() - start >= 0.59
        assert waiting(app) == 0


async def test_who_waits_is_counted_with_who_is_served(net, clients):
    app = an_app(limits=Limits(connections=2))
    async with app.running(port=0) as address:
        served = await clients.plain(address)
        await served.send(b"PROXY UNKNOWN\r\n" + REQUEST)
        assert (await served.answer()).status == 200
        waits = await clients.plain(address)
        await until(lambda: waiting(app) == 1)
        await refused(await clients.plain(address))
        waits.close()
        await until(lambda: waiting(app) == 0)
        again = await clients.plain(address)
        await again.send(b"PROXY UNKNOWN\r\n" + REQUEST)
        assert (await again.answer()).status == 200


async def test_a_stop_does_not_wait_for_headers(net, clients):
    loop = asyncio.get_running_loop()
    app = an_app()
    async with app.running(port=0) as address:
        wire = await clients.plain(address)
        await wire.send(b"PROXY")
        await until(lambda: waiting(app) == 1)
        start = loop.time()
    assert loop.time() - start < 2
    await refused(wire)


async def test_a_refusal_is_told_to_who_debugs(net, clients, caplog):
    caplog.set_level(logging.DEBUG, "kito")
    async with an_app().running(port=0) as address:
        wire = await clients.plain(address)
        await wire.send(b"GET / HTTP/1.1\r\n\r\n")
        await refused(wire)
    assert "the line of the PROXY header is malformed" in caplog.text
    assert str(wire_name(wire)) in caplog.text


# === ahead of TLS ===


@pytest.mark.parametrize("data", [data for data in GOOD if len(data) < 1000])
async def test_the_header_comes_before_the_handshake(net, clients, pair, data):
    async with an_app().running(port=0, tls=pair) as address:
        wire = await clients.secured(address, pair.trusted(), before=data)
        await wire.get("/secure")
        ends = GOOD[data][0]
        ip = ends[0] if isinstance(ends, tuple) else "127.0.0.1" if ends is None else None
        assert (await wire.answer()).body == f"{ip} https".encode()
        await wire.get("/stream")
        assert len((await wire.answer()).chunks) == 3


async def test_a_request_in_the_last_flight_of_the_handshake(net, clients, pair):
    app = an_app()
    seen = asyncio.Event()
    app.get("/seen", lambda req: seen.set() or req.ip)
    async with app.running(port=0, tls=pair) as address:
        wire = await clients.plain(address)
        await wire.send(v2(payload=tcp4()))
        await wire.send(await shake_hands(wire, pair, request("/seen") + request("/")[:-2]))
        await soon(seen.wait())
        wire.close()
        await until(lambda: app.stats["connections"] == 0)


async def test_no_handshake_behind_the_header(net, clients, pair):
    app = an_app()
    async with app.running(port=0, tls=pair) as address:
        for behind in (REQUEST, b"\x16\x03\x01\x00\x05hello"):
            wire = await clients.plain(address)
            await wire.send(b"PROXY UNKNOWN\r\n" + behind)
            await wire.gone()
        wire = await clients.plain(address)
        await wire.send(b"PROXY UNKNOWN\r\n\x16\x03")
        wire.close()
        await until(lambda: waiting(app) == 0)
        assert app.stats["accepted"] == 0


async def test_header_and_handshake_have_the_time_of_one_head(net, clients, pair):
    app = an_app(timeouts=Timeouts(head=0.5))
    loop = asyncio.get_running_loop()
    async with app.running(port=0, tls=pair) as address:
        wire = await clients.plain(address)
        start = loop.time()
        await asyncio.sleep(0.3)
        await wire.send(b"PROXY UNKNOWN\r\n\x16\x03")
        await refused(wire)
        assert 0.45 < loop.time() - start < 0.75
        assert waiting(app) == 0


async def test_a_stop_does_not_wait_for_handshakes(net, clients, pair):
    loop = asyncio.get_running_loop()
    app = an_app()
    async with app.running(port=0, tls=pair) as address:
        wire = await clients.plain(address)
        await wire.send(b"PROXY UNKNOWN\r\n\x16\x03")
        await until(lambda: waiting(app) == 1)
        await asyncio.sleep(0.05)  # the header has been read by then, or it is the test above
        start = loop.time()
    assert loop.time() - start < 2
    await refused(wire)


def waiting(app):
    return len(app._runner.listeners._gate._waiting)


def wire_name(wire):
    return wire.sock.getsockname()


async def refused(wire: Wire) -> None:
    """The connection ends and nothing came."""
    await wire.gone()
    assert wire._received == b""
