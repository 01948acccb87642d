"""TLS: the context of a server, made of certificate files with safe defaults, and renewed while it serves."""

from __future__ import annotations

import logging
import ssl
from typing import Final, NoReturn

from ..errors import ConfigError

__all__ = ("CLOSE_S", "ServerTLS")

_log: Final = logging.getLogger("kito")

CLOSE_S: Final = 5.0  # for the client to answer our closure alert; then the connection is dropped
PROTOCOLS: Final = ["http/1.1"]  # what ALPN offers (RFC 7301)


class ServerTLS:
    """The TLS of one server: `context` is for its listeners, `reload` reads the certificate anew.

    `source` is an `ssl.SSLContext`, which is taken as it is, or the files of certificate and key, which
    raise `ConfigError` when they are missing, unreadable, or do not belong together.
    """

    def __init__(self, source: ssl.SSLContext | tuple[str, str]) -> None:
        self.files = None if isinstance(source, ssl.SSLContext) else source
        self.context = source if isinstance(source, ssl.SSLContext) else make_context(*source)

    def reload(self) -> None:
        """Use what is in the files now for every new handshake; what is wrong is logged, and the old one stays.

        The new certificate gets a context of its own: loading it into the old one would leave that without
        a key when the files change in between and do not match.
        """
        if self.files is None:
            return
        try:
            fresh = make_context(*self.files)
        except ConfigError as error:
            _log.error("the certificate is not reloaded: %s", error)
            return

        def choose(connection: ssl.SSLObject | ssl.SSLSocket, _name: str | None, _first: ssl.SSLContext) -> None:
            connection.context = fresh

        self.context.sni_callback = choose  # called for each handshake, with or without a server name
        _log.info("the certificate is reloaded from %s", self.files[0])


def make_context(certfile: str, keyfile: str) -> ssl.SSLContext:
    """Return a context for a server: TLS 1.2 or newer, `http/1.1` by ALPN, no compression, no renegotiation.

    Raises `ConfigError` for files that cannot be read or do not belong together.
    """
    _check_pem(certfile, b"CERTIFICATE-----", "certificate")
    _check_pem(keyfile, b"PRIVATE KEY-----", "private key")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(PROTOCOLS)

    def refuse() -> NoReturn:  # without it OpenSSL asks at the terminal, and waits
        raise ConfigError(f"tls: the key in {keyfile} is encrypted: load it into an ssl.SSLContext and give that")

    try:
        context.load_cert_chain(certfile, keyfile, password=refuse)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise ConfigError(f"tls: the key in {keyfile} does not belong to the certificate in {certfile}") from None
        reason = error.reason or error
        raise ConfigError(f"tls: {certfile} and {keyfile} cannot be loaded: {reason}") from None
    return context


def _check_pem(path: str, mark: bytes, what: str) -> None:
    """Raise `ConfigError` when there is no such PEM file: OpenSSL's own errors do not say which file they mean."""
    try:
        with open(path, "rb") as file:
            found = mark in file.read()
    except OSError as error:
        raise ConfigError(f"tls: the {what} in {path} cannot be read: {error.strerror}") from None
    if not found:
        raise ConfigError(f"tls: there is no {what} in {path}: it has to be a PEM file")
