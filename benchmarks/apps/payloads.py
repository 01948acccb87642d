"""What every server must send, byte for byte: the one payload contract that all the Python apps import.

The Node app and the C floor spell the same values in their own language; `benchmarks.contract` checks all of them.
"""

TEXT = "Hello, World!"
TEXT_BYTES = TEXT.encode()
TOKEN = "a token of the answer"
PIECES = 100
CHUNK = b"x" * 63 + b"\n"
BIG_BODY = bytes(range(256)) * 4096  # 1 MiB
READY = "ready"
PACE_SECONDS = 0.02
HEARTBEAT_SECONDS = 15.0


def greeting() -> dict[str, str]:
    """The JSON answer, built anew for each request as an application would."""
    return {"message": TEXT}


def token(number: int) -> dict[str, object]:
    """The data of event `number`."""
    return {"n": number, "msg": TOKEN}
