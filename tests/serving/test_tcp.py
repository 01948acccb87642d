"""TCP: IPv4 and IPv6, names with several addresses on one port, ports in use, ports that are shared."""

import asyncio
import errno
import os
import socket

import pytest

from kito import server
from kito.serving import sockets
from kito.serving.listeners import Listeners
from kito.serving.sockets import MAX_ADDRESSES, bind_tcp
from tests.support.wire import request


def an_app():
    app = server()
    app.get("/", lambda req: f"{req.ip} {req.connection_info('sockname')[0]}")
    return app


async def ask(host, port):
    """The answer to a request that goes to an address of any family."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(request("/", "connection: close"))
    answer = await reader.read()
    writer.close()
    return answer.rpartition(b"\r\n\r\n")[2].decode()


def resolving(monkeypatch, *addresses):
    """Let the running loop find these addresses for every name."""

    async def getaddrinfo(host, port, **_):
        families = [socket.AF_INET6 if ":" in address else socket.AF_INET for address in addresses]
        ends = [(address, port, 0, 0) if ":" in address else (address, port) for address in addresses]
        return [(family, socket.SOCK_STREAM, 6, "", end) for family, end in zip(families, ends, strict=True)]

    monkeypatch.setattr(asyncio.get_running_loop().__class__, "getaddrinfo", lambda _, *a, **o: getaddrinfo(*a, **o))


async def test_ipv6(net):
    async with an_app().running(host="::1", port=0) as (host, port):
        assert host == "::1"
        assert await ask("::1", port) == "::1 ::1"


@pytest.mark.parametrize(("host", "first"), [("", "0.0.0.0"), ("::", "::")])
async def test_every_address_of_the_machine_in_both_families(net, host, first):
    async with an_app().running(host=host, port=0) as (shown, port):
        assert shown == first
        assert await ask("127.0.0.1", port) == "127.0.0.1 127.0.0.1"
        assert await ask("::1", port) == "::1 ::1"


async def test_every_address_of_a_name_on_one_port(net, monkeypatch):
    resolving(monkeypatch, "127.0.0.1", "127.0.0.2", "::1", "127.0.0.2")
    app = an_app()
    async with app.running(host="several.test", port=0) as address:
        assert app._runner.listeners.addresses == tuple(
            (host, address[1]) for host in ("127.0.0.1", "127.0.0.2", "::1")
        )
        assert address == app.address == ("127.0.0.1", address[1])
        for host in ("127.0.0.1", "127.0.0.2", "::1"):
            assert await ask(host, address[1]) == f"{host if ':' in host else '127.0.0.1'} {host}"
    for host in ("127.0.0.1", "127.0.0.2", "::1"):
        with pytest.raises(ConnectionRefusedError):
            await ask(host, address[1])


async def test_a_port_that_only_the_first_address_has_free_is_given_up_for_another(net, monkeypatch):
    resolving(monkeypatch, "127.0.0.1", "127.0.0.2")
    taken = []
    bind = sockets._bind

    def bind_and_take(family, address, **options):
        sock = bind(family, address, **options)
        if not taken:
            taken.append(socket.create_server(("127.0.0.2", sock.getsockname()[1])))
        return sock

    monkeypatch.setattr(sockets, "_bind", bind_and_take)
    async with an_app().running(host="several.test", port=0) as (_, port):
        assert port != taken[0].getsockname()[1]
        assert await ask("127.0.0.2", port) == "127.0.0.1 127.0.0.2"
    taken[0].close()


async def test_the_search_for_a_common_port_ends(net, monkeypatch):
    resolving(monkeypatch, "127.0.0.1", "127.0.0.2")
    tries = []

    def bind(family, address, **_):
        if address[0] == "127.0.0.1":
            tries.append(address)
            return socket.create_server(("127.0.0.1", 0))
        raise OSError(errno.EADDRINUSE, "taken")

    monkeypatch.setattr(sockets, "_bind", bind)
    with pytest.raises(OSError, match="taken"):
        await bind_tcp("several.test", 0, reuse_port=False, backlog=1)
    assert len(tries) == sockets.PORT_TRIES


async def test_a_port_in_use_is_named(net):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"cannot listen on 127\.0\.0\.1:{port}: Address already in use") as caught:
            async with an_app().running(port=port):
                pass
    assert caught.value.errno == errno.EADDRINUSE


async def test_nothing_is_kept_when_one_address_is_in_use(net, monkeypatch):
    resolving(monkeypatch, "127.0.0.1", "::1")
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=rf"cannot listen on \[::1\]:{port}"):
            async with an_app().running(host="several.test", port=port):
                pass
        with socket.create_server(("127.0.0.1", port)):
            pass


async def test_nothing_is_kept_when_one_cannot_be_served(net, monkeypatch):
    resolving(monkeypatch, "127.0.0.1", "127.0.0.2")
    accept = Listeners._accept
    bound = []

    async def fail_later(self, loop, factory, sock):
        bound.append(sock.getsockname())
        if len(bound) > 1:
            raise OSError(errno.EMFILE, "Too many open files")
        return await accept(self, loop, factory, sock)

    monkeypatch.setattr(Listeners, "_accept", fail_later)
    with pytest.raises(OSError, match="Too many open files"):
        async with an_app().running(host="several.test", port=0):
            pass
    await asyncio.sleep(0)  # uvloop closes in the next turn
    for name in bound:
        with pytest.raises(ConnectionRefusedError):
            await ask(*name)


async def test_a_family_that_is_absent_is_left_out(net, monkeypatch):
    resolving(monkeypatch, "2001:db8::1", "127.0.0.1")
    async with an_app().running(host="several.test", port=0) as address:
        assert address[0] == "127.0.0.1"
    resolving(monkeypatch, "2001:db8::1")
    with pytest.raises(OSError, match=r"cannot listen on \[2001:db8::1\]:0: Cannot assign") as caught:
        await bind_tcp("several.test", 0, reuse_port=False, backlog=1)
    assert caught.value.errno == errno.EADDRNOTAVAIL


async def test_an_address_that_is_another_machines_is_not_left_out(net, monkeypatch):
    resolving(monkeypatch, "127.0.0.1", "192.0.2.1")
    with pytest.raises(OSError, match=r"cannot listen on 192\.0\.2\.1:\d+: Cannot assign"):
        await bind_tcp("several.test", 0, reuse_port=False, backlog=1)


async def test_a_port_that_somebody_else_listens_on_first(net, monkeypatch):
    bind = sockets._bind
    others = []

    def bind_and_lose(family, address, **options):
        sock = bind(family, address, **options)
        others.append(bind(family, sock.getsockname(), **options))
        others[-1].listen()
        return sock

    monkeypatch.setattr(sockets, "_bind", bind_and_lose)
    with pytest.raises(OSError, match=r"cannot listen on 127\.0\.0\.1:\d+: Address already in use"):
        await bind_tcp("127.0.0.1", 0, reuse_port=False, backlog=1)
    assert len(others) == sockets.PORT_TRIES
    for sock in others:
        sock.close()


async def test_a_name_that_is_none_is_named(net):
    with pytest.raises(OSError, match=r"cannot listen on nowhere\.invalid:3000: "):
        async with an_app().running(host="nowhere.invalid"):
            pass


async def test_a_name_has_so_many_addresses(net, monkeypatch):
    resolving(monkeypatch, *(f"127.0.1.{number}" for number in range(MAX_ADDRESSES)))
    bound = await bind_tcp("many.test", 0, reuse_port=False, backlog=1)
    assert len(bound) == MAX_ADDRESSES
    for sock in bound:
        sock.close()
    resolving(monkeypatch, *(f"127.0.1.{number}" for number in range(MAX_ADDRESSES + 1)))
    with pytest.raises(OSError, match="65 addresses, over 64"):
        await bind_tcp("many.test", 0, reuse_port=False, backlog=1)


async def test_a_port_is_shared_when_everybody_wants_it(net):
    async with an_app().running(port=0, reuse_port=True) as (_, port):
        async with an_app().running(port=port, reuse_port=True) as other:
            assert other == ("127.0.0.1", port)
            assert await ask("127.0.0.1", port) == "127.0.0.1 127.0.0.1"
        with pytest.raises(OSError, match="Address already in use"):
            async with an_app().running(port=port):
                pass


async def test_a_port_cannot_be_shared_where_the_system_does_not_know_how(net, monkeypatch):
    monkeypatch.delattr(socket, "SO_REUSEPORT")
    with pytest.raises(OSError, match=r"cannot listen on 127\.0\.0\.1:0: this system has no SO_REUSEPORT"):
        async with an_app().running(port=0, reuse_port=True):
            pass


async def test_listening_sockets_stay_out_of_children(net):
    app = an_app()
    async with app.running(port=0):
        for listening in app._runner.listeners._servers:
            for sock in listening.sockets:
                assert not os.get_inheritable(sock.fileno())
                assert not os.get_blocking(sock.fileno())


async def test_it_can_start_again_at_once(net, clients):
    app = an_app()
    async with app.running(port=0) as (host, port):
        assert await clients.get((host, port), "/")
    async with app.running(port=port) as address:
        assert await clients.get(address, "/")
