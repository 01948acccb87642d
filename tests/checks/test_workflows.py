"""The workflows are what their schema allows, and the wheels they would make are the ones that are promised."""

import os
import subprocess
from itertools import product

import pytest

from tests.checks.sources import ROOT
from tests.conftest import require_tool

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
PYTHONS = ["cp311", "cp312", "cp313", "cp314", "cp314t"]
PLATFORMS = {
    "linux": (["manylinux", "musllinux"], ["x86_64", "aarch64"]),
    "macos": (["macosx"], ["x86_64", "arm64"]),
}


def test_the_workflows_are_found():
    assert {path.name for path in WORKFLOWS} == {"ci.yml", "wheels.yml"}


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_agrees_with_its_schema(path):
    # The schema is one that the tool carries: nothing is fetched.
    command = [require_tool("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_wheels_are_those_that_are_promised(platform):
    libraries, machines = PLATFORMS[platform]
    answer = subprocess.run(
        [
            require_tool("cibuildwheel"),
            "--print-build-identifiers",
            "--platform",
            platform,
            "--archs",
            ",".join(machines),
        ],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("CIBW_")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    expected = {f"{python}-{library}_{machine}" for python, library, machine in product(PYTHONS, libraries, machines)}
    assert set(answer.stdout.split()) == expected
