"""Every case with its input cut, in memory, where each piece is certain to be a read of its own."""

from collections.abc import Iterator, Sequence
from functools import partial

import pytest

from .cases import Case, Topic, load
from .lines import MemoryServer, in_memory, new_key, quiet
from .play import Cut, every_byte, failures

TOPICS = load()
LONG_BYTES = 800  # a case over it is cut at some places only, and its reads do not each get a turn of the loop
LONG_CUTS = 40


@pytest.fixture(scope="module")
def server() -> Iterator[MemoryServer]:
    """A site without sockets for all cases."""
    with quiet(), in_memory() as server:
        yield server


def playable(topic: Topic) -> list[Case]:
    """The cases that play on a transport which behaves like TCP."""
    return [case for case in topic.cases if case.plays_on("tcp")]


def cut_at(place: int) -> Cut:
    """Cut what a case sends into two, behind `place` bytes of it all."""
    sent = 0

    def cut(data: bytes) -> Sequence[bytes]:
        nonlocal sent
        here = place - sent
        sent += len(data)
        return [data[:here], data[here:]] if 0 < here < len(data) else [data]

    return cut


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_topic_with_each_byte_a_read_of_its_own(server: MemoryServer, topic: Topic) -> None:
    for grouped in (False, True):
        cases = [case for case in playable(topic) if (case.size() > LONG_BYTES) == grouped]
        connect = partial(server.connect, grouped=grouped)
        assert failures(cases, connect, every_byte, new_key) == {}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_topic_cut_in_two_at_every_byte(server: MemoryServer, topic: Topic) -> None:
    for case in playable(topic):
        size = case.size()
        for place in range(1, size, 1 if size <= LONG_BYTES else size // LONG_CUTS):
            assert failures([case], server.connect, cut_at(place), new_key) == {}, f"cut behind {place} bytes"
