"""Every attack for a moment; `make abuse` fights at length."""

import sys

import pytest

from .attacks import ATTACKS, Attack
from .field import fight

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc, which tells descriptors and memory, is Linux'")


# Answers to pipelined requests are not flushed before all requests of one read are answered.
NOT_BOUNDED = ("pipelines that nobody reads",)
OTHERS = [attack for attack in ATTACKS if attack.name not in NOT_BOUNDED]
UNBOUNDED = [
    pytest.param(attack, marks=pytest.mark.xfail(reason="memory is not bounded"))
    for attack in ATTACKS
    if attack.name in NOT_BOUNDED
]


@pytest.mark.parametrize("attack", OTHERS + UNBOUNDED, ids=lambda attack: attack.name)
def test_an_attack(attack: Attack) -> None:
    report = fight(attack, "short")
    sys.stdout.write(f"{report}\n")
    assert report.complaints() == []
