"""The account of a server: all its processes and threads, from the kernel's clocks; and the arithmetic on them."""

import subprocess
import sys
import time

import pytest

from benchmarks import accounting
from benchmarks.accounting import Account, Reading

CPU_SECONDS = 0.15
# Burns CPU in a thread that ends, and in a child that stays; says so; then waits to be told to go.
BURN = f"""
import subprocess, sys, threading, time
def burn(clock):
    end = clock() + {CPU_SECONDS}
    while clock() < end:
        pass
thread = threading.Thread(target=burn, args=(time.thread_time,))
thread.start()
thread.join()
if sys.argv[1:]:
    child = subprocess.Popen([sys.executable, __file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    child.stdout.readline()
print("burnt", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def burner(tmp_path):
    """A process with a child, each of which has burnt CPU_SECONDS in a thread that is over."""
    program = tmp_path / "burn.py"
    program.write_text(BURN)
    command = [sys.executable, str(program), "with-a-child"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "burnt\n"
        yield process
        process.stdin.close()


def test_ended_threads_and_children_are_charged(burner):
    account = Account(burner.pid, core=0)
    assert len(accounting.tree(burner.pid)) == 2
    spent = account.read().cpu
    assert spent >= 2 * CPU_SECONDS
    assert spent > accounting.cpu_seconds(burner.pid) >= CPU_SECONDS


def test_a_waiting_process_is_charged_nothing(burner):
    account = Account(burner.pid, core=0)
    before = account.read()
    time.sleep(0.05)
    spent = account.read().since(before)
    assert spent.wall >= 0.05
    assert spent.cpu < 0.01


def test_memory_and_descriptors_are_summed_over_processes(burner):
    account = Account(burner.pid, core=0)
    memory = account.memory()
    single = accounting.fields_kib(accounting.Path(f"/proc/{burner.pid}/status"), ("VmHWM",))["VmHWM"]
    assert memory.peak_rss_kib > single > 0
    assert 0 < memory.pss_kib <= memory.rss_kib
    assert account.descriptors() >= 6  # three standard ones each


def test_a_process_that_is_gone_costs_nothing():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert accounting.cpu_seconds(process.pid) == 0.0
    assert accounting.tree(process.pid) == [process.pid]


def test_readings_subtract_and_tell_noise():
    spent = Reading(10.0, 5.0, 7.0).since(Reading(6.0, 2.0, 3.0))
    assert spent == Reading(4.0, 3.0, 4.0)
    assert spent.foreign == pytest.approx(0.25)
    assert Reading(4.0, 3.0, 2.9).foreign == 0.0  # the core's clock has coarse steps


def test_an_unknown_core_is_refused():
    with pytest.raises(ValueError, match="no core 99999"):
        accounting.core_seconds(99999)


def test_arithmetic():
    assert accounting.per_unit_us(0.5, 100_000) == pytest.approx(5.0)
    assert accounting.per_unit_us(0.5, 0) == float("inf")
    assert accounting.slope_bytes(1000, 20_000, 10_000, 65_000) == pytest.approx(5120.0)
    with pytest.raises(ValueError, match="more connections"):
        accounting.slope_bytes(1000, 1, 1000, 2)


def test_fields_of_proc_files(tmp_path):
    path = tmp_path / "status"
    path.write_text("Name:\tx\nVmHWM:\t  1234 kB\nVmRSS:\t 99 kB\n")
    assert accounting.fields_kib(path, ("VmHWM", "Absent")) == {"VmHWM": 1234, "Absent": 0}
    assert accounting.fields_kib(tmp_path / "gone", ("VmHWM",)) == {"VmHWM": 0}
