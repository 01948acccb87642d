"""The pages of the documentation, and the programs and commands that they print."""

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]

# How a Python block is run, as the HTML comment above it says; a block without one is a whole program.
WHOLE = "as it stands"
FRAME = "as the frame"
FRAMED = "in the frame"
FRAMED_AND_LOGS = "in the frame, and logs"
WAYS = (FRAME, FRAMED, FRAMED_AND_LOGS)

SLOT = "# Here stand the examples.\n"  # the line of a frame that gives way to an example

_FENCE = re.compile(r"```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"<!-- runs (?P<way>[^>]+) -->\s*\Z")


@dataclass
class Command:
    """A line of a console block behind its `$ `, and what it shows."""

    line: str
    output: str


@dataclass
class Snippet:
    """A Python block of a page, the whole program it stands for, and the commands that show what it does."""

    page: Path
    number: int
    way: str
    source: str
    program: str
    commands: list[Command] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.number}"


def pages() -> list[Path]:
    """Every page of the repository that is written for readers."""
    return [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def snippets(page: Path) -> list[Snippet]:
    """The Python blocks of a page, in order; a console block belongs to the last one above it."""
    text = page.read_text("utf-8")
    found: list[Snippet] = []
    frame = ""
    for block in _FENCE.finditer(text):
        if block["language"] == "console" and found:
            found[-1].commands += _commands(block["text"])
        elif block["language"] == "python":
            snippet = _snippet(page, text, block, frame)
            frame = snippet.source if snippet.way == FRAME else frame
            found.append(snippet)
    return found


def _snippet(page: Path, text: str, block: re.Match[str], frame: str) -> Snippet:
    number = text.count("\n", 0, block.start()) + 1
    comment = _COMMENT.search(text, 0, block.start())
    way = comment["way"] if comment else WHOLE
    program = block["text"]
    if way in (FRAMED, FRAMED_AND_LOGS):
        assert SLOT in frame, f"{page.name}:{number}: there is no frame above that this block could stand in"
        program = frame.replace(SLOT, program)
    return Snippet(page, number, way, block["text"], program)


def _commands(text: str) -> list[Command]:
    found: list[Command] = []
    for line in text.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append(Command(line[2:].rstrip("\n"), ""))
        else:
            assert found, f"a console block begins with a command behind '$ ', not with {line!r}"
            found[-1].output += line
    return found
