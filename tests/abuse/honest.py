"""A well-behaved client, `python -m tests.abuse.honest PORT`: it asks until its input ends, then tells its waits.

A line of JSON: how many answers, the median and the 99th percentile of the waits and the longest, in seconds.
"""

import json
import select
import socket
import statistics
import sys
import time

REQUEST = b"GET /plain HTTP/1.1\r\nhost: kito.test\r\n\r\n"
BETWEEN_S = 0.005
PATIENCE_S = 10.0  # for one answer; after that it counts as none
ON_ONE_CONNECTION = 50  # requests
LONGEST_S = 120.0


def ask(sock: socket.socket) -> float:
    """The seconds until a whole answer is there; an error is one for the caller."""
    began = time.perf_counter()
    sock.sendall(REQUEST)
    received = b""
    while not received.endswith(b"plain"):
        data = sock.recv(4096)
        assert data, received
        received += data
    assert received.startswith(b"HTTP/1.1 200 "), received
    return time.perf_counter() - began


def main() -> None:
    address = ("127.0.0.1", int(sys.argv[1]))
    waits: list[float] = []
    end = time.monotonic() + LONGEST_S
    over = False
    while not over and time.monotonic() < end:
        with socket.create_connection(address, PATIENCE_S) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for _ in range(ON_ONE_CONNECTION):
                waits.append(ask(sock))
                over = bool(select.select([sys.stdin], [], [], BETWEEN_S)[0])
                if over:
                    break
    cuts = statistics.quantiles(waits, n=100) if len(waits) > 1 else waits * 99
    found = {"answers": len(waits), "p50": statistics.median(waits), "p99": cuts[98], "longest": max(waits)}
    sys.stdout.write(json.dumps(found) + "\n")


main()
