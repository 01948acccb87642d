"""EventParser: bytes of an event stream in, in any pieces, events and comments out (WHATWG HTML §9.2.6)."""

from __future__ import annotations

import codecs
import json
from dataclasses import dataclass
from typing import Any, Final

__all__ = ("EventParser", "ReceivedEvent")

BOM: Final = "\ufeff"
DIGITS: Final = frozenset("0123456789")


@dataclass(frozen=True, slots=True)
class ReceivedEvent:
    """One event as a client sees it.

    `event` is "message" where the server named none. `id` and `retry` (milliseconds) are what this event carried,
    None where it had no such field. `comments` are those that came between the last event and the end of this one.
    """

    data: str
    event: str = "message"
    id: str | None = None
    retry: int | None = None
    comments: tuple[str, ...] = ()

    def json(self) -> Any:
        """Decode `data` as JSON; `ValueError` when it is none."""
        return json.loads(self.data)


class EventParser:
    """Turns the bytes of one event stream into events and comments, whatever pieces they come in.

    `last_event_id` is what a browser would send when it reconnects, `retry` the reconnection time in milliseconds
    that the server asked for last, None if it never did.
    """

    def __init__(self) -> None:
        self.last_event_id = ""
        self.retry: int | None = None
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""  # the beginning of a line that is not complete
        self._began = False
        self._after_cr = False  # a LF that follows belongs to that line end
        self._data: list[str] = []
        self._event = ""
        self._id: str | None = None
        self._event_retry: int | None = None
        self._comments: list[str] = []

    def feed(self, data: bytes) -> list[ReceivedEvent | str]:
        """Take the next bytes; return what they complete in order: events, and comments as text."""
        found: list[ReceivedEvent | str] = []
        for line in self._lines(self._decoder.decode(data)):
            if not line:
                if (event := self._dispatch()) is not None:
                    found.append(event)
            elif line.startswith(":"):
                comment = line[1:].removeprefix(" ")
                self._comments.append(comment)
                found.append(comment)
            else:
                name, _, value = line.partition(":")
                self._take_field(name, value.removeprefix(" "))
        return found

    def _lines(self, text: str) -> list[str]:
        """Return the lines that `text` completes; CRLF, CR and LF end one, nothing else does."""
        if not text:
            return []
        if not self._began:
            self._began = True
            text = text.removeprefix(BOM)
        if self._after_cr:
            text = text.removeprefix("\n")
        self._after_cr = text.endswith("\r") or (self._after_cr and not text)
        *lines, self._line = (self._line + text).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return lines

    def _take_field(self, name: str, value: str) -> None:
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self.last_event_id = self._id = value
        elif name == "retry" and value and DIGITS.issuperset(value):
            self.retry = self._event_retry = int(value)

    def _dispatch(self) -> ReceivedEvent | None:
        """End the block of lines; one without data is no event."""
        event = None
        if self._data:
            data, comments = "\n".join(self._data), tuple(self._comments)
            event = ReceivedEvent(data, self._event or "message", self._id, self._event_retry, comments)
            self._comments.clear()
        self._data.clear()
        self._event = ""
        self._id = self._event_retry = None
        return event
