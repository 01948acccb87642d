"""TLS: what is agreed on, what is refused, and that streams, events and long answers go through it."""

import asyncio
import shutil
import socket
import ssl
from pathlib import Path

import pytest

from kito import ConfigError, Timeouts, server
from kito.serving import listeners, tls
from kito.serving.tls import make_context
from tests.serving.certificates import Pair, openssl, shake_hands
from tests.support.wire import request, soon, until

STEP = 64 * 1024
BIG = 4 * 1024 * 1024  # bytes, more than the buffers between a server and its client hold


def an_app():
    app = server()
    app.get("/", lambda req: f"{req.protocol} {req.secure}")
    app.post("/echo", lambda body: body)
    app.get("/big", lambda res: res.send(bytes(BIG)))

    @app.get("/stream")
    async def stream(res):
        async with res.stream() as out:
            for number in range(3):
                await out.write(f"chunk {number}")
                await asyncio.sleep(0)

    @app.sse("/events")
    async def events():
        for number in range(3):
            yield {"number": number}

    return app


async def test_a_pair_of_files_is_all_it_needs(net, clients, pair):
    app = an_app()
    async with app.running(port=0, tls=pair) as address:
        wire = await clients.secured(address, pair.trusted())
        for _ in range(2):
            await wire.get("/")
            assert (await wire.answer()).body == b"https True"


async def test_a_context_is_taken_as_it_is(net, clients, pair):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    app = an_app()
    async with app.running(port=0, tls=context) as address:
        app._runner.listeners.reload()  # there is nothing to read
        assert context.sni_callback is None
        wire = await clients.secured(address, pair.trusted())
        await wire.get("/")
        assert (await wire.answer()).body == b"https True"


async def test_clients_may_have_certificates_too(net, clients, certificates):
    own, theirs = certificates
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*own)
    context.load_verify_locations(theirs.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    app = server()
    app.get("/", lambda req: str(req.connection_info("peercert")["subject"]))
    async with app.running(port=0, tls=context) as address:
        trusting = own.trusted()
        trusting.load_cert_chain(*theirs)
        wire = await clients.secured(address, trusting)
        await wire.get("/")
        assert (await wire.answer()).body == b"((('commonName', 'second'),),)"


async def test_without_it_nothing_is_secure(net, clients):
    async with an_app().running(port=0) as address:
        wire = await clients.plain(address)
        await wire.get("/")
        assert (await wire.answer()).body == b"http False"


async def test_it_works_over_a_unix_socket(net, clients, pair):
    async with an_app().running(unix_socket=net.folder / "kito.sock", tls=pair) as address:
        wire = await clients.secured(address, pair.trusted())
        await wire.get("/")
        assert (await wire.answer()).body == b"https True"


async def test_streams_events_and_bodies_go_through(net, clients, pair):
    async with an_app().running(port=0, tls=pair) as address:
        wire = await clients.secured(address, pair.trusted())
        await wire.get("/stream")
        assert (await wire.answer()).chunks == [b"chunk 0", b"chunk 1", b"chunk 2"]
        await wire.get("/events")
        assert (await wire.answer()).chunks == [b'data: {"number":%d}\n\n' % number for number in range(3)]
        body = bytes(range(256)) * 1024
        await wire.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        assert (await wire.answer()).body == body
        await wire.get("/big")
        assert len((await wire.answer()).body) == BIG


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_what_is_agreed_on(net, clients, pair, version):
    context = pair.trusted()
    context.minimum_version = context.maximum_version = version
    async with an_app().running(port=0, tls=pair) as address:
        wire = await clients.secured(address, context)
        assert wire.tls.selected_alpn_protocol() == "http/1.1"
        assert wire.tls.version() == version.name.replace("_", ".")
        assert wire.tls.compression() is None
        await wire.get("/")
        assert (await wire.answer()).status == 200


async def test_older_versions_are_refused(net, clients, pair):
    context = pair.trusted()
    context.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    async with an_app().running(port=0, tls=pair) as address:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await clients.secured(address, context)


def test_defaults_of_the_context(pair):
    context = make_context(*pair)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert context.options & ssl.OP_NO_COMPRESSION
    assert context.options & ssl.OP_NO_RENEGOTIATION


# === clients that do not play ===


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nhost: a\r\n\r\n", b"\x16\x03\x01\x00\x05hello", bytes(300)])
async def test_what_is_no_handshake_is_refused(net, clients, pair, data):
    async with an_app().running(port=0, tls=pair) as address:
        wire = await clients.plain(address)
        await wire.send(data)
        await wire.gone()
        other = await clients.secured(address, pair.trusted())
        await other.get("/")
        assert (await other.answer()).status == 200


async def test_a_handshake_has_the_time_of_a_head(net, clients, pair):
    app = an_app()
    loop = asyncio.get_running_loop()
    async with app.running(port=0, tls=pair, timeouts=Timeouts(head=0.5)) as address:
        start = loop.time()
        wire = await clients.plain(address)
        await wire.send(b"\x16\x03\x01")
        await wire.gone()
        assert 0.4 < loop.time() - start < 5


async def test_a_client_that_never_answers_our_goodbye_is_dropped(net, clients, pair, monkeypatch):
    monkeypatch.setattr(listeners, "CLOSE_S", 0.1)
    loop = asyncio.get_running_loop()
    app = an_app()
    async with app.running(port=0, tls=pair) as address:
        plain = await clients.plain(address)
        await plain.send(await shake_hands(plain, pair, request("/")))
        await until(lambda: app.stats["requests"] == 1)
        start = loop.time()
    assert 0.09 < loop.time() - start < 0.95  # without it a closing connection lingers for 1 to 2 seconds


async def test_a_goodbye_while_a_handler_runs_is_a_departure(net, clients, pair):
    app = server()
    ended = asyncio.Event()
    begun = asyncio.Event()

    @app.get("/stream")
    async def stream(res):
        out = res.stream()
        out.on_close(lambda end: ended.set())
        out.write("here")
        await out.wait_closed()

    @app.get("/slow")
    async def slow():
        begun.set()
        await asyncio.sleep(0.05)
        return "nobody reads this"

    async with app.running(port=0, tls=pair) as address:
        wire = await clients.secured(address, pair.trusted())
        await wire.get("/stream")
        await wire.head()
        wire.say_goodbye()
        await soon(ended.wait())
        assert app.stats["ends"] == {"client_left": 1}
        wire = await clients.secured(address, pair.trusted())
        await wire.get("/slow")
        await soon(begun.wait())
        wire.say_goodbye()
        await until(lambda: app.stats["connections"] == 0)


async def test_a_slow_reader_holds_its_producer_and_nothing_else(net, clients, pair):
    app = server()
    written = 0
    piece = bytes(16 * 1024)
    closed = asyncio.Event()

    @app.get("/")
    async def produce(res):
        nonlocal written
        out = res.stream()
        out.on_close(lambda end: closed.set())
        while written < 20 * BIG:
            await out.write(piece)
            written += len(piece)
        out.end()

    async with app.running(port=0, tls=pair) as address:
        wire = await clients.secured(address, pair.trusted())
        await wire.get("/")  # a client reads no more than 128 KiB ahead of what it is asked for
        held = -1
        while held != written or not written:
            held = written
            await asyncio.sleep(0.1)
        assert held < 3 * BIG  # what the kernel takes, and two high-water marks
        await wire.head()
        for _ in range(100):
            assert await wire.chunk() == piece
        assert not closed.is_set()
        await until(lambda: written > held)
        wire.close()
        await soon(closed.wait())


async def test_a_long_last_answer_is_read_as_slowly_as_it_likes(net, clients, pair, monkeypatch):
    monkeypatch.setattr(listeners, "CLOSE_S", 0.5)
    size = 2 * BIG
    app = server()
    app.get("/", lambda res: res.send(bytes(size)))
    loop = asyncio.get_running_loop()
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, STEP)  # the kernel holds little for us
    small.bind(("127.0.0.1", 0))
    async with app.running(sockets=[small], tls=pair) as address:
        wire = await clients.secured(address, pair.trusted(), receive_buffer=STEP)
        await wire.get("/", "connection: close")
        head = await wire.head()
        start = loop.time()
        for _ in range(size // STEP):
            assert await wire.exactly(STEP) == bytes(STEP)
            await asyncio.sleep(0.008)
        await wire.ended()
        assert head.get("content-length") == str(size)
        assert loop.time() - start > 2 * 0.5  # longer than a closing may take, or nothing is shown


async def test_a_stop_does_not_wait_for_late_handshakes(net, clients, pair):
    loop = asyncio.get_running_loop()
    async with an_app().running(port=0, tls=pair) as address:
        for _ in range(3):
            await clients.secured(address, pair.trusted())  # for the client it is done one flight earlier
        start = loop.time()
    assert loop.time() - start < 3


# === certificates that cannot be used ===


def spoiled(folder: Path, certificates: tuple[Pair, Pair], fault: str) -> tuple[str, str]:
    """The files of a pair with something wrong."""
    (certificate, key), (_, other_key) = certificates
    if fault == "no certificate":
        return str(folder / "absent.pem"), key
    if fault == "no key":
        return certificate, str(folder / "absent.pem")
    if fault == "another's key":
        return certificate, other_key
    if fault == "swapped":
        return key, certificate
    if fault == "a folder":
        return certificate, str(folder)
    if fault == "encrypted":
        openssl("ec", "-in", key, "-aes128", "-passout", "pass:secret", "-out", str(folder / "encrypted.pem"))
        return certificate, str(folder / "encrypted.pem")
    broken = folder / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    return str(broken), key


FAULTS = {
    "no certificate": r"the certificate in .*absent\.pem cannot be read: No such file",
    "no key": r"the private key in .*absent\.pem cannot be read: No such file",
    "another's key": r"the key in .*second\.key does not belong to the certificate in .*first\.pem",
    "swapped": r"there is no certificate in .*first\.key: it has to be a PEM file",
    "a folder": "cannot be read: Is a directory",
    "encrypted": r"the key in .*encrypted\.pem is encrypted: load it into an ssl\.SSLContext",
    "broken": r"broken\.pem and .*first\.key cannot be loaded",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_an_unusable_certificate_says_what_is_wrong(tmp_path, certificates, fault):
    with pytest.raises(ConfigError, match=FAULTS[fault]):
        make_context(*spoiled(tmp_path, certificates, fault))


async def test_it_is_noticed_before_anything_starts(net, tmp_path):
    app = an_app()
    started = []
    app.on_startup(lambda: started.append(True))
    with pytest.raises(ConfigError, match="cannot be read"):
        async with app.running(port=0, tls=(tmp_path / "a", tmp_path / "b")):
            pass
    assert started == []
    assert app.address is None


# === renewal ===


async def test_a_new_certificate_is_for_new_connections(net, clients, tmp_path, certificates):
    first, second = certificates
    live = Pair(str(tmp_path / "live.pem"), str(tmp_path / "live.key"))
    copy(first, live)
    app = an_app()
    async with app.running(port=0, tls=live) as address:
        old = await clients.secured(address, first.trusted())
        assert old.issued_to() == "first"
        copy(second, live)
        unaware = await clients.secured(address, first.trusted())  # the files alone change nothing
        app._runner.listeners.reload()
        new = await clients.secured(address, second.trusted())
        assert new.issued_to() == "second"
        assert new.tls.selected_alpn_protocol() == "http/1.1"
        copy(first, live)
        app._runner.listeners.reload()
        again = await clients.secured(address, first.trusted())
        assert again.issued_to() == "first"
        for wire in (old, unaware, new, again):
            await wire.get("/")
            assert (await wire.answer()).body == b"https True"


async def test_files_that_change_while_they_are_read_do_no_harm(net, clients, tmp_path, certificates, monkeypatch):
    first, second = certificates
    live = Pair(str(tmp_path / "live.pem"), str(tmp_path / "live.key"))
    copy(first, live)

    def make_and_spoil(*files):
        context = make_context(*files)
        shutil.copy(second.key, live.key)
        return context

    app = an_app()
    async with app.running(port=0, tls=live) as address:
        monkeypatch.setattr(tls, "make_context", make_and_spoil)
        app._runner.listeners.reload()
        wire = await clients.secured(address, first.trusted())
        await wire.get("/")
        assert (await wire.answer()).status == 200


async def test_a_renewal_that_fails_changes_nothing(net, clients, tmp_path, certificates):
    first, second = certificates
    live = Pair(str(tmp_path / "live.pem"), str(tmp_path / "live.key"))
    copy(first, live)
    app = an_app()
    async with app.running(port=0, tls=live) as address:
        shutil.copy(second.certificate, live.certificate)  # and its key not yet
        app._runner.listeners.reload()
        assert "does not belong to" in net.logged("the certificate is not reloaded").getMessage()
        wire = await clients.secured(address, first.trusted())
        assert wire.issued_to() == "first"
        await wire.get("/")
        assert (await wire.answer()).status == 200


def copy(source: Pair, target: Pair) -> None:
    for one, other in zip(source, target, strict=True):
        shutil.copy(one, other)
