"""Requests that are changed: bytes and lines that move, double, vanish, and framing in every disguise."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

# What two readers may not agree about, put where a line or a byte was.
LINES = (
    b"Content-Length: 0",
    b"Content-Length: 5",
    b"Content-Length: 6",
    b"Content-Length: +5",
    b"Content-Length: 05",
    b"Content-Length: 5, 5",
    b"Content-Length: 5,6",
    b"Content-Length:\t5",
    b"Content-Length : 5",
    b"Content-Length: 0x5",
    b"Content-Length: 5 ",
    b"Content-Length:",
    b"Content-Length: 5_0",
    b"Content-Length: -5",
    b" Content-Length: 5",
    b"Content_Length: 5",
    b"Content-Length\x00: 5",
    b"Content-Length: 5\x00",
    b"X: y\rContent-Length: 5",
    b"X: y\nContent-Length: 5",
    b"Content-Length: 99999999999999999999",
    b"Content-Length: \x0b5",
    b"Content-Length: \xb25",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding:chunked",
    b"Transfer-Encoding : chunked",
    b"transfer-encoding: CHUNKED",
    b"Transfer-Encoding: chunked ",
    b"Transfer-Encoding: \tchunked",
    b"Transfer-Encoding: xchunked",
    b"Transfer-Encoding: chunked, identity",
    b"Transfer-Encoding: identity, chunked",
    b"Transfer-Encoding: gzip, chunked",
    b"Transfer-Encoding: chunked, chunked",
    b"Transfer-Encoding: ,chunked",
    b"Transfer-Encoding: chunked,",
    b"Transfer-Encoding:",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: \x0bchunked",
    b"Transfer-Encoding: chunked\x00",
    b'Transfer-Encoding: "chunked"',
    b"Transfer-Encoding\x00: chunked",
    b"Transfer_Encoding: chunked",
    b" Transfer-Encoding: chunked",
    b"X: y\rTransfer-Encoding: chunked",
    b"X: y\nTransfer-Encoding: chunked",
    b"Transfer-Encoding:\r\n chunked",
    b"Host: other",
    b"Host:",
    b"host: x\x00",
    b"Connection: close",
    b"Connection: keep-alive, close",
    b"Connection: Transfer-Encoding",
    b"Connection: upgrade",
    b"Upgrade: h2c",
    b"Expect: 100-continue",
    b"Expect: other",
    b"X: \x80\xff",
    b"X: \x7f",
    b"X: \x01",
    b": y",
    b"X",
    b"X y: z",
    b"X: y\r",
    b"GET / HTTP/1.1",
    b"GET / HTTP/1.0",
    b"0",
    b"00",
    b"5",
    b"0005",
    b"5;a=b",
    b"5 ;a",
    b'5; a="b"',
    b"5;\n",
    b"0x5",
    b"+5",
    b"-5",
    b"5\r",
    b"5_0",
    b"5 ",
    b"ffffffffffffffff",
    b"10000000000000005",
    b"5;a\x00",
    b"",
)
BYTES = b'\r\n\x00\t\x0b\x0c \x1f\x7f\x80\xff:;,"#%*+-/0159@?Aaz_|'
ENDS = (b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\r\n", b"\r\n ", b"\r\n\t", b"", b" \r\n", b"\x85", b"\x0b\r\n")

NEXT = b"GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b" /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
SEEDS = (
    b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /a?b=c HTTP/1.1\r\nHost: x\r\nX: y\r\n\r\n" + NEXT,
    b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello" + NEXT,
    b"POST" + CHUNKED + b"5\r\nhello\r\n0\r\n\r\n" + NEXT,
    b"PUT" + CHUNKED + b"5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nT: v\r\n\r\n" + NEXT,
    b"POST" + CHUNKED + b"0\r\n\r\n" + NEXT,
    b"POST /a HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello" + NEXT,
    b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 28\r\n\r\n" + NEXT + NEXT,
    b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + NEXT,
    b"GET http://x/a?b HTTP/1.1\r\nHost: x\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\r\nDELETE /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\nOPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /a HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello" + NEXT,
)


class Change(NamedTuple):
    """One mutation: `place` and `choice` are taken modulo what there is to choose from."""

    kind: str
    place: int
    choice: int


def apply(data: bytes, changes: Sequence[Change]) -> bytes:
    """The bytes after every change, in order."""
    for change in changes:
        data = KINDS[change.kind](data, change.place, change.choice)
    return data


def random_changes(random: Random, most: int) -> list[Change]:
    """One to `most` changes."""
    kinds = list(KINDS)
    return [
        Change(random.choice(kinds), random.randrange(1 << 16), random.randrange(1 << 16))
        for _ in range(random.randint(1, most))
    ]


def _replace_byte(data: bytes, place: int, choice: int) -> bytes:
    at = place % (len(data) or 1)
    return data[:at] + BYTES[choice % len(BYTES) :][:1] + data[at + 1 :]


def _flip_bit(data: bytes, place: int, choice: int) -> bytes:
    at = place % (len(data) or 1)
    return data[:at] + bytes(byte ^ 1 << choice % 8 for byte in data[at : at + 1]) + data[at + 1 :]


def _insert_byte(data: bytes, place: int, choice: int) -> bytes:
    at = place % (len(data) + 1)
    return data[:at] + BYTES[choice % len(BYTES) :][:1] + data[at:]


def _delete(data: bytes, place: int, choice: int) -> bytes:
    at = place % (len(data) or 1)
    return data[:at] + data[at + 1 + choice % 4 :]


def _double(data: bytes, place: int, choice: int) -> bytes:
    at = place % (len(data) or 1)
    end = at + 1 + choice % 40
    return data[:end] + data[at:end] + data[end:]


def _cut_off(data: bytes, place: int, _choice: int) -> bytes:
    return data[: place % (len(data) + 1)]


def _insert_line(data: bytes, place: int, choice: int) -> bytes:
    lines = data.split(b"\r\n")
    at = place % (len(lines) + 1)
    return b"\r\n".join([*lines[:at], LINES[choice % len(LINES)], *lines[at:]])


def _replace_line(data: bytes, place: int, choice: int) -> bytes:
    lines = data.split(b"\r\n")
    lines[place % len(lines)] = LINES[choice % len(LINES)]
    return b"\r\n".join(lines)


def _double_line(data: bytes, place: int, choice: int) -> bytes:
    lines = data.split(b"\r\n")
    lines.insert(choice % (len(lines) + 1), lines[place % len(lines)])
    return b"\r\n".join(lines)


def _drop_line(data: bytes, place: int, _choice: int) -> bytes:
    lines = data.split(b"\r\n")
    del lines[place % len(lines)]
    return b"\r\n".join(lines)


def _replace_end(data: bytes, place: int, choice: int) -> bytes:
    lines = data.split(b"\r\n")
    at = place % len(lines)
    if at + 1 == len(lines):
        return data
    return b"\r\n".join([*lines[:at], lines[at] + ENDS[choice % len(ENDS)] + lines[at + 1], *lines[at + 2 :]])


KINDS = {
    "replace a byte": _replace_byte,
    "flip a bit": _flip_bit,
    "insert a byte": _insert_byte,
    "delete some": _delete,
    "double some": _double,
    "cut off": _cut_off,
    "insert a line": _insert_line,
    "replace a line": _replace_line,
    "double a line": _double_line,
    "drop a line": _drop_line,
    "replace a line end": _replace_end,
}
