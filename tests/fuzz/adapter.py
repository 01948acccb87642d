"""The target of what a client may send: bytes through adapter, reader and connection, and h11 as the judge.

The first byte of an input says how it is delivered: bit 0, whether FIN follows, and the rest, in pieces of what size.
"""

from contextlib import ExitStack

from kito import Timeouts
from tests.core.rig import Peer, serving
from tests.oracle.answers import read_answers
from tests.oracle.judge import Verdict, judge
from tests.oracle.readers import read_h11
from tests.oracle.site import Journal

MOST_PIECES = 512  # of one input
TICKS = 16  # until every deadline has passed, one behind the other
TIMEOUTS = Timeouts(head=2, body=2, keep_alive=2, write=2, handler=2)


class AdapterTarget:
    """Call it with any bytes; `AssertionError` tells which promise was broken."""

    def __init__(self, site: Journal | None = None) -> None:
        self._stack = ExitStack()
        self._site = site or Journal()
        self._rig = self._stack.enter_context(serving(self._site.app, timeouts=TIMEOUTS))

    def close(self) -> None:
        """Stop the server; what it logged is an error."""
        self._stack.close()

    def __call__(self, data: bytes) -> None:
        mode, data = (data[0] if data else 0), data[1:]
        self._rig.tick()  # the date of the answers is that of now
        whole = self._play(data, [data] if data else [], fin=bool(mode & 1))
        size = max(1 + mode // 2, len(data) // MOST_PIECES)
        pieces = [data[start : start + size] for start in range(0, len(data), size)]
        cut = self._play(data, pieces, fin=bool(mode & 1))
        assert cut == whole, "what is accepted depends on how it is cut"

    def _play(self, data: bytes, pieces: list[bytes], *, fin: bool) -> Verdict:
        journal = self._site.journal
        journal.clear()
        peer = self._rig.connect()
        peer.send(*pieces)
        if fin:
            peer.send_eof()
        self._wait_for_the_end(peer)
        sent = iter([peer.received, b""])
        reading = read_h11(data)
        verdict = read_answers(lambda: next(sent), journal, [request.method for request in reading.requests])
        complaint = judge(verdict, "h11", reading)
        assert complaint is None, complaint
        return verdict

    def _wait_for_the_end(self, peer: Peer) -> None:
        """A client that sends nothing more is let go in time, and nothing of it stays."""
        if not peer.gone:
            self._rig.tick(TICKS)
        assert peer.gone, "the connection is kept"
        assert not self._rig.state.dispatcher.tasks, "a handler is left"
        assert not self._rig.log.records, [record.getMessage() for record in self._rig.log.records]
