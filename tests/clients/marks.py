"""What the program promises: which piece arrives at which second, and how far off it may be."""

from collections.abc import Sequence

TOLERANCE = 0.1  # seconds

STREAM_PIECES = ("Chunk 1\n", "Chunk 2\n", "Final chunk\n")
STREAM_MARKS = (0, 1, 2)  # seconds

EVENTS = (
    ("init", '{"msg":"connected"}'),
    *(("update", f'{{"count":{count}}}') for count in range(5)),
    ("complete", '{"msg":"done"}'),
)
EVENT_MARKS = (0, 1, 2, 3, 4, 5, 5)  # seconds

Arrivals = Sequence[tuple[float, object]]


def assert_on_marks(arrivals: Arrivals, marks: Sequence[float]) -> None:
    """Fail unless the n-th piece arrived within `TOLERANCE` of the n-th mark."""
    assert len(arrivals) == len(marks), arrivals
    off = [(at, what) for (at, what), mark in zip(arrivals, marks, strict=True) if abs(at - mark) > TOLERANCE]
    assert not off, f"off their marks {marks} by more than {TOLERANCE} s: {off}"


def since_first(arrivals: Arrivals) -> list[tuple[float, object]]:
    """The same arrivals on a clock that starts with the first of them."""
    return [(at - arrivals[0][0], what) for at, what in arrivals]
