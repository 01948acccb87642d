"""Reads HTTP/1.1 answers out of bytes, strictly: what a client must be able to make of them (RFC 9112)."""

import re
from collections.abc import Sequence
from typing import NamedTuple

STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5][0-9][0-9]) ([ -~]*)")
FIELD = re.compile(rb"([!#-'*+.^_`|~0-9a-z-]+): ([!-~\x80-\xff](?:[\t -~\x80-\xff]*[!-~\x80-\xff])?|)")


class Answer(NamedTuple):
    """One answer; `chunks` is None unless it was chunked, `whole` False where the bytes ended inside of it."""

    status: int
    reason: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    chunks: list[bytes] | None = None
    whole: bool = True

    def get(self, name: bytes) -> bytes | None:
        """The value of a field that is there once, None when it is absent."""
        values = [value for field, value in self.fields if field == name]
        assert len(values) <= 1, self.fields
        return values[0] if values else None


def read_answers(data: bytes, methods: Sequence[str] | None = None) -> list[Answer]:
    """Every answer in `data`, to requests with these methods (None: GET, as many as there are)."""
    answers = []
    while data and (methods is None or len(answers) < len(methods)):
        method = "GET" if methods is None else methods[len(answers)]
        answer, data = _read_answer(data, method)
        answers.append(answer)
    assert data == b"", data
    return answers


def read_answer(data: bytes, method: str = "GET") -> Answer:
    """The one answer that `data` is."""
    (answer,) = read_answers(data, [method])
    return answer


def _read_answer(data: bytes, method: str) -> tuple[Answer, bytes]:
    head, end, rest = data.partition(b"\r\n\r\n")
    assert end, data
    status_line, *lines = head.split(b"\r\n")
    match = STATUS_LINE.fullmatch(status_line)
    assert match, status_line
    fields = []
    for line in lines:
        field = FIELD.fullmatch(line)
        assert field, line
        fields.append((field[1], field[2]))
    answer = Answer(int(match[1]), match[2], fields)
    if method == "HEAD" or answer.status in (204, 304) or answer.status < 200:
        return answer, rest
    if answer.get(b"transfer-encoding") == b"chunked":
        assert answer.get(b"content-length") is None, fields
        return _read_chunks(answer, rest)
    length = answer.get(b"content-length")
    if length is None:
        return answer._replace(body=rest), b""
    size = int(length)
    return answer._replace(body=rest[:size], whole=len(rest) >= size), rest[size:]


def _read_chunks(answer: Answer, data: bytes) -> tuple[Answer, bytes]:
    chunks: list[bytes] = []
    while match := re.match(rb"([0-9a-f]+)\r\n", data):
        size = int(match[1], 16)
        chunk, data = data[match.end() : match.end() + size], data[match.end() + size :]
        if size == 0:
            assert data[:2] == b"\r\n", data  # kito sends no trailers
            return answer._replace(body=b"".join(chunks), chunks=chunks), data[2:]
        chunks.append(chunk)
        if len(chunk) < size or data[:2] != b"\r\n":
            break
        data = data[2:]
    return answer._replace(body=b"".join(chunks), chunks=chunks, whole=False), b""
