"""The committed inputs of each target, and changes of them that are the same in every run."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from tests.oracle.mutations import apply, random_changes

TARGETS = ("adapter", "encoder")
FOLDER = Path(__file__).with_name("corpus")
MOST_CHANGES = 4  # of one input
SEED = 9112


def files(name: str) -> list[Path]:
    """The files of a target's corpus, in an order that stays."""
    return sorted((FOLDER / name).iterdir())


def changed(name: str, count: int) -> Iterator[bytes]:
    """So many inputs, each one of the corpus with a few changes."""
    random = Random(SEED)
    originals = [path.read_bytes() for path in files(name)]
    for _ in range(count):
        yield apply(random.choice(originals), random_changes(random, MOST_CHANGES))
