"""Certificates made at test time, each its own authority, and a client that trusts one of them."""

import asyncio
import ssl
import subprocess
from pathlib import Path
from typing import NamedTuple

from tests.conftest import require_tool
from tests.support.wire import Wire, soon

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1"
TOOL_S = 30.0  # seconds for one run of openssl


class Pair(NamedTuple):
    """The files of a certificate and of its key."""

    certificate: str
    key: str

    def trusted(self) -> ssl.SSLContext:
        """A client's context that trusts this certificate and no other."""
        context = ssl.create_default_context(cafile=self.certificate)
        context.set_alpn_protocols(["h2", "http/1.1"])
        return context


def make_pair(folder: Path, name: str) -> Pair:
    """A certificate for localhost, issued by itself to `name`."""
    pair = Pair(str(folder / f"{name}.pem"), str(folder / f"{name}.key"))
    kind = ("-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    owner = ("-subj", f"/CN={name}", "-addext", NAMES)
    openssl("req", *kind, *owner, "-out", pair.certificate, "-keyout", pair.key)
    return pair


def openssl(*arguments: str) -> None:
    """Run the program, which must succeed."""
    subprocess.run([require_tool("openssl"), *arguments], check=True, capture_output=True, timeout=TOOL_S)


async def shake_hands(plain: Wire, pair: Pair, data: bytes) -> bytes:
    """Shake hands by hand; returns the last flight, unsent, with encrypted `data` behind it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = pair.trusted().wrap_bio(incoming, outgoing, server_hostname="localhost")
    while True:
        try:
            tls.do_handshake()
            break
        except ssl.SSLWantReadError:
            await plain.send(outgoing.read())
            incoming.write(await soon(asyncio.get_running_loop().sock_recv(plain.sock, 65536)))
    tls.write(data)
    return outgoing.read()


class SecureWire(Wire):
    """An encrypted connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(writer.get_extra_info("socket"))
        self._loop = _Encrypted(reader, writer)
        self._writer = writer

    @classmethod
    async def upgrade(cls, plain: Wire, context: ssl.SSLContext, before: bytes = b"") -> "SecureWire":
        """Shake hands on a connection; `before` is sent in the clear ahead of it."""
        await plain.send(before)
        opening = asyncio.open_connection(sock=plain.sock, ssl=context, server_hostname="localhost")
        return cls(*await soon(opening, "no handshake"))

    @property
    def tls(self) -> ssl.SSLObject:
        """What was agreed on."""
        return self._writer.get_extra_info("ssl_object")

    def issued_to(self) -> str:
        """The common name of the server's certificate."""
        return dict(pair[0] for pair in self.tls.getpeercert()["subject"])["commonName"]

    def say_goodbye(self) -> None:
        """Send a closure alert; TLS has no half-close."""
        self._writer.close()

    def close(self) -> None:
        """Drop the connection."""
        self._writer.transport.abort()


class _Encrypted:
    """The two calls that a wire makes of its loop, through TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def sock_recv(self, _sock: object, size: int) -> bytes:
        return await self._reader.read(size)

    async def sock_sendall(self, _sock: object, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()
