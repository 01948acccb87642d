"""An independent reader of event streams, written from the algorithm of WHATWG HTML section 9.2.6."""

import re
from typing import NamedTuple


class Dispatched(NamedTuple):
    """An event as a page sees it."""

    type: str
    data: str
    last_event_id: str


class EventSource:
    """What a client knows of a stream: its events, the last id, the reconnection time."""

    def __init__(self) -> None:
        self.events: list[Dispatched] = []
        self.comments: list[str] = []
        self.last_event_id = ""
        self.retry_ms: int | None = None
        self._data = self._type = self._id = ""

    def read(self, stream: bytes) -> "EventSource":
        """Interpret a whole stream; an event that is not finished is discarded."""
        text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
        *lines, _unfinished = re.split("\r\n|\n|\r", text)
        for line in lines:
            if line == "":
                self._dispatch()
            elif line[0] == ":":
                self.comments.append(line[1:])
            else:
                name, _, value = line.partition(":")
                self._process(name, value.removeprefix(" "))
        return self

    def _process(self, name: str, value: str) -> None:
        if name == "event":
            self._type = value
        elif name == "data":
            self._data += value + "\n"
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and re.fullmatch("[0-9]+", value):
            self.retry_ms = int(value)

    def _dispatch(self) -> None:
        self.last_event_id = self._id
        if self._data:
            self.events.append(Dispatched(self._type or "message", self._data.removesuffix("\n"), self.last_event_id))
        self._data = self._type = ""
