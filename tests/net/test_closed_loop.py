"""A loop that is closed under live connections: what still holds them touches nobody else's file descriptors."""

import asyncio
import contextlib
import gc
import socket
import struct

import pytest

from kito import server
from tests.net.conftest import LOOPS
from tests.support.wire import request, soon, until

STRANGERS = 64  # pairs of sockets that take over the descriptors which the loop has closed


def use(stream):
    """Everything that can be done with a writer."""
    small, large = (lambda: stream.write("x" * 100)), (lambda: stream.write(b"x" * 100_000))
    for step in (small, small, stream.flush, large, stream.flush, stream.end):
        with contextlib.suppress(Exception):
            step()


def cut(stream):
    with contextlib.suppress(RuntimeError):  # whatever the loop says: it is closed
        stream.abort()


def drop(stream):
    """Nothing: it is only let go."""


async def open_streams(app, streams, version):
    """Serve, and return clients with open streams; nothing of it is ever stopped."""
    serving = app.running(port=0)
    address = await serving.__aenter__()
    clients = [socket.create_connection(address) for _ in range(3)]
    for client in clients:
        client.sendall(request("/", version=version))
    await soon(until(lambda: len(streams) == len(clients)))
    return serving, clients


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("loop_name", LOOPS)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize("what", [use, cut, drop], ids=lambda what: what.__name__)
def test_a_stranger_keeps_its_descriptor(net, loop_name, version, what):
    loop = LOOPS[loop_name]()
    app, streams = server(), []
    app.get("/", lambda res: streams.append(res.stream()))
    serving, clients = loop.run_until_complete(open_streams(app, streams, version))
    loop.close()
    strangers = [socket.socketpair() for _ in range(STRANGERS)]
    while streams:
        what(streams.pop())
    del serving, app
    gc.collect()
    for one, other in strangers:
        assert one.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == struct.pack("ii", 0, 0)
        one.sendall(b"mine")
        other.settimeout(1)
        assert other.recv(100) == b"mine"
        other.sendall(b"yours")
        one.settimeout(1)
        assert one.recv(100) == b"yours"
        one.close()
        other.close()
    for client in clients:
        client.close()
    net.records.clear()  # that writers were lost is said, or not
    asyncio.set_event_loop(None)
