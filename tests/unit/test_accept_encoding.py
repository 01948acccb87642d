"""Which coding a request wants (RFC 9110 section 12.5.3), and which of them are there."""

import pytest

from kito import ConfigError
from kito.middlewares import encoders
from kito.middlewares.compression import choose_coding

KNOWN = ("br", "zstd", "gzip")


@pytest.mark.parametrize(
    ("accepted", "chosen"),
    [
        ([], None),
        ([""], None),
        (["gzip"], "gzip"),
        (["GZip"], "gzip"),
        (["x-gzip"], "gzip"),
        (["gzip, deflate, br, zstd"], "br"),
        (["gzip", "br"], "br"),
        (["gzip;q=1.0, br;q=0.5"], "gzip"),
        (["gzip; q=0.2 , br ; q = 0.3"], "br"),
        (["br;q=0, gzip;q=0.001"], "gzip"),
        (["br;q=0,gzip;q=0"], None),
        (["*"], "br"),
        (["*;q=0"], None),
        (["br;q=0, *"], "zstd"),
        (["gzip, *;q=0"], "gzip"),
        (["identity"], None),
        (["identity, gzip"], "gzip"),
        (["identity;q=1, gzip;q=0.5"], None),
        (["identity;q=0.5, gzip;q=0.5"], "gzip"),
        (["deflate, compress"], None),
        (["gzip;q=nonsense"], None),
        (["gzip;q=2"], None),
        ([",,gzip,,"], "gzip"),
    ],
)
def test_the_choice(accepted, chosen):
    assert choose_coding(accepted, KNOWN) == chosen


def test_a_coding_that_is_not_there_is_told(monkeypatch):
    with pytest.raises(ConfigError, match=r"no coding 'lzw'; known are br, zstd, gzip"):
        encoders.encoder_factories(("gzip", "lzw"))
    with pytest.raises(ConfigError, match="codings is empty"):
        encoders.encoder_factories(())
    monkeypatch.setattr(encoders, "_is_there", lambda module: False)
    with pytest.raises(ConfigError, match=r"br needs the package brotli: pip install 'kito-server\[br\]'"):
        encoders.encoder_factories(("br",))
    assert list(encoders.encoder_factories(None)) == ["gzip"]
