"""Sockets that somebody else made: given in code, by number, or by systemd to a process of its own."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from kito import ConfigError, server
from kito.serving.inherited import FIRST_DESCRIPTOR, MAX_DESCRIPTORS, take_systemd_descriptors

ROOT = Path(__file__).parents[2]
PROCESS_S = 20.0  # seconds for a process to start, serve and end

# Puts what it was handed where systemd would, and serves on it.
SERVICE = """
import os, subprocess, sys
os.environ["LISTEN_PID"] = str(os.getpid())
for number, name in enumerate(sys.argv[1:]):
    os.dup2(int(name), 100 + number)
for number, name in enumerate(sys.argv[1:]):
    os.dup2(100 + number, 3 + number)
from kito import server

app = server()
app.get("/", lambda req: f"served {sorted(name for name in os.environ if name.startswith('LISTEN'))}")

@app.get("/child")
def child():
    code = "import os; print(os.path.exists('/proc/self/fd/3'))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, close_fds=False, text=True).stdout

def ready():
    print(app._runner.listeners.addresses, flush=True)

app.listen(1, "192.0.2.1", ready)
"""


def an_app():
    app = server()
    app.get("/", lambda req: f"hello at {req.connection_info('sockname')[0]}")
    return app


def bound(host="127.0.0.1", family=socket.AF_INET, kind=socket.SOCK_STREAM):
    sock = socket.socket(family, kind)
    sock.bind((host, 0) if family != socket.AF_UNIX else host)
    return sock


# === sockets in code ===


async def test_a_socket(net, clients):
    sock = bound()
    name = sock.getsockname()
    async with an_app().running(sockets=[sock]) as address:
        assert address == name
        assert await clients.get(address, "/") == "hello at 127.0.0.1"
        assert (os.get_blocking(sock.fileno()), os.get_inheritable(sock.fileno())) == (False, False)
    with pytest.raises(ConnectionRefusedError):
        await clients.plain(name)


async def test_a_descriptor(net, clients):
    with bound() as sock:
        sock.listen()
        number = os.dup(sock.fileno())
        os.set_inheritable(number, True)
        os.set_blocking(number, True)
    async with an_app().running(sockets=number) as address:
        assert await clients.get(address, "/") == "hello at 127.0.0.1"
        assert (os.get_blocking(number), os.get_inheritable(number)) == (False, False)


async def test_several_of_every_family(net, clients):
    path = str(net.folder / "theirs.sock")
    ipv6 = bound("::1", socket.AF_INET6)
    app = an_app()
    app.get("/unix", lambda: "hello")
    async with app.running(sockets=[bound(), ipv6, bound(path, socket.AF_UNIX)]):
        first, second, third = app._runner.listeners.addresses
        assert (first[0], second[0], third) == ("127.0.0.1", "::1", path)
        assert await clients.get(first, "/") == "hello at 127.0.0.1"
        assert await clients.get(third, "/unix") == "hello"
    assert os.path.exists(path)  # noqa: PTH110, ASYNC240 - it is not ours to remove


async def test_tls_on_a_socket(net, clients, pair):
    async with an_app().running(sockets=bound(), tls=pair) as address:
        wire = await clients.secured(address, pair.trusted())
        await wire.get("/")
        assert (await wire.answer()).body == b"hello at 127.0.0.1"


def unusable(fault, closing):
    """Something that no server can listen on, as the option `sockets` has it."""
    if fault == "closed":
        sock = bound()
        sock.close()
        return sock
    if fault == "no socket":
        return closing.enter_context(tempfile.TemporaryFile()).fileno()
    if fault == "no descriptor":
        return 10**6
    if fault == "datagrams":
        return closing.enter_context(bound(kind=socket.SOCK_DGRAM))
    if fault == "not bound":
        return closing.enter_context(socket.socket())
    listening = closing.enter_context(socket.create_server(("127.0.0.1", 0)))
    return closing.enter_context(socket.create_connection(listening.getsockname()))


FAULTS = {
    "closed": "a socket in sockets cannot be used: Bad file descriptor",
    "no socket": r"descriptor \d+ is no socket",
    "no descriptor": "descriptor 1000000 is no socket: Bad file descriptor",
    "datagrams": "a socket in sockets is no stream socket",
    "not bound": "a socket in sockets has no address: bind it first",
    "a connection": r"a socket in sockets is a connection, not a listening socket \(systemd: Accept=no\)",
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_what_cannot_be_listened_on_says_why_and_is_left_open(net, closing, fault):
    good = closing.enter_context(bound())
    number = os.dup(good.fileno())
    wrong = unusable(fault, closing)
    with pytest.raises(ConfigError, match=FAULTS[fault]):
        async with an_app().running(sockets=[good, number, wrong]):
            pass
    with socket.socket(fileno=number) as again:
        assert again.getsockname() == good.getsockname()


# === systemd ===


def handed(**variables):
    return {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "a:b", **variables}


def test_the_variables_are_taken_once():
    environ = {**handed(), "LISTENING": "no"}
    assert take_systemd_descriptors(environ) == (FIRST_DESCRIPTOR, FIRST_DESCRIPTOR + 1)
    assert environ == {"LISTENING": "no"}
    assert take_systemd_descriptors(environ) == ()


@pytest.mark.parametrize("environ", [{}, {"LISTEN_PID": "1"}, {"LISTEN_FDS": "1"}, handed(LISTEN_PID="1")])
def test_what_is_for_somebody_else_is_left(environ):
    before = dict(environ)
    assert take_systemd_descriptors(environ) == ()
    assert environ == before


def test_none_are_none():
    assert take_systemd_descriptors(handed(LISTEN_FDS="0")) == ()


@pytest.mark.parametrize("name", ["LISTEN_PID", "LISTEN_FDS"])
@pytest.mark.parametrize("value", ["", " 1", "+1", "1_0", "-1", "0x1", "٣", "12345678901"])
def test_what_is_no_number_is_an_error(name, value):
    with pytest.raises(ConfigError, match=f"{name} is .*: it has to be a number"):
        take_systemd_descriptors(handed(**{name: value}))


def test_no_more_are_taken_than_anybody_has():
    assert len(take_systemd_descriptors(handed(LISTEN_FDS=str(MAX_DESCRIPTORS)))) == MAX_DESCRIPTORS
    with pytest.raises(ConfigError, match="more than 1024 sockets are not taken"):
        take_systemd_descriptors(handed(LISTEN_FDS=str(MAX_DESCRIPTORS + 1)))


async def test_the_sockets_of_a_service(net, clients, tmp_path):
    path = str(tmp_path / "service.sock")
    with bound() as tcp, bound(path, socket.AF_UNIX) as unix:
        tcp.listen()
        unix.listen()
        with started(tcp.fileno(), unix.fileno()) as process:
            try:
                assert process.stdout.readline() == f"(('127.0.0.1', {tcp.getsockname()[1]}), '{path}')\n"
                assert await clients.get(tcp.getsockname(), "/") == "served []"
                assert await clients.get(path, "/") == "served []"
                assert await clients.get(path, "/child") == "False\n"
            finally:
                process.terminate()
            assert process.wait(PROCESS_S) == 0
    assert os.path.exists(path)  # noqa: PTH110, ASYNC240 - it is systemd's to remove


async def test_the_options_of_systemd_are_not_tried_twice(net, monkeypatch):
    for name, value in handed(LISTEN_FDS="1").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("kito.serving.inherited.FIRST_DESCRIPTOR", 10**6)
    with pytest.raises(ConfigError, match="descriptor 1000000 is no socket"):
        async with an_app().running(port=0):
            pass
    async with an_app().running(port=0) as (host, _):
        assert host == "127.0.0.1"


def started(*descriptors):
    """A service whose descriptors 3 and 4 are these."""
    environment = {**os.environ, "LISTEN_FDS": str(len(descriptors)), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", SERVICE, *map(str, descriptors)]
    return subprocess.Popen(command, env=environment, pass_fds=descriptors, stdout=subprocess.PIPE, text=True)
