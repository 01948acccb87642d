"""Every case over real sockets: on one wiring a test for each case, on the others one for each topic."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from .cases import Case, Topic, all_cases, load
from .lines import WIRINGS, Servers, new_key, quiet
from .play import every_byte, failures, play, whole

TOPICS = load()
FIRST, *OTHERS = WIRINGS
CUT_WIRINGS = ("tcp-uvloop", "unix-asyncio", "tls-uvloop")
CUT_BYTES = 400  # of a case that is sent byte by byte over a socket


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """A server for each wiring that is asked for."""
    folder: Path = tmp_path_factory.mktemp("sites")
    with quiet(), ExitStack() as stack:
        yield Servers(folder, stack)


@pytest.mark.parametrize("case", [case for case in all_cases(TOPICS) if case.plays_on("tcp")], ids=str)
def test_case(servers: Servers, case: Case) -> None:
    with servers.on(FIRST).connect() as line:
        play(case, line, new_key())


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
@pytest.mark.parametrize("wiring", OTHERS)
def test_topic_elsewhere(servers: Servers, wiring: str, topic: Topic) -> None:
    cases = [case for case in topic.cases if case.plays_on(wiring.partition("-")[0])]
    assert failures(cases, servers.on(wiring).connect, whole, new_key) == {}


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
@pytest.mark.parametrize("wiring", CUT_WIRINGS)
def test_topic_byte_by_byte(servers: Servers, wiring: str, topic: Topic) -> None:
    transport = wiring.partition("-")[0]
    cases = [case for case in topic.cases if case.plays_on(transport) and case.size() <= CUT_BYTES]
    assert failures(cases, servers.on(wiring).connect, every_byte, new_key) == {}
