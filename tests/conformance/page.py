"""`docs/conformance.md`: the cases as a page for readers."""

from collections.abc import Collection, Iterator
from pathlib import Path

from .cases import LEVELS, Answer, Case, Outcome, Topic, all_cases

PAGE = Path(__file__).parents[2] / "docs" / "conformance.md"

_INTRODUCTION = """\
# Conformance

What kito does with {count} conversations over HTTP/1.1: the bytes that a client sends, and what has to come back, by
the sentence of [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110), [RFC 9112](https://www.rfc-editor.org/rfc/rfc9112)
or [WHATWG HTML](https://html.spec.whatwg.org/multipage/server-sent-events.html) that says so. {passed} of them pass.

The cases are files in `tests/conformance/cases/`, which are meant to be read: each shows its bytes. They are played
over TCP, Unix sockets and TLS, on uvloop and on asyncio's own loop; and, in memory, with every byte a read of its own
and cut in two behind every byte. Of every response is also checked what every response owes: the form of its head, its
date, one way to frame its body, and that it says `connection: close` when and only when it is the last.

```sh
python -m pytest tests/conformance    # play them all, everywhere
python -m tests.conformance           # play them once, and write this page
```

`MUST`, `SHOULD` and `MAY` are the words of the source. `CHOICE` stands where it leaves open what to do, or where kito
does something else than it recommends; the [choices](#choices) say what and why.
"""


def render(topics: tuple[Topic, ...], failed: Collection[str]) -> str:
    """The page; `failed` are the cases that did not pass, as text."""
    cases = tuple(all_cases(topics))
    count = len(cases)
    parts = [_INTRODUCTION.format(count=count, passed="All" if not failed else count - len(failed))]
    parts.append("\n".join(_summary(topics)))
    parts.append("## Choices\n\n" + "\n".join(_choices(cases)))
    parts += ["\n".join(_section(topic, failed)) for topic in topics]
    return "\n\n".join(part.rstrip("\n") for part in parts) + "\n"


def _summary(topics: tuple[Topic, ...]) -> Iterator[str]:
    yield from _header("Topic", "Cases", *LEVELS)
    for topic in topics:
        yield _row(f"[{topic.name}](#{topic.name})", *_counts(topic.cases))
    yield _row("all", *_counts(tuple(all_cases(topics))))


def _counts(cases: tuple[Case, ...]) -> Iterator[str]:
    yield str(len(cases))
    for level in LEVELS:
        yield str(sum(case.level == level for case in cases))


def _choices(cases: tuple[Case, ...]) -> Iterator[str]:
    """Each choice once, with where it stands and the first case that shows it."""
    first: dict[tuple[str, str], Case] = {}
    for case in cases:
        if case.choice:
            first.setdefault((case.topic, case.choice), case)
    yield from _header("Topic", "Source", "Such as", "What kito does")
    for case in first.values():
        yield _row(case.topic, case.rule, case.name, case.choice)


def _section(topic: Topic, failed: Collection[str]) -> Iterator[str]:
    yield f"## {topic.name}"
    yield ""
    yield topic.sentence
    yield ""
    yield from _header("Case", "Source", "Level", "Expected", "Result")
    for case in topic.cases:
        result = "fails" if str(case) in failed else "passes"
        yield _row(case.name, case.rule, case.level, ", ".join(_expected(case)), result)


def _expected(case: Case) -> Iterator[str]:
    """What has to happen, in the order in which it has to; equal neighbours are counted."""
    words: list[str] = []
    counts: list[int] = []
    for word in filter(None, map(_word, case.steps)):
        if words and words[-1] == word:
            counts[-1] += 1
        else:
            words.append(word)
            counts.append(1)
    for word, count in zip(words, counts, strict=True):
        yield word if count == 1 else f"{count} x {word}"


def _word(step: object) -> str:
    if isinstance(step, Answer) and step.status:
        return f"{step.status} cut off" if step.part == "cut" else str(step.status)
    if isinstance(step, Answer) and step.part == "cut":
        return "cut off"
    if isinstance(step, Outcome) and step.kind != "marks":
        return {"end": "closed", "open": "stays open"}[step.kind]
    return ""


def _header(*names: str) -> tuple[str, str]:
    return _row(*names), "|" + "---|" * len(names)


def _row(*cells: str) -> str:
    return "| " + " | ".join(_escaped(cell) for cell in cells) + " |"


def _escaped(text: str) -> str:
    """Markdown takes no `|` in a cell, and some characters for its own outside of code."""
    pieces = text.replace("|", "\\|").split("`")
    if len(pieces) % 2 == 0:  # a backtick that is meant: no code in this text
        return "\\`".join(pieces)
    for index in range(0, len(pieces), 2):
        for sign in "*_<":
            pieces[index] = pieces[index].replace(sign, "\\" + sign)
    return "`".join(pieces)
