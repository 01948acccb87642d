"""Both targets hold for every committed input and for changes of them, and under a fuzzer for a moment."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from platform import machine
from typing import Any

import pytest

from tests.conftest import require_module
from tests.oracle.readers import Seen
from tests.oracle.site import Journal

from . import encoder
from .adapter import AdapterTarget
from .corpus import FOLDER, TARGETS, changed, files
from .encoder import EncoderTarget

ROOT = Path(__file__).parents[2]
CHANGED = 1500  # inputs
GUIDED_S = 2
MOST_FILES = 200
MOST_BYTES = 200 * 1024

MAKE: dict[str, Callable[[], Any]] = {"adapter": AdapterTarget, "encoder": EncoderTarget}


@pytest.fixture(params=TARGETS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def target(name: str) -> Iterator[Callable[[bytes], None]]:
    made = MAKE[name]()
    yield made
    made.close()


def test_the_corpus(name: str, target: Callable[[bytes], None]) -> None:
    for path in files(name):
        target(path.read_bytes())


def test_changes_of_the_corpus(name: str, target: Callable[[bytes], None]) -> None:
    for data in changed(name, CHANGED):
        try:
            target(data)
        except Exception as error:
            raise AssertionError(data) from error


@pytest.mark.skipif((sys.platform, machine()) != ("linux", "x86_64"), reason="atheris has wheels for Linux on x86_64")
def test_under_the_fuzzer(name: str) -> None:
    require_module("atheris")
    command = [sys.executable, "-m", "tests.fuzz", name, "--seconds", str(GUIDED_S)]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=50)
    assert answer.returncode == 0, answer.stderr[-4000:]
    assert "DONE " in answer.stderr, answer.stderr[-4000:]


def test_the_corpus_stays_small() -> None:
    found = [path for target in TARGETS for path in (FOLDER / target).iterdir()]
    assert len(found) < MOST_FILES
    assert sum(path.stat().st_size for path in found) < MOST_BYTES


# === the targets themselves ===

PIPELINED = b"\x00" + b"GET /1 HTTP/1.1\r\nhost: x\r\n\r\n" * 2


def test_the_adapter_target_sees_what_is_read_differently() -> None:
    class Misreading(Journal):
        def _note(self, req: Any, res: Any) -> None:
            super()._note(req, res)
            self.journal[-1] = Seen(b"GET", b"/other", b"")

    target = AdapterTarget(Misreading())
    with pytest.raises(AssertionError, match="h11 reads request 0"):
        target(PIPELINED)
    target.close()


def test_the_adapter_target_sees_what_is_not_answered() -> None:
    class Silent(Journal):
        def _note(self, req: Any, res: Any) -> None:
            super()._note(req, res)
            self.journal.append(self.journal[-1])

    target = AdapterTarget(Silent())
    with pytest.raises(AssertionError):
        target(PIPELINED)
    target.close()


def test_the_encoder_target_sees_other_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    target = EncoderTarget()
    events = (FOLDER / "encoder" / "odd-lines").read_bytes()
    target(events)
    monkeypatch.setattr(encoder, "lines_of", str.splitlines)
    with pytest.raises(AssertionError):
        target(events)
    target.close()


def test_the_encoder_target_sees_other_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    target = EncoderTarget()
    fields = (FOLDER / "encoder" / "fields").read_bytes()
    monkeypatch.setattr(encoder, "MANAGED", encoder.MANAGED | {b"x-a"})
    monkeypatch.setattr(EncoderTarget, "_append", lambda _self, res, name, value: res.append(name, value))
    with pytest.raises(AssertionError):
        target(fields)
    target.close()
