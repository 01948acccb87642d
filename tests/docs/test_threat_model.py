"""Every line of defence and every test that the threat model names is there."""

import re

import pytest

from tests.docs.pages import ROOT

PAGE = ROOT / "docs" / "internals" / "threat-model.md"
PLACE = re.compile(r"`((?:kito|tests)/[\w/]+\.(?:pyx?|pxd)):(\w+)`")
ROW = re.compile(r"^\| (?!Threat|While|---)[^|]+ \| (?P<defence>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE)
PLACES = sorted(set(PLACE.findall(PAGE.read_text("utf-8"))))


@pytest.mark.parametrize(("path", "name"), PLACES, ids=[f"{path}:{name}" for path, name in PLACES])
def test_it_is_there(path: str, name: str) -> None:
    text = (ROOT / path).read_text("utf-8")
    assert re.search(rf"^ *(?:async )?(?:c?p?def) [^(=\n]*\b{name}\(", text, re.MULTILINE)


def test_every_threat_has_a_test() -> None:
    threats, _, _ = PAGE.read_text("utf-8").partition("## What one connection")
    rows = ROW.findall(threats)
    assert len(rows) > 20
    for _, tests in rows:
        found = PLACE.findall(tests)
        assert found
        assert all(path.startswith("tests/") for path, _ in found), tests
