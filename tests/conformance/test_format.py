"""Files of cases say what they mean or are refused; a case that is not met fails."""

from pathlib import Path

import pytest

from .cases import Answer, BadCase, Check, Outcome, Send, encode, load, parse
from .lines import MemoryServer, in_memory, new_key
from .play import play

RULE = "RFC 9112 §3 MUST"
REQUEST = r"> GET /alive HTTP/1.1\r\nHost: kito.test\r\n\r\n"


def block(*lines: str) -> str:
    return "\n".join(["# A topic.", "=== a case", *lines])


def test_the_parts_of_a_case() -> None:
    topic = parse(
        "topic",
        block("RFC 9110 §5.1, RFC 9112 §3 MAY", "choice: this", REQUEST, "< 200 to HEAD", "  no body", "< open"),
    )
    (case,) = topic.cases
    assert (topic.sentence, case.name, case.rule) == ("A topic.", "a case", "RFC 9110 §5.1, RFC 9112 §3")
    assert (case.level, case.choice) == ("MAY", "this")
    assert case.steps == (Send(REQUEST[2:]), Answer(200, "HEAD", "", (Check("no body", ""),)), Outcome("open"))


def test_one_case_for_each_value() -> None:
    lines = [RULE, "for: a", "for: b|c", "> {}", "< 200", "  body: {}", "< end"]
    cases = parse("topic", "# A topic.\n=== the value {}\n" + "\n".join(lines)).cases
    assert [case.name for case in cases] == ["the value a", "the value b|c"]
    assert [case.steps[0] for case in cases] == [Send("a"), Send("b|c")]
    assert [case.steps[1].checks for case in cases] == [(Check("body", "a"),), (Check("body", "b|c"),)]


@pytest.mark.parametrize(
    ("text", "data"),
    [
        (r"a\r\n\t\\\x00\xff", b"a\r\n\t\\\x00\xff"),
        (r"\{ab*3}c", b"abababc"),
        (r"\{\{a*2}\r\n*2}", b"aa\r\naa\r\n"),
        (r"\\{a*2}", b"\\{a*2}"),
        (r"/\{key}/", b"/word/"),
    ],
)
def test_bytes(text: str, data: bytes) -> None:
    assert encode(text, "word") == data


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["no rule"],
        ["RFC 9112 §3 OUGHT", REQUEST, "< end"],
        ["RFC 9112 §3 CHOICE", REQUEST, "< end"],
        [RULE, "something", REQUEST, "< end"],
        [RULE, REQUEST, "choice: too late", "< end"],
        [RULE, REQUEST],
        [RULE, REQUEST, "< 200"],
        [RULE, REQUEST, "< 600", "< end"],
        [RULE, REQUEST, "< perhaps"],
        [RULE, REQUEST, "  body: x", "< end"],
        [RULE, REQUEST, "< 200", "  smell: x", "< end"],
        [RULE, REQUEST, "< 200", "  no body: x", "< end"],
        [RULE, "! sleep", "< end"],
        [RULE, r"> \q", "< end"],
        [RULE, "for: a", REQUEST, "< end"],
    ],
    ids=str,
)
def test_what_is_no_case(lines: list[str]) -> None:
    with pytest.raises(BadCase):
        parse("topic", block(*lines))


def test_names_and_files_are_the_topics(tmp_path: Path) -> None:
    text = block(RULE, REQUEST, "< end")
    (tmp_path / "one.txt").write_text(text)
    assert len(load(tmp_path, ("one",))[0].cases) == 1
    with pytest.raises(BadCase, match="two"):
        load(tmp_path, ("one", "two"))
    (tmp_path / "one.txt").write_text(text + "\n" + text.partition("\n")[2])
    with pytest.raises(BadCase, match="a case"):
        load(tmp_path, ("one",))


@pytest.fixture(scope="module")
def server() -> MemoryServer:
    with in_memory() as server:
        yield server


@pytest.mark.parametrize(
    "steps",
    [
        [REQUEST, "< 404", "< open"],
        [REQUEST, "< 200", "< end"],
        [REQUEST, "< 200", "  body: dead", "< open"],
        [REQUEST, "< 200", "  body has: dead", "< open"],
        [REQUEST, "< 200", "  no body", "< open"],
        [REQUEST, "< 200", "  field content-length: 6", "< open"],
        [REQUEST, "< 200", "  no field date", "< open"],
        [REQUEST, "< 200", "  chunks: alive", "< open"],
        [REQUEST, "< 200 cut"],
        [REQUEST, "< 200", "< 200", "< open"],
        [REQUEST, "< 200 to HEAD", "< open"],
        [REQUEST.replace("alive", "closing"), "< 200", "< open"],
        [REQUEST.replace("alive", "closing"), "< 200", "< 200", "< end"],
        [REQUEST.replace("alive", "echo"), "< 200", "  seen method: POST", "< open"],
        [REQUEST.replace("alive", "echo"), "< 200", "  seen field host: other", "< open"],
        [REQUEST.replace("alive", "echo"), "< 200", "  seen no field host", "< open"],
        [REQUEST.replace("alive", r"mark/\{key}"), "< 200", "< marks 0"],
        [REQUEST.replace("alive", r"stream/\{key}"), "< 200 begun", "! release", "< rest cut"],
    ],
    ids=str,
)
def test_what_is_not_met_fails(server: MemoryServer, steps: list[str]) -> None:
    (case,) = parse("topic", block(RULE, *steps)).cases
    with server.connect() as line, pytest.raises(AssertionError):
        play(case, line, new_key())
