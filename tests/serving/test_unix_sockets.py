"""Unix sockets: who may connect, whose file it is, and that no server loses its own."""

import asyncio
import errno
import fcntl
import os
import socket
import stat
import sys
import threading

import pytest

from kito import ConfigError, server
from kito.serving import unix_sockets
from kito.serving.listeners import Listeners
from kito.serving.unix_sockets import LOCK_TRIES, LOCK_WAIT_S, UnixListener
from tests.support.wire import soon

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
linux = pytest.mark.skipif(sys.platform != "linux", reason="abstract sockets are Linux'")


def an_app(text="hello"):
    app = server()
    app.get("/", lambda: text)
    return app


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def listener(path, **options):
    return UnixListener(str(path), **{"mode": None, "owner": None, "backlog": 16, **options})


@pytest.fixture
def path(net):
    return net.folder / "kito.sock"


async def test_it_serves_and_leaves_nothing(net, clients, path):
    async with an_app().running(unix_socket=path) as address:
        assert address == str(path)
        assert await clients.get(address, "/") == "hello"
    assert not path.exists()


async def test_the_client_has_no_address(net, clients, path):
    app = server()
    app.get("/", lambda req: [req.client, req.ip, req.ips])
    async with app.running(unix_socket=path) as address:
        assert await clients.get(address, "/") == "[null,null,[]]"


# === permissions ===


@pytest.mark.parametrize("wanted", [0o600, 0o660, 0o666, 0o777])
async def test_the_mode_is_exactly_that(net, clients, path, wanted):
    before = os.umask(0o027)
    try:
        async with an_app().running(unix_socket=path, unix_mode=wanted) as address:
            assert mode(path) == wanted
            assert await clients.get(address, "/") == "hello"
    finally:
        os.umask(before)


async def test_without_a_mode_the_umask_decides(net, path):
    before = os.umask(0o027)
    try:
        async with an_app().running(unix_socket=path):
            assert mode(path) == 0o750
    finally:
        os.umask(before)


def test_nobody_can_connect_before_the_mode_is_set(tmp_path, monkeypatch):
    path = tmp_path / "kito.sock"
    tried = []

    def chmod(where, wanted):
        with socket.socket(socket.AF_UNIX) as early, pytest.raises(ConnectionRefusedError):
            early.connect(where)
        tried.append(wanted)

    monkeypatch.setattr(os, "chmod", chmod)
    listener(path, mode=0o600).socket.close()
    assert tried == [0o600]


@needs_root
@pytest.mark.parametrize(
    ("owner", "expected"),
    [((12, 34), (12, 34)), ((None, 34), (0, 34)), ((12, None), (12, 0)), (("daemon", "daemon"), (1, 1))],
)
async def test_the_owner_is_exactly_that(net, path, owner, expected):
    async with an_app().running(unix_socket=path, unix_owner=owner):
        status = path.stat()
        assert (status.st_uid, status.st_gid) == expected


@pytest.mark.parametrize(("owner", "what"), [(("nobody-at-all", None), "user"), ((None, "nobody-at-all"), "group")])
async def test_an_owner_who_does_not_exist(net, path, owner, what):
    with pytest.raises(ConfigError, match=f"there is no {what} 'nobody-at-all'"):
        async with an_app().running(unix_socket=path, unix_owner=owner):
            pass
    assert not path.exists()


def test_an_owner_that_may_not_be_set_leaves_no_file(tmp_path, monkeypatch):
    def chown(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "chown", chown)
    with pytest.raises(PermissionError, match=r"cannot listen on .*kito\.sock: Operation not permitted"):
        listener(tmp_path / "kito.sock", owner=(1, None))
    assert list(tmp_path.iterdir()) == []


# === what is there already ===


async def test_a_stale_file_is_replaced(net, clients, path):
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    async with an_app().running(unix_socket=path) as address:
        assert await clients.get(address, "/") == "hello"


async def test_a_live_server_keeps_its_socket(net, clients, path):
    async with an_app("first").running(unix_socket=path) as address:
        with pytest.raises(OSError, match=rf"cannot listen on {path}: Address already in use") as caught:
            async with an_app("second").running(unix_socket=path):
                pass
        assert caught.value.errno == errno.EADDRINUSE
        assert await clients.get(address, "/") == "first"


def test_a_server_too_busy_to_accept_keeps_its_socket(tmp_path):
    path = tmp_path / "kito.sock"
    with socket.socket(socket.AF_UNIX) as busy, socket.socket(socket.AF_UNIX) as waiting:
        busy.bind(str(path))
        busy.listen(0)
        waiting.connect(str(path))  # the backlog is full: another connect() would wait
        with pytest.raises(OSError, match="Address already in use"):
            listener(path)
        assert path.is_socket()


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_another_file_is_not_touched(tmp_path, kind):
    path = tmp_path / "kito.sock"
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "elsewhere")
    else:
        path.write_text("precious")
    with pytest.raises(FileExistsError, match=r"cannot listen on .*: it is a file, not a socket"):
        listener(path)
    assert path.is_symlink() or path.exists()


def test_of_many_servers_that_start_at_once_one_has_the_socket(tmp_path):
    path = tmp_path / "kito.sock"
    for _ in range(20):
        stale = socket.socket(socket.AF_UNIX)
        stale.bind(str(path))
        stale.close()
        made, refused = [], []
        start = threading.Barrier(4)

        def compete(made=made, refused=refused, start=start):
            start.wait(5)
            try:
                made.append(listener(path))
            except OSError as error:
                refused.append(error.errno)

        threads = [threading.Thread(target=compete) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
        assert (len(made), refused) == (1, [errno.EADDRINUSE] * 3)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
        made[0].remove_file()
        made[0].socket.close()


def test_a_folder_that_is_locked_is_not_waited_for_long(tmp_path, monkeypatch):
    assert LOCK_TRIES * LOCK_WAIT_S <= 1
    monkeypatch.setattr(unix_sockets, "LOCK_WAIT_S", 0.0001)
    folder = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        with pytest.raises(OSError, match="its folder is locked"):
            listener(tmp_path / "kito.sock")
    finally:
        os.close(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_read_is_not_held(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    made = listener(tmp_path / "kito.sock")
    made.remove_file()
    made.socket.close()
    assert list(tmp_path.iterdir()) == []


async def test_what_fails_behind_the_binding_leaves_no_file(net, path, monkeypatch):
    async def fail(*_):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Listeners, "_accept", fail)
    with pytest.raises(OSError, match="Too many open files"):
        async with an_app().running(unix_socket=path):
            pass
    assert list(net.folder.iterdir()) == []


# === the end ===


async def test_a_file_that_is_another_servers_by_now_is_left(net, clients, path):
    other = an_app("other")
    async with an_app().running(unix_socket=path):
        path.unlink()
        address = await soon(other._start(other._options.replace(unix_socket=path)))
    try:
        assert await clients.get(address.address, "/") == "other"
    finally:
        await other.aclose()
    assert not path.exists()


async def test_a_file_that_is_gone_is_nobodys_trouble(net, path):
    async with an_app().running(unix_socket=path):
        path.unlink()
    async with an_app().running(unix_socket=path):
        path.unlink()
        path.parent.rmdir()
    path.parent.mkdir()


# === names ===


async def test_a_path_that_is_too_long_says_so(net):
    path = str(net.folder / ("x" * 120))
    message = rf"cannot listen on .*x: the path has {len(path)} bytes, more than the name of a Unix socket can"
    with pytest.raises(OSError, match=message) as caught:
        async with an_app().running(unix_socket=path):
            pass
    assert caught.value.errno == errno.ENAMETOOLONG


async def test_a_folder_that_does_not_exist(net):
    with pytest.raises(FileNotFoundError, match=r"cannot listen on .*kito\.sock: No such file or directory"):
        async with an_app().running(unix_socket=net.folder / "absent" / "kito.sock"):
            pass


async def test_a_relative_path(net, clients, monkeypatch):
    monkeypatch.chdir(net.folder)
    async with an_app().running(unix_socket="kito.sock") as address:
        assert address == "kito.sock"
        assert await clients.get(address, "/") == "hello"
    assert list(net.folder.iterdir()) == []


@linux
async def test_an_abstract_socket_has_no_file(net, clients, monkeypatch):
    monkeypatch.chdir(net.folder)
    name = f"@kito-{os.getpid()}"
    async with an_app().running(unix_socket=name) as address:
        assert address == name
        assert await clients.get("\0" + name[1:], "/") == "hello"
        assert list(net.folder.iterdir()) == []
        with pytest.raises(OSError, match=f"cannot listen on {name}: Address already in use"):
            async with an_app().running(unix_socket=name):
                pass
    async with an_app().running(unix_socket=name):
        await asyncio.sleep(0)
