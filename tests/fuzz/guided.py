"""`python -m tests.fuzz.guided TARGET [libFuzzer's arguments]`: the process in which atheris calls a target."""

import sys
from collections.abc import Callable

import atheris

Target = Callable[[bytes], None]


def make_target(name: str) -> Target:
    """The target of this name; what is imported here is what atheris sees."""
    with atheris.instrument_imports(include=["h11", "kito", "tests"]):
        if name == "adapter":
            from .adapter import AdapterTarget

            return AdapterTarget()
        from .encoder import EncoderTarget

        return EncoderTarget()


if __name__ == "__main__":
    target = make_target(sys.argv.pop(1))
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
