"""What kito made of the bytes of one connection, told by its answers and the journal of its application."""

from collections.abc import Callable

from tests.conformance.client import Reader

from .judge import Verdict
from .readers import Seen
from .site import NUMBER_FIELD


def read_answers(receive: Callable[[], bytes], journal: list[Seen], methods: list[bytes]) -> Verdict:
    """Read to the end: one answer to each request in the journal, in order, then at most one refusal.

    `methods` only tell of what is not in the journal whether its answer has a body.
    """
    reader = Reader(receive)
    accepted: list[Seen | None] = []
    number, closed = 0, False
    while not reader.over():
        assert not closed, "an answer behind the last one"
        answer = reader.head()
        closed = answer.fields.get("connection") == "close"
        if answer.status == 200:
            assert answer.fields[NUMBER_FIELD] == str(number + 1)
            accepted.append(journal[number])
            number += 1
        elif answer.status == 204:
            accepted.append(Seen(b"OPTIONS", b"*", None))  # which kito answers by itself
        elif answer.status != 100:
            assert 400 <= answer.status < 600, answer
            if not closed:
                accepted.append(None)
        if answer.status not in (100, 204) and _method(accepted, methods, refused=answer.status >= 400) != b"HEAD":
            assert reader.body(answer).whole or closed
    assert number == len(journal), "a request without an answer"
    return Verdict(accepted, closed)


def _method(accepted: list[Seen | None], methods: list[bytes], *, refused: bool) -> bytes:
    """The method of the request that was answered last."""
    last = accepted[-1] if accepted else None
    if not refused:
        return last.method
    return methods[len(accepted) - 1] if 0 < len(accepted) <= len(methods) and last is None else b"GET"
