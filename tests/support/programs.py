"""Programs as processes of their own, told apart by the lines they write; nothing they start is left behind."""

import contextlib
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SILENCE_S = 30.0  # seconds that an awaited line, or the end, may take on a busy machine


class Program:
    """A running program; its standard output and errors are one sequence of lines."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self.process = process
        self.lines: list[str] = []  # those that were read
        self._coming: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._coming.put(line.rstrip("\n"))
        self._coming.put(None)

    def says(self, pattern: str) -> re.Match[str]:
        """Wait for the next line that has `pattern` in it."""
        while (line := self._next(pattern)) is not None:
            if found := re.search(pattern, line):
                return found
        raise AssertionError(f"the program ended without {pattern!r}: {self.lines}")

    def ended(self) -> int:
        """Wait until the program and all that it has started are gone; return its exit status."""
        while self._next("its end") is not None:
            pass
        return self.process.wait(SILENCE_S)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program alone."""
        self.process.send_signal(number)

    def _next(self, wanted: str) -> str | None:
        try:
            line = self._coming.get(timeout=SILENCE_S)
        except queue.Empty:
            raise AssertionError(f"waited {SILENCE_S:.0f} s for {wanted!r} behind {self.lines}") from None
        if line is not None:
            self.lines.append(line)
        else:
            self._coming.put(None)  # for who asks again
        return line

    def close(self) -> None:
        """Kill the program and what it has started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextlib.contextmanager
def running(*arguments: str, **options: Any) -> Iterator[Program]:
    """Run `python *arguments` in a process group of its own while the block runs."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **options.pop("env", {})}
    process = subprocess.Popen(
        [sys.executable, *arguments],
        **{"cwd": ROOT, **options},
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    program = Program(process)
    try:
        yield program
    finally:
        program.close()


def poll(condition: Any, what: str, pause_s: float = 0.01) -> Any:
    """Wait for what nobody announces; return the first true value of `condition()`."""
    deadline = time.monotonic() + SILENCE_S
    while not (found := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {SILENCE_S:.0f} s for {what}")
        time.sleep(pause_s)
    return found


def lines_with(program: Program, pattern: str) -> Sequence[str]:
    """The lines read so far that have `pattern` in them."""
    return [line for line in program.lines if re.search(pattern, line)]
