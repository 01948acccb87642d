"""The parser of the test clients: the rules of WHATWG HTML section 9.2.6, whatever pieces the bytes come in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kito import Event
from kito.testing import EventParser, ReceivedEvent

LINE_SAFE = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n\0"))
ANY_TEXT = st.text(st.characters(blacklist_categories=["Cs"]))

# Bytes of a stream, and what a client sees of it.
STREAMS = {
    "one line": (b"data: a\n\n", [ReceivedEvent("a")]),
    "no space": (b"data:a\n\n", [ReceivedEvent("a")]),
    "one space of two": (b"data:  a\n\n", [ReceivedEvent(" a")]),
    "several lines": (b"data: a\ndata: b\ndata\n\n", [ReceivedEvent("a\nb\n")]),
    "empty data": (b"data\n\n", [ReceivedEvent("")]),
    "no data": (b"event: x\nid: 1\n\n", []),
    "type ends with its event": (b"event: x\ndata: a\n\ndata: b\n\n", [ReceivedEvent("a", "x"), ReceivedEvent("b")]),
    "type without data is dropped": (b"event: x\n\ndata: b\n\n", [ReceivedEvent("b")]),
    "CR": (b"data: a\rdata: b\r\r", [ReceivedEvent("a\nb")]),
    "CRLF": (b"data: a\r\ndata: b\r\n\r\n", [ReceivedEvent("a\nb")]),
    "other separators are text": ("data: a\u2028b\x0bc\n\n".encode(), [ReceivedEvent("a\u2028b\x0bc")]),
    "byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [ReceivedEvent("a")]),
    "a second mark is text": (b"\xef\xbb\xbf\xef\xbb\xbfdata: a\n\n", []),
    "broken UTF-8": (b"data: \xff\n\n", [ReceivedEvent("\ufffd")]),
    "unknown field": (b"date: a\ndata: b\n\n", [ReceivedEvent("b")]),
    "id": (b"id: 1\ndata: a\n\ndata: b\n\n", [ReceivedEvent("a", id="1"), ReceivedEvent("b")]),
    "empty id": (b"id\ndata: a\n\n", [ReceivedEvent("a", id="")]),
    "id with NUL": (b"id: 1\0\ndata: a\n\n", [ReceivedEvent("a")]),
    "retry": (b"retry: 10\ndata: a\n\n", [ReceivedEvent("a", retry=10)]),
    "retry that is none": (b"retry: 1.5\nretry: -1\nretry: \xd9\xa5\nretry\ndata: a\n\n", [ReceivedEvent("a")]),
    "comment": (b": hello\n:\ndata: a\n\n", ["hello", "", ReceivedEvent("a", comments=("hello", ""))]),
    "unfinished": (b"data: a\n", []),
    "unfinished line": (b"data: a\n\ndata: b", [ReceivedEvent("a")]),
}


def parse(pieces):
    parser = EventParser()
    return [item for piece in pieces for item in parser.feed(piece)]


@pytest.mark.parametrize(("stream", "seen"), STREAMS.values(), ids=STREAMS)
def test_a_stream_is_seen_as_the_standard_says_in_any_pieces(stream, seen):
    assert parse([stream]) == seen
    assert parse([stream[at : at + 1] for at in range(len(stream))]) == seen
    for cut in range(len(stream)):
        assert parse([stream[:cut], b"", stream[cut:]]) == seen


def test_what_a_reconnecting_browser_would_know():
    parser = EventParser()
    assert (parser.last_event_id, parser.retry) == ("", None)
    parser.feed(b"retry: 20\n\nid: 1\ndata: a\n\nid: 2\n\n")
    assert (parser.last_event_id, parser.retry) == ("2", 20)
    parser.feed(b"id\n\n")
    assert parser.last_event_id == ""


def test_data_as_json():
    assert ReceivedEvent('{"a": [1]}').json() == {"a": [1]}
    with pytest.raises(ValueError, match="Expecting value"):
        ReceivedEvent("plain").json()


@given(ANY_TEXT, st.none() | LINE_SAFE, st.none() | LINE_SAFE, st.none() | st.integers(0, 2**31 - 1), st.integers(1, 9))
def test_what_the_encoder_writes_is_what_the_parser_reads(data, event, id, retry, step):
    payload = Event(data, event, id, retry).payload
    (got,) = parse([payload[at : at + step] for at in range(0, len(payload), step)])
    lines = data.replace("\r\n", "\n").replace("\r", "\n")
    assert got == ReceivedEvent(lines, event or "message", id, retry)
