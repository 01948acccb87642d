"""Plays a case on a connection: every step in its order, every check of what comes back."""

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from .app import ALIVE, Site
from .cases import Act, Answer, Case, Check, Outcome, Send, Step, encode
from .client import Reader, Response, ResponseError

Cut = Callable[[bytes], Sequence[bytes]]

PROBE = b"GET /alive HTTP/1.1\r\nHost: kito.test\r\nConnection: close\r\n\r\n"


class Line(Protocol):
    """A client's connection to a site."""

    site: Site

    def send(self, pieces: Sequence[bytes]) -> None:
        """Send each piece on its own; what a server that has closed does not take is dropped."""

    def receive(self) -> bytes:
        """Bytes as they come, `b""` at FIN; `ResetError` at another end, `ResponseError` when nothing comes."""

    def half_close(self) -> None:
        """Shut the client's side."""

    def call(self, fn: Callable[..., Any], *args: Any) -> Any:
        """Call `fn(*args)` in the loop of the server and return what it returns."""


def whole(data: bytes) -> Sequence[bytes]:
    """Everything in one piece."""
    return [data]


def every_byte(data: bytes) -> Sequence[bytes]:
    """Each byte in a piece of its own."""
    return [data[index : index + 1] for index in range(len(data))]


def play(case: Case, line: Line, key: str, cut: Cut = whole) -> None:
    """Play a case; `ResponseError` says which expectation failed. `key` has to be new for each run."""
    reader = Reader(line.receive)
    begun: Response | None = None
    for index, step in enumerate(case.steps):
        if isinstance(step, Send):
            line.send(cut(encode(step.text, key)))
        elif isinstance(step, Act):
            _act(step.action, line, key)
        elif isinstance(step, Outcome):
            _check_outcome(step, line, reader, key)
        else:
            begun = _read(step, reader, begun)
            _check_answer(step, begun, key)
            _check_announcement(begun, case.steps, index)


def failures(
    cases: Iterable[Case], connect: Callable[[], AbstractContextManager[Line]], cut: Cut, new_key: Callable[[], str]
) -> dict[str, str]:
    """Play cases, each on a connection of its own; returns those that fail, and why."""
    failed = {}
    for case in cases:
        with connect() as line:
            try:
                play(case, line, new_key(), cut)
            except ResponseError as error:
                failed[str(case)] = str(error)
    return failed


def _read(step: Answer, reader: Reader, begun: Response | None) -> Response:
    if step.status == 0:
        assert begun is not None, "a rest without a beginning"
        return reader.body(begun)
    return reader.head() if step.part == "begun" else reader.response(step.method)


def _act(action: str, line: Line, key: str) -> None:
    if action == "half-close":
        line.half_close()
    else:
        line.call(line.site.release, key)


def _check_outcome(step: Outcome, line: Line, reader: Reader, key: str) -> None:
    if step.kind == "end":
        reader.end()
    elif step.kind == "marks":
        marks = line.call(line.site.marks.__getitem__, key)
        _must_be("number of marks", marks, step.count)
    else:
        line.send([PROBE])
        response = reader.response("GET")
        _must_be("answer to a further request", (response.status, response.body), (200, ALIVE.encode()))
        reader.end()


def _check_announcement(response: Response, steps: tuple[Step, ...], index: int) -> None:
    """RFC 9112 §9.6: the last response says that it is, and no other one does.

    Where a client has shut its side there is nobody to be told, or no time.
    """
    if response.status < 200 or Act("half-close") in steps:
        return
    following = [step for step in steps[index + 1 :] if _is_awaited(step)]
    last = following[:1] == [Outcome("end")]
    closing = "close" in response.fields.get("connection", "").lower()
    if following and closing != last:
        raise ResponseError(f"connection is {response.fields.get('connection')!r} in {_brief(response)}")


def _is_awaited(step: Step) -> bool:
    """Whether a step waits for something new: another response, or what becomes of the connection."""
    return isinstance(step, Outcome) or (isinstance(step, Answer) and step.status != 0)


def _check_answer(step: Answer, response: Response, key: str) -> None:
    if step.status not in (0, response.status):
        raise ResponseError(f"the status had to be {step.status}, not {_brief(response)}")
    if response.whole == (step.part == "cut"):
        raise ResponseError(f"the body is {'whole' if response.whole else 'cut'}: {_brief(response)}")
    for check in step.checks:
        argument = encode(check.argument, key).decode("latin-1")
        if check.kind.startswith("seen "):
            _check_seen(check, argument, json.loads(response.body))
        else:
            _check_response(check, argument, response)


def _check_response(check: Check, argument: str, response: Response) -> None:
    body = response.body.decode("latin-1")
    name, _, value = argument.partition(":")
    if check.kind == "body":
        _must_be("body", body, argument)
    elif check.kind == "body has":
        if argument not in body:
            raise ResponseError(f"the body has no {argument!r}: {body!r}")
    elif check.kind == "chunks":
        _must_be("chunks", [chunk.decode("latin-1") for chunk in response.chunks or []], argument.split(" | "))
    elif check.kind == "field":
        _must_be(f"field {name}", response.fields.get(name), value.strip())
    elif check.kind == "no field":
        _must_be(f"field {name}", response.fields.get(name), None)
    else:
        _must_be("body", response.body, b"")


def _check_seen(check: Check, argument: str, document: dict[str, Any]) -> None:
    what = check.kind.removeprefix("seen ")
    name, _, value = argument.partition(":")
    values = [text for field, text in document["fields"] if field == name]
    if what == "field":
        _must_be(f"field {name} of the request", " | ".join(values), value.strip(" "))
    elif what == "no field":
        _must_be(f"field {name} of the request", values, [])
    else:
        _must_be(f"{what} of the request", document[what], argument)


def _must_be(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ResponseError(f"{what}: {expected!r} had to be there, not {found!r}")


def _brief(response: Response) -> str:
    return f"{response.status} {response.fields} {response.body[:200]!r}"
