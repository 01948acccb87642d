"""Says in one sentence what this machine lacks to build kito; written so that any Python from 2.7 on can say it."""

from __future__ import print_function

import os
import sys
import sysconfig

MINIMUM = (3, 11)


def found_on_path(program):
    """Whether a program of this name can be run; shutil.which does not exist on the oldest interpreters."""
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return any(os.access(os.path.join(folder, program), os.X_OK) for folder in folders)


def complaint():
    """The first thing that is missing, with what to do about it, or None."""
    if sys.version_info < MINIMUM:
        return (
            "kito needs Python %d.%d or newer, and %s is %s: say which one to use with `make PYTHON=python3.12 ...`."
            % (MINIMUM + (sys.executable, sys.version.split()[0]))
        )
    try:
        import ensurepip
        import venv
    except ImportError:
        return "This Python has no `venv` or `ensurepip`: on Debian and Ubuntu run `apt-get install python3-venv`."
    compiler = os.environ.get("CC") or (sysconfig.get_config_var("CC") or "cc")
    if not found_on_path(compiler.split()[0]):
        return "There is no C compiler (%s): on Debian and Ubuntu run `apt-get install gcc libc6-dev`." % compiler
    header = os.path.join(sysconfig.get_path("include"), "Python.h")
    if not os.path.exists(header):
        return "Python's C headers are missing (%s): on Debian and Ubuntu run `apt-get install python3-dev`." % header
    return None


if __name__ == "__main__":
    problem = complaint()
    if problem:
        sys.exit("error: " + problem)
