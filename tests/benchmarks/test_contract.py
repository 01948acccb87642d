"""Kito and the floor keep every contract on a real socket, and the checker refuses whoever does not."""

import dataclasses
import socket
import threading

import pytest

from benchmarks import contract, scenarios
from benchmarks.contract import ContractBroken, Response
from benchmarks.scenarios import BY_NAME, Expected

PLAIN = [scenario for scenario in scenarios.SCENARIOS if not scenario.tls]


@pytest.mark.parametrize("scenario", PLAIN, ids=lambda scenario: scenario.name)
def test_kito_keeps_the_contract(kito, scenario):
    contract.check(kito.address, scenario)


@pytest.mark.parametrize("scenario", PLAIN, ids=lambda scenario: scenario.name)
def test_the_floor_keeps_the_contract(floor, scenario):
    contract.check(floor.address, scenario)


def test_kito_keeps_the_contract_over_tls(secure_kito):
    contract.check(secure_kito.address, BY_NAME["tls"])


def test_a_plain_server_does_not_pass_for_one_of_tls(kito):
    with pytest.raises(ContractBroken, match="SSL"):
        contract.check(kito.address, BY_NAME["tls"])


def head_and_body(address, scenario) -> bytes:
    with contract.connect(address) as connection:
        connection.sendall(contract.request_bytes(scenario))
        received = b""
        while not received.endswith(b"0\r\n\r\n") and not received.endswith(scenario.expected.body):
            received += connection.recv(1 << 16)
    return received


@pytest.mark.parametrize("name", ["plaintext", "json", "param", "down-1m", "up-1m", "chunks", "events"])
def test_the_floor_moves_as_many_bytes_as_kito(kito, floor, name):
    ours, theirs = (head_and_body(server.address, BY_NAME[name]) for server in (kito, floor))
    assert len(ours) == len(theirs)


@pytest.fixture
def saying():
    """A server that answers every connection with given bytes, for contracts that must be refused."""
    listener = socket.create_server(("127.0.0.1", 0))
    answers: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.recv(1 << 16)
                connection.sendall(answers[0])

    thread = threading.Thread(target=serve)
    thread.start()

    def say(answer: bytes):
        answers[:] = [answer]
        return listener.getsockname()

    yield say
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(10)
    assert not thread.is_alive()


HELLO = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 13\r\n\r\nHello, World!"
CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (HELLO.replace(b"200 OK", b"500 Oh"), "status 500"),
        (HELLO.replace(b"text/plain", b"text/html"), "content-type 'text/html'"),
        (HELLO.replace(b"World", b"world"), "from byte 7"),
        (HELLO.replace(b"HTTP/1.1", b"HTTP/1.0"), "status line"),
        (HELLO.replace(b"content-length: 13\r\n", b""), "neither content-length nor chunks"),
        (HELLO[:-1], "closed in the middle"),
        (HELLO + HELLO + b"more", "nobody asked for"),
        (CHUNKED + b"d\r\nHello, World!X\r\n", "not followed by CRLF"),
    ],
)
def test_a_broken_contract_is_refused(saying, answer, complaint):
    with pytest.raises(ContractBroken, match=complaint):
        contract.check(saying(answer), BY_NAME["plaintext"])


def test_merged_chunks_are_refused(saying):
    pieces = Expected("text/plain", b"Hello, World!", (b"Hello, ", b"World!"))
    scenario = dataclasses.replace(BY_NAME["plaintext"], expected=pieces)
    with pytest.raises(ContractBroken, match="2 chunks were promised"):
        contract.check(saying(CHUNKED + b"d\r\nHello, World!\r\n0\r\n\r\n"), scenario)


def test_an_open_chunk_need_not_be_ended_before_the_next(saying):
    address = saying(CHUNKED + b"5\r\nfirst")
    with contract.connect(address) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        response = Response(connection)
        response.read_head()
        response.read_body(5)
    assert response.pieces == [b"first"]
    assert not response.complete


def test_every_scenario_asks_for_what_it_promises():
    assert len({scenario.name for scenario in scenarios.SCENARIOS}) == len(scenarios.SCENARIOS)
    browser = contract.request_bytes(BY_NAME["browser"])
    assert browser.count(b"\r\n") - 2 >= 12  # fields: all lines but the request line and the blank one
    assert contract.request_bytes(BY_NAME["up-1m"]).endswith(b"x" * scenarios.UPLOAD_BYTES)


def test_unknown_names_are_refused():
    with pytest.raises(KeyError, match="nonsense"):
        scenarios.select(("plaintext", "nonsense"))
    assert [scenario.name for scenario in scenarios.select(("idle", "json"))] == ["idle", "json"]
