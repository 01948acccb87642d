"""Progress of a run: one live line on a terminal, one plain line for each cell elsewhere."""

import sys
import time
from typing import TextIO


class Progress:
    """Counts cells and shows the present one with the time that is likely left."""

    def __init__(self, total: int, out: TextIO = sys.stderr) -> None:
        self.total, self.out = total, out
        self.done = 0
        self.live = out.isatty()
        self.started = time.monotonic()

    def _left(self) -> str:
        if not self.done:
            return ""
        seconds = (time.monotonic() - self.started) / self.done * (self.total - self.done)
        return f", about {seconds / 60:.0f} min left" if seconds > 90 else f", about {seconds:.0f} s left"

    def begin(self, what: str) -> None:
        """A cell starts; only a terminal shows it."""
        if self.live:
            self.out.write(f"\r\x1b[K[{self.done + 1}/{self.total}{self._left()}] {what}")
            self.out.flush()

    def end(self, what: str, outcome: str) -> None:
        """A cell is done, with its figure or its failure."""
        self.done += 1
        start = "\r\x1b[K" if self.live else ""
        self.out.write(f"{start}[{self.done}/{self.total}] {what}: {outcome}\n")
        self.out.flush()
