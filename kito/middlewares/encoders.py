"""Encoders: gzip, br and zstd as the core wants them, each piece readable when it arrives."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import zlib
from collections.abc import Callable
from typing import Any, Final, Protocol

from ..errors import ConfigError

__all__ = ("Encoder", "encoder_factories")


class Encoder(Protocol):
    """One body's way into a coding: each method returns what there is to be sent."""

    def compress(self, data: bytes, /) -> bytes:
        """Take more of the body."""

    def flush(self) -> bytes:
        """Return what is needed to read everything up to here."""

    def finish(self) -> bytes:
        """Return the end."""


Factory = Callable[[], Encoder]

# A stream is open for long and they are many: a window of 8 to 64 KiB each instead of up to 2 MiB.
GZIP_LEVEL: Final = 5
GZIP_WINDOW: Final = 16 + 13  # bits, and the gzip wrapper
GZIP_MEMORY: Final = 6  # of zlib's 9; with the window 64 KiB
BR_QUALITY: Final = 4  # of 11; what is faster than gzip and smaller
BR_WINDOW: Final = 16  # bits
ZSTD_LEVEL: Final = 3
ZSTD_WINDOW: Final = 16  # bits; at most 23 in HTTP (RFC 9659)


class _Gzip:
    """gzip (RFC 1952)."""

    def __init__(self) -> None:
        self._inner = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW, GZIP_MEMORY)
        self.compress = self._inner.compress

    def flush(self) -> bytes:
        return self._inner.flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        return self._inner.flush(zlib.Z_FINISH)


class _Brotli:
    """br (RFC 7932), by the package brotli."""

    def __init__(self, module: Any) -> None:
        inner = module.Compressor(quality=BR_QUALITY, lgwin=BR_WINDOW)
        self.compress: Callable[[bytes], bytes] = inner.process
        self.flush: Callable[[], bytes] = inner.flush
        self.finish: Callable[[], bytes] = inner.finish


class _Zstandard:
    """zstd (RFC 8878), by the package zstandard."""

    def __init__(self, module: Any) -> None:
        made = module.ZstdCompressionParameters.from_level(ZSTD_LEVEL, window_log=ZSTD_WINDOW)
        self._inner = module.ZstdCompressor(compression_params=made).compressobj()
        self._block = module.COMPRESSOBJ_FLUSH_BLOCK
        self.compress: Callable[[bytes], bytes] = self._inner.compress

    def flush(self) -> bytes:
        flushed: bytes = self._inner.flush(self._block)
        return flushed

    def finish(self) -> bytes:
        last: bytes = self._inner.flush()
        return last


class _StdlibZstd:
    """zstd, by the standard library of Python 3.14."""

    def __init__(self, module: Any) -> None:
        options = module.CompressionParameter
        self._inner = module.ZstdCompressor(
            options={options.compression_level: ZSTD_LEVEL, options.window_log: ZSTD_WINDOW}
        )
        self.compress: Callable[[bytes], bytes] = self._inner.compress

    def flush(self) -> bytes:
        flushed: bytes = self._inner.flush(self._inner.FLUSH_BLOCK)
        return flushed

    def finish(self) -> bytes:
        last: bytes = self._inner.flush(self._inner.FLUSH_FRAME)
        return last


# What each coding needs, in the order in which the server prefers them: the extra and its package.
_PACKAGES: Final = {"br": "brotli", "zstd": "zstandard", "gzip": "zlib"}


def encoder_factories(codings: tuple[str, ...] | None) -> dict[str, Factory]:
    """Return what makes an encoder, by coding, in the order of preference; None: whatever is installed.

    Raises `ConfigError` for an unknown coding, and for one whose package is missing.
    """
    if codings is None:
        return {name: made for name in _PACKAGES if (made := _factory(name)) is not None}
    found = {}
    for name in codings:
        if name not in _PACKAGES:
            raise ConfigError(f"compress: there is no coding {name!r}; known are {', '.join(_PACKAGES)}")
        made = _factory(name)
        if made is None:
            raise ConfigError(
                f"compress: {name} needs the package {_PACKAGES[name]}: pip install 'kito-server[{name}]'"
            )
        found[name] = made
    if not found:
        raise ConfigError("compress: codings is empty: name one, or leave it out")
    return found


def _factory(name: str) -> Factory | None:
    if name == "gzip":
        return _Gzip
    if name == "zstd" and sys.version_info >= (3, 14) and _is_there("compression.zstd"):
        stdlib = importlib.import_module("compression.zstd")
        return lambda: _StdlibZstd(stdlib)
    if not _is_there(_PACKAGES[name]):
        return None
    module = importlib.import_module(_PACKAGES[name])
    return (lambda: _Brotli(module)) if name == "br" else (lambda: _Zstandard(module))


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
