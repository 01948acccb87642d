"""What runs under callgrind: real connections of kito's core over a transport that throws its input away.

`python -m benchmarks.micro.subject MARKS.so` walks through all cases; each is announced to callgrind by two sections,
`name/1` for N turns and `name/2` for 2N.
"""

import collections
import ctypes
import gc
import sys
from collections.abc import Callable, Iterator

from benchmarks.scenarios import BROWSER_HEAD
from kito import Event, Limits, Timeouts, server
from kito._core.http1 import Http1Connection
from kito._core.state import ServerState

TURNS = 200
WARM_UP_TURNS = 50
PIPELINE = 16
PIECES = 100
SUBSCRIBERS = 100
ROUTES = 100
CHUNK = b"x" * 64
Turn = Callable[[], object]


class StillLoop:
    """An event loop that does not turn by itself: enough of one for handlers that never suspend."""

    def __init__(self) -> None:
        self.ready: collections.deque[Turn] = collections.deque()

    def call_soon(self, callback: Turn, *args: object, context: object = None) -> None:
        """Keeps a callback for the end of the turn."""
        self.ready.append(callback)

    def call_later(self, delay: float, callback: Turn, *args: object) -> "StillLoop":
        """Time stands still here."""
        return self

    def cancel(self) -> None:
        """A timer that never fires needs no cancelling."""

    def end_turn(self) -> None:
        """Runs what was kept: the flush of everything that was written in this turn."""
        while self.ready:
            self.ready.popleft()()


class Nowhere:
    """A transport that takes everything at once and keeps nothing; its writes cost one C call."""

    def __init__(self) -> None:
        self.write = collections.deque(maxlen=0).append
        self.writelines = self.write

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is ever buffered."""

    def get_write_buffer_size(self) -> int:
        """Nothing is ever buffered."""
        return 0

    def get_extra_info(self, name: str, default: object = None) -> object:
        """An address for whoever asks."""
        return ("127.0.0.1", 50000) if name in {"peername", "sockname"} else default

    def pause_reading(self) -> None:
        """The cases never send more than is answered."""

    def resume_reading(self) -> None:
        """The cases never send more than is answered."""

    def is_closing(self) -> bool:
        """It stays open."""
        return False

    def abort(self) -> None:
        """Nothing to close."""

    close = abort


def request(path: str, fields: tuple[tuple[str, str], ...] = ()) -> bytes:
    """A GET request with a Host field and others."""
    lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1:18000", *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


THREE_FIELDS = (("Accept", "*/*"), ("User-Agent", "micro/1.0"))


class Bench:
    """An app behind the core, the connections to it, and the cases that are counted."""

    def __init__(self) -> None:
        self.loop = StillLoop()
        self.app = server()
        self.subscribers: list[object] = []
        self._register()
        self.state = ServerState(self.loop, self.app.make_dispatcher(self.loop), Limits(), Timeouts())
        self.state.start()
        self.connection = self.connect()

    def _register(self) -> None:
        app = self.app

        @app.get("/plaintext")
        def plaintext(res):
            res.text("Hello, World!")

        @app.get("/json")
        def json(res):
            res.json({"message": "Hello, World!"})

        def item(res, id):
            res.text(id)

        for number in range(ROUTES):
            app.get(f"/collections/{number}/items/{{id}}", item)

        for count in (PIECES, 2 * PIECES):
            self._register_streams(count)

        @app.get("/subscribe")
        def subscribe(res):
            self.subscribers.append(res.sse())

    def _register_streams(self, count: int) -> None:
        @self.app.get(f"/chunks/{count}")
        def chunks(res):
            stream = res.stream()
            for _ in range(count):
                stream.write(CHUNK)
            stream.end()

        @self.app.get(f"/events/{count}")
        def events(res):
            sse = res.sse()
            for number in range(count):
                sse.send({"n": number, "msg": "a token of the answer"})
            sse.close()

    def connect(self) -> Http1Connection:
        """A new connection."""
        connection = Http1Connection(self.state)
        connection.connection_made(Nowhere())
        return connection

    def ask(self, data: bytes) -> Turn:
        """A turn of the loop that delivers these bytes."""
        received, end_turn = self.connection.data_received, self.loop.end_turn

        def turn() -> None:
            received(data)
            end_turn()

        return turn

    def deliver(self) -> Turn:
        """A turn that sends one shared event to every subscriber."""
        for _ in range(SUBSCRIBERS):
            self.connect().data_received(request("/subscribe"))
        self.loop.end_turn()

        def turn() -> None:
            event = Event("a line of the log that everybody reads")
            for sse in self.subscribers:
                sse.send(event)
            self.loop.end_turn()

        return turn

    def cases(self) -> Iterator[tuple[str, Turn]]:
        """Every case by name; the names are what `figures` computes with."""
        yield "plain", self.ask(request("/plaintext"))
        yield "three-fields", self.ask(request("/plaintext", THREE_FIELDS))
        yield "browser", self.ask(request("/plaintext", BROWSER_HEAD))
        yield "pipelined", self.ask(request("/plaintext") * PIPELINE)
        yield "json", self.ask(request("/json"))
        yield "param", self.ask(request(f"/collections/{ROUTES // 2}/items/1234567"))
        yield "chunks", self.ask(request(f"/chunks/{PIECES}"))
        yield "chunks-twice", self.ask(request(f"/chunks/{2 * PIECES}"))
        yield "events", self.ask(request(f"/events/{PIECES}"))
        yield "events-twice", self.ask(request(f"/events/{2 * PIECES}"))
        yield "fanout", self.deliver()
        yield "encode", lambda: Event({"n": 1, "msg": "a token of the answer"}, "update", 7).frame
        table, path = self.app.table, f"/collections/{ROUTES // 2}/items/1234567"
        yield "route", lambda: table.match("GET", path)


def repeat(turn: Turn, turns: int) -> None:
    """The loop whose own cost is part of every case: one call and one step of a range."""
    for _ in range(turns):
        turn()


def main(marks: ctypes.CDLL) -> None:
    """Walks through the cases."""
    cases = list(Bench().cases())
    for _, turn in cases:
        repeat(turn, WARM_UP_TURNS)
    gc.collect()
    gc.disable()
    marks.marks_start()
    for name, turn in cases:
        repeat(turn, WARM_UP_TURNS)
        marks.marks_section(b"between")
        repeat(turn, TURNS)
        marks.marks_section(f"{name}/1".encode())
        repeat(turn, 2 * TURNS)
        marks.marks_section(f"{name}/2".encode())


if __name__ == "__main__":
    main(ctypes.CDLL(sys.argv[1]))
