"""Every attack for a moment; `make abuse` fights at length."""

import sys

import pytest

from .attacks import ATTACKS, Attack
from .field import fight

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, which tells descriptors and memory, is Linux'")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack(attack: Attack) -> None:
    report = fight(attack, "short")
    sys.stdout.write(f"{report}\n")
    assert report.complaints() == []
