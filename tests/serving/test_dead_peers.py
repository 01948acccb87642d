"""Peers that vanish without a word are dropped within `Timeouts.peer`: their machine acknowledges nothing any more."""

import asyncio
import ctypes
import json
import socket
import struct
import sys
import time

import pytest

from kito import Timeouts, server
from kito.serving.sockets import watch_peers
from tests.support.wire import soon, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="TCP_USER_TIMEOUT is Linux's")

PEER_S = 1.0
GONE_S = 12.0  # by when it has certainly been noticed on a busy machine; Timeouts.write alone would take 30
SO_ATTACH_FILTER = 26  # socket(7); the module has no name for it
DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)  # one instruction of the classic packet filter: BPF_RET, 0 bytes


def vanish(wire):
    """From now on the client's kernel sees no packet for this connection, so nothing is acknowledged, nor reset."""
    program = ctypes.create_string_buffer(DROP_ALL)
    wire.sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HxxxxxxP", 1, ctypes.addressof(program)))


@pytest.mark.parametrize("kind", ["writing", "heartbeats", "quiet", "waiting"])
async def test_a_stream_to_a_peer_that_vanished_ends(net, clients, kind):
    app = server(timeouts=Timeouts(peer=PEER_S))
    cleaned = asyncio.Event()
    ends = []

    @app.get("/")
    async def handler(res):
        stream = res.sse(heartbeat=1) if kind == "heartbeats" else res.stream()
        stream.on_close(ends.append)
        stream.write("first")
        try:
            while kind == "writing":
                stream.write("x")
                await asyncio.sleep(0.05)
            while kind == "waiting":
                await stream.write(bytes(65536))
            await stream.wait_closed()
        finally:
            cleaned.set()

    async with app.running(port=0) as address:
        wire = await clients.plain(address)
        await wire.get("/")
        await wire.head()
        await wire.chunk()
        vanish(wire)
        started = time.monotonic()
        async with asyncio.timeout(GONE_S):
            await cleaned.wait()
            await until(lambda: ends)
        assert time.monotonic() - started > PEER_S / 2
        assert [end.reason for end in ends] == ["timeout"]
        assert app.stats["connections"] == 0


OPTIONS = {
    "user_timeout": (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
    "keepalive": (socket.SOL_SOCKET, socket.SO_KEEPALIVE),
    "idle": (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
    "interval": (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL),
}


@pytest.mark.parametrize(("seconds", "expected"), [(2.5, [2500, 1, 3, 1]), (0, [0, 0])])
async def test_accepted_connections_have_it_and_zero_leaves_it_alone(net, clients, seconds, expected):
    app = server(timeouts=Timeouts(peer=seconds))

    @app.get("/")
    def handler(req):
        sock = req.connection_info("socket")
        return [sock.getsockopt(*option) for option in OPTIONS.values()]

    async with app.running(port=0) as address:
        assert json.loads(await soon(clients.get(address, "/")))[: len(expected)] == expected


def test_what_the_kernel_cannot_count_is_cut_off():
    with socket.socket() as sock:
        watch_peers(sock, 366 * 86400.0)
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 2**31 - 1
    with socket.socket(socket.AF_UNIX) as sock:
        watch_peers(sock, 30.0)  # nothing to set
