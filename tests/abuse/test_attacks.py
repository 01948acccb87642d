"""Every attack for a moment; `make abuse` fights at length."""

import sys

import pytest

from .attacks import ATTACKS, Attack
from .field import fight
from .slow_reader import EXTRA_BYTES, NOISE_S, watch

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, which tells descriptors and memory, is Linux'")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack(attack: Attack) -> None:
    report = fight(attack, "short")
    sys.stdout.write(f"{report}\n")
    assert report.complaints() == []


def test_a_slow_reader_of_a_gibibyte_costs_little_and_its_neighbours_nothing() -> None:
    found = watch(neighbours=100, seconds=2)
    sys.stdout.write(f"{found}\n")
    assert found.growth < EXTRA_BYTES
    assert found.beside < 2 * found.alone + NOISE_S
