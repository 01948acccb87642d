r"""Cases and their format: one file for each topic, bytes readable, every step in its order.

A file begins with `# ` and the sentence of its topic. A case is

    === name of the case
    RFC 9112 §5.1 MUST
    choice: what is done where the RFC leaves it open, and why
    not on: unix
    for: a value
    > GET /echo HTTP/1.1\r\n
    > X-Field: {}\r\n
    < 200
      seen field x-field: {}
    < open

The second line names the rule and how binding it is; `CHOICE` needs a `choice:` line, others may have one.
`not on:` names transports that cannot do what the case needs. TLS has no half-close, which need not be said.
With `for:` lines the case stands for one case each, its value taking the place of `{}`. `>` sends bytes
(neighbouring lines in one piece), `!` does something else, `<` waits for what has to happen next, and an indented
line checks the response above it. `< 200 begun` waits for a head only, `< rest` for what follows it, and `cut` stands
behind a response whose body must not come to its end. Bytes are latin-1 with the escapes \r \n \t \\ \xHH; `\{a*9000}`
is 9000 times `a`, and `\{key}` a word that no other run of the case has.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).with_name("cases")

# In the order of the page.
TOPICS = (
    "request-line",
    "target-forms",
    "versions",
    "host",
    "fields",
    "whitespace-and-folding",
    "content-length",
    "transfer-encoding",
    "chunks",
    "chunk-extensions",
    "trailers",
    "connection-and-keep-alive",
    "pipelining",
    "expect-continue",
    "methods-and-head",
    "upgrade-and-connect",
    "half-close",
    "limits",
    "responses",
)

LEVELS = ("MUST", "SHOULD", "MAY", "CHOICE")
KEY_FORM = "00000000"  # as long as every word for `\{key}`
ACTIONS = ("half-close", "release")

# What may be checked of a response, and of the request as the application saw it; True: with a value.
CHECKS = {
    "body": True,
    "body has": True,
    "chunks": True,
    "field": True,
    "no body": False,
    "no field": True,
    "seen body": True,
    "seen field": True,
    "seen hostname": True,
    "seen method": True,
    "seen no field": True,
    "seen path": True,
    "seen query": True,
    "seen target": True,
    "seen version": True,
}

_RULE = re.compile(r"(?P<rule>(?:RFC \d+|HTML) §[\w.]+(?:, (?:RFC \d+|HTML) §[\w.]+)*) (?P<level>[A-Z]+)")
_RESPONSE = re.compile(r"(?P<status>[1-5]\d\d)(?: to (?P<method>HEAD|CONNECT))?(?: (?P<part>cut|begun))?")
_REPEAT = re.compile(r"(?<!\\)\\\{((?:[^\\]|\\[^{])+?)\*(\d+)\}")  # the innermost ones
_ESCAPE = re.compile(r"\\(?:([rnt\\])|x([0-9a-f]{2})|\{(key)\}|(.?))")
_SIMPLE = {"r": "\r", "n": "\n", "t": "\t", "\\": "\\"}


class BadCase(Exception):
    """A file of cases breaks the format; the message names the file and the line."""


class Send(NamedTuple):
    """Bytes to send in one piece, escapes and all."""

    text: str


class Act(NamedTuple):
    """Something done beside sending: `half-close` shuts our side, `release` lets a held handler go on."""

    action: str


class Check(NamedTuple):
    """A check of a response; `argument` is empty for those that have none."""

    kind: str
    argument: str


class Answer(NamedTuple):
    """A response to wait for; status 0: the rest of the one that has `begun`, of which only the head was read.

    `cut`: its body must not come to an end.
    """

    status: int
    method: str
    part: str
    checks: tuple[Check, ...]


class Outcome(NamedTuple):
    """`end`: FIN and nothing before it. `open`: the connection serves a further request. `marks`: see `count`."""

    kind: str
    count: int = 0


Step = Send | Act | Answer | Outcome


class Case(NamedTuple):
    """One case, its steps in order."""

    topic: str
    name: str
    rule: str
    level: str
    choice: str
    not_on: tuple[str, ...]
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        return f"{self.topic}: {self.name}"

    def size(self) -> int:
        """How many bytes it sends."""
        return sum(len(encode(step.text, KEY_FORM)) for step in self.steps if isinstance(step, Send))

    def plays_on(self, transport: str) -> bool:
        """Whether a transport can do what the case needs."""
        return transport not in self.not_on and not (transport == "tls" and Act("half-close") in self.steps)


class Topic(NamedTuple):
    """A file of cases."""

    name: str
    sentence: str
    cases: tuple[Case, ...]


def encode(text: str, key: str) -> bytes:
    """The bytes that a text stands for; `key` is the word for `\\{key}`."""
    return _encode(text, key if r"\{key}" in text else "")


@lru_cache(maxsize=8192)
def _encode(text: str, key: str) -> bytes:
    def replace(match: re.Match[str]) -> str:
        simple, code, is_key, other = match.groups()
        if simple:
            return _SIMPLE[simple]
        if code:
            return chr(int(code, 16))
        if is_key:
            return key
        raise BadCase(f"there is no escape \\{other}")

    repeats = 1
    while repeats:
        text, repeats = _REPEAT.subn(lambda match: match[1] * int(match[2]), text)
    return _ESCAPE.sub(replace, text).encode("latin-1")


def load(folder: Path = FOLDER, names: tuple[str, ...] = TOPICS) -> tuple[Topic, ...]:
    """Every topic with its cases; `BadCase` for a file that is missing, unknown or breaks the format."""
    files = {path.stem for path in folder.iterdir()}
    if files != set(names):
        raise BadCase(f"files without a topic or topics without a file: {sorted(files ^ set(names))}")
    topics = tuple(parse(name, (folder / f"{name}.txt").read_text("utf-8")) for name in names)
    known: set[str] = set()
    for case in all_cases(topics):
        if str(case) in known:
            raise BadCase(f"two cases are called {str(case)!r}")
        known.add(str(case))
    return topics


def all_cases(topics: tuple[Topic, ...]) -> Iterator[Case]:
    """The cases of all topics, in order."""
    for topic in topics:
        yield from topic.cases


def parse(topic: str, text: str) -> Topic:
    """The topic that a file's text describes; `BadCase` where it breaks the format."""
    first, *lines = text.split("\n")
    if not first.startswith("# "):
        raise BadCase(f"{topic}:1: a file begins with '# ' and the sentence of its topic")
    blocks: list[_Block] = []
    for number, line in enumerate(lines, 2):
        if line.startswith("=== "):
            blocks.append(_Block(topic, line[4:]))
        elif line.strip() and not line.startswith("#"):
            if not blocks:
                raise BadCase(f"{topic}:{number}: a case begins with '=== ' and its name")
            try:
                blocks[-1].take(line)
            except BadCase as error:
                raise BadCase(f"{topic}:{number}: {error}") from None
    return Topic(topic, first[2:], tuple(case for block in blocks for case in block.cases()))


class _Block:
    """The lines of one case, or of one for each `for:` line."""

    def __init__(self, topic: str, name: str) -> None:
        self._topic = topic
        self._name = name
        self._rule: re.Match[str] | None = None
        self._choice = ""
        self._not_on: tuple[str, ...] = ()
        self._values: list[str] = []
        self._steps: list[str] = []

    def take(self, line: str) -> None:
        if self._rule is None:
            self._rule = _RULE.fullmatch(line)
            if self._rule is None or self._rule["level"] not in LEVELS:
                raise BadCase(f"behind the name stands a rule such as 'RFC 9112 §5.1 MUST', not {line!r}")
        elif line.startswith(("> ", "< ", "! ", "  ")):
            self._steps.append(line)
            _read_steps(self._steps)
        elif self._steps:
            raise BadCase(f"this is no step: {line!r}")
        elif line.startswith("choice: "):
            self._choice = line.removeprefix("choice: ")
        elif line.startswith("not on: "):
            self._not_on = tuple(line.removeprefix("not on: ").split())
        elif line.startswith("for: "):
            self._values.append(line.removeprefix("for: "))
        else:
            raise BadCase(f"this is neither a step nor 'choice: ', 'not on: ' or 'for: ': {line!r}")

    def cases(self) -> Iterator[Case]:
        for value in self._values or [None]:
            yield self._case(value)

    def _case(self, value: str | None) -> Case:
        name = self._name if value is None else self._name.replace("{}", value)
        if self._rule is None:
            raise BadCase(f"{self._topic}: {name}: there is no rule")
        if self._rule["level"] == "CHOICE" and not self._choice:
            raise BadCase(f"{self._topic}: {name}: a CHOICE says which one and why")
        if value is not None and name == self._name:
            raise BadCase(f"{self._topic}: {name}: there is no {{}} in the name for the value")
        steps = _read_steps(self._steps if value is None else [line.replace("{}", value) for line in self._steps])
        if not steps or not _is_terminal(steps[-1]):
            raise BadCase(f"{self._topic}: {name}: the last step says what becomes of the connection")
        return Case(self._topic, name, self._rule["rule"], self._rule["level"], self._choice, self._not_on, steps)


def _read_steps(lines: list[str]) -> tuple[Step, ...]:
    steps: list[Step] = []
    for line in lines:
        rest = line[2:]
        last = steps[-1] if steps else None
        if line.startswith("> "):
            encode(rest, "")
            if isinstance(last, Send):
                steps[-1] = Send(last.text + rest)
            else:
                steps.append(Send(rest))
        elif line.startswith("! "):
            if rest not in ACTIONS:
                raise BadCase(f"there is no action {rest!r}")
            steps.append(Act(rest))
        elif line.startswith("< "):
            steps.append(_read_expectation(rest))
        elif isinstance(last, Answer):
            steps[-1] = last._replace(checks=(*last.checks, _read_check(rest)))
        else:
            raise BadCase("there is no response above this check")
    return tuple(steps)


def _read_expectation(text: str) -> Step:
    if text in ("end", "open"):
        return Outcome(text)
    if text in ("rest", "rest cut"):
        return Answer(0, "", text.removeprefix("rest").strip(), ())
    if text.startswith("marks "):
        return Outcome("marks", int(text.removeprefix("marks ")))
    match = _RESPONSE.fullmatch(text)
    if match is None:
        raise BadCase(f"nothing like {text!r} can be waited for")
    return Answer(int(match["status"]), match["method"] or "", match["part"] or "", ())


def _read_check(text: str) -> Check:
    head, colon, value = text.partition(":")
    for kind in sorted(CHECKS, key=len, reverse=True):
        if head == kind or head.startswith(kind + " "):
            name = head[len(kind) :].strip()
            argument = f"{name}{colon}{value}" if name else value.removeprefix(" ")
            if bool(argument or colon) != CHECKS[kind]:
                break
            encode(argument, "")
            return Check(kind, argument)
    raise BadCase(f"there is no check {text!r}")


def _is_terminal(step: Step) -> bool:
    return isinstance(step, Outcome) or (isinstance(step, Answer) and step.part == "cut")
