"""A reader of event streams for the tests: lines in, events out (WHATWG HTML section 9.2.6, fields that kito sends)."""

from typing import NamedTuple


class ReceivedEvent(NamedTuple):
    """One dispatched event."""

    type: str
    data: str
    id: str


class EventReader:
    """Collects the lines of an event stream into events."""

    def __init__(self) -> None:
        self._type = ""
        self._data: list[str] = []
        self._last_id = ""

    def feed(self, line: str) -> ReceivedEvent | None:
        """Take one line without its end; an empty line returns the event that it completes, if there is one."""
        if line:
            self._take_field(line)
            return None
        event = ReceivedEvent(self._type or "message", "\n".join(self._data), self._last_id) if self._data else None
        self._type, self._data = "", []
        return event

    def _take_field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "event":
            self._type = value
        elif name == "data":
            self._data.append(value)
        elif name == "id":
            self._last_id = value
        else:
            assert name in ("", "retry"), f"not a field of an event stream: {line!r}"
