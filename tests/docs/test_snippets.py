"""Every Python block of the documentation is run, and shows what the page says it shows."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import require_tool
from tests.docs.pages import FRAME, FRAMED_AND_LOGS, ROOT, WAYS, WHOLE, Snippet, pages, snippets

ORIGIN = "http://127.0.0.1:3000"  # as the pages print it
COMMAND_LIMIT = 30.0  # seconds for one command
STOP_LIMIT = 10.0  # seconds from SIGTERM until a program has ended

SNIPPETS = [snippet for page in pages() for snippet in snippets(page)]


@contextlib.contextmanager
def served(program: Path, *, logs: bool) -> Iterator[str]:
    """The origin of a running server program, which ends on SIGTERM and has nothing to say unless it `logs`."""
    errors = program.with_name("errors.txt")
    command = [sys.executable, str(Path(__file__).with_name("serve.py")), str(program)]
    with (
        errors.open("w") as sink,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=sink, text=True) as process,
    ):
        try:
            origin = process.stdout.readline().strip()
            assert origin, f"the program has not started: {errors.read_text()}"
            yield origin
            process.send_signal(signal.SIGTERM)
            status = process.wait(STOP_LIMIT)
        finally:
            process.kill()
    assert status == 0
    assert bool(errors.read_text()) == logs, errors.read_text()


def run(line: str, program: Path, origin: str) -> str:
    """What a command of a page shows: its output, and its error message behind it."""
    tool, *arguments = shlex.split(line.replace(ORIGIN, origin))
    if tool == "curl":
        command = [require_tool("curl"), "--silent", "--show-error", "--noproxy", "*", *arguments]
    elif (tool, arguments) == ("pytest", ["-q", "program.py"]):
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-c",
            os.devnull,
            "--rootdir",
            str(program.parent),
            str(program),
        ]
    else:
        allowed = "curl, python program.py or pytest -q program.py"
        assert (tool, arguments) == ("python", ["program.py"]), f"a page may show {allowed}, not {line}"
        command = [sys.executable, str(program)]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=COMMAND_LIMIT, check=False)
    shown = ended.stdout.replace(origin, ORIGIN)
    if shown and not shown.endswith("\n"):
        shown += "\n"
    return (shown + ended.stderr).rstrip("\n") + "\n"


def pattern(expected: str) -> str:
    """What a page prints as a regular expression: `...` stands for anything in a line, or alone for any lines."""
    lines = []
    for line in expected.rstrip("\n").split("\n"):
        any_lines = line == "..."
        lines.append(r"(?:.*\n)*?" if any_lines else r"[^\n]*".join(map(re.escape, line.split("..."))) + r"\n")
    return "".join(lines)


def show(snippet: Snippet, program: Path, origin: str) -> None:
    """Run the commands below a block and compare."""
    for command in snippet.commands:
        got = run(command.line, program, origin)
        assert re.fullmatch(pattern(command.output), got), (
            f"{snippet}: `{command.line}` shows\n{got}\nand the page says\n{command.output}"
        )


@pytest.mark.parametrize("snippet", SNIPPETS, ids=str)
def test_a_block_does_what_the_page_says(snippet: Snippet, tmp_path: Path) -> None:
    assert snippet.commands, f"{snippet} is followed by no console block: nothing shows what it does"
    program = tmp_path / "program.py"
    program.write_text(snippet.program, "utf-8")
    if "app.listen(" in snippet.program:
        with served(program, logs=snippet.way == FRAMED_AND_LOGS) as origin:
            show(snippet, program, origin)
    else:
        show(snippet, program, ORIGIN)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=str)
def test_a_block_says_how_it_is_run(snippet: Snippet) -> None:
    if snippet.way == WHOLE:
        assert "import" in snippet.source, f"{snippet} is no whole program: say above it how it is run"
    else:
        assert snippet.way in WAYS, f"{snippet}: there is no way called {snippet.way!r}"


def test_the_first_page_prints_the_published_program() -> None:
    first = next(snippet for snippet in SNIPPETS if snippet.page.name == "README.md")
    assert first.source == (ROOT / "examples" / "streaming.py").read_text("utf-8")


def test_a_page_that_is_wrong_is_noticed(tmp_path: Path) -> None:
    page = ROOT / "README.md"
    wrong = Snippet(page, 1, WHOLE, "", 'print("one\\n\\ntwo three")\n')
    program = tmp_path / "program.py"
    program.write_text(wrong.program, "utf-8")
    for right in ("one\n\ntwo three\n", "one\n...\n", "...\ntwo ...\n", "...\none\n...\ntwo three\n...\n"):
        assert re.fullmatch(pattern(right), run("python program.py", program, ORIGIN)), right
    for other in ("one\ntwo three\n", "one\n", "...\ntwo\n", "one\n...\nfour\n"):
        assert not re.fullmatch(pattern(other), run("python program.py", program, ORIGIN)), other


def test_every_frame_is_run_too() -> None:
    framed = {snippet.page for snippet in SNIPPETS if snippet.way not in (WHOLE, FRAME)}
    assert framed == {snippet.page for snippet in SNIPPETS if snippet.way == FRAME}
