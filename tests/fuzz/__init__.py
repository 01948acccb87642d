"""Targets that take any bytes and must hold: in the suite over a corpus and its mutations, longer under a fuzzer.

`python -m tests.fuzz adapter --seconds 600` is guided by the coverage of the Python around the core (atheris). What
it finds worth keeping lies in build/fuzz/ afterwards, as does an input that breaks the target.
"""
