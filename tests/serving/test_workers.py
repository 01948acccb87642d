"""Several workers: they share the address, are started again, and stop together, however it begins."""

import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import stat
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from kito import ConfigError, server
from kito.serving import worker as workers
from kito.serving.link import MAX_WORD, make_link
from tests.serving.certificates import Pair
from tests.support.programs import Program, lines_with, poll, running

ANSWER_S = 20.0  # seconds for an answer on a busy machine

linux = pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")


class Cluster(Program):
    """The parent with its workers."""

    address: tuple[str, int] | str
    pids: set[int]

    def is_ready(self, workers: int = 2) -> None:
        """Wait until so many more workers are ready, all at one address."""
        told = [self.says(r"ready (.+) (\d+)$") for _ in range(workers)]
        (address,) = {found[1] for found in told}
        self.address = json.loads(address) if isinstance(json.loads(address), str) else tuple(json.loads(address))
        self.pids = {int(found[2]) for found in told}

    def get(self, path: str) -> str:
        """Ask once, on a connection of its own."""
        with connected(self.address) as connection:
            connection.request("GET", path)
            return connection.getresponse().read().decode()

    def pid_of_all(self, workers: int = 2) -> set[int]:
        """Ask until so many processes have answered."""
        seen: set[int] = set()
        poll(lambda: seen.add(int(self.get("/pid"))) or len(seen) >= workers, f"{workers} workers, {seen} answer")
        return seen


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost")
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(ANSWER_S)
        self.sock.connect(self.path)


@contextmanager
def connected(address):
    if isinstance(address, str):
        connection = UnixConnection(address)
    else:
        connection = http.client.HTTPConnection(*address, timeout=ANSWER_S)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def clustered(*, ready=True, passed=(), **options):
    with running("-m", "tests.serving.clustered", json.dumps(options), pass_fds=passed) as program:
        program.__class__ = Cluster
        if ready:
            program.is_ready(options.get("workers", 2))
            program.says("log MainProcess listening on .* with")
        yield program


def test_workers_share_the_address_and_each_has_the_lifespans():
    with clustered(workers=3) as cluster:
        assert len(cluster.pids) == 3
        assert cluster.process.pid not in cluster.pids
        assert cluster.pid_of_all(3) == cluster.pids
        cluster.send(signal.SIGTERM)
        assert cluster.ended() == 0
        assert sorted(line.split()[1] for line in lines_with(cluster, "^shutdown")) == sorted(map(str, cluster.pids))
        assert lines_with(cluster, "returned") == [f"returned {cluster.process.pid}"]
        assert "\n".join(cluster.lines).count("before, ") == 1


@linux
def test_each_worker_has_a_listener_of_its_own():
    with clustered() as cluster:
        _, port = cluster.address
        row = f"0100007F:{port:04X} 00000000:0000 0A"  # 127.0.0.1, nobody, LISTEN
        assert Path("/proc/net/tcp").read_text("ascii").count(row) == 2


def test_a_worker_that_was_killed_is_replaced_and_the_other_goes_on():
    with clustered() as cluster:
        first = min(cluster.pids)
        (other,) = cluster.pids - {first}
        with connected(cluster.address) as kept:
            poll(
                lambda: kept.close() or kept.request("GET", "/pid") or kept.getresponse().read() == b"%d" % other, "it"
            )
            os.kill(first, signal.SIGKILL)
            cluster.says(rf"log MainProcess worker \d: process {first} was killed by SIGKILL; it is started again$")
            replaced = int(cluster.says(r"ready .* (\d+)$")[1])
            kept.request("GET", "/pid")
            assert kept.getresponse().read() == b"%d" % other
        assert cluster.pid_of_all() == {other, replaced}


def test_a_crash_loop_is_slowed_down():
    with clustered() as cluster:
        victim = min(cluster.pids)
        for pause in ("", " in 0.1 s", " in 0.2 s"):
            os.kill(victim, signal.SIGKILL)
            cluster.says(f"process {victim} was killed by SIGKILL; it is started again{pause}$")
            victim = int(cluster.says(r"ready .* (\d+)$")[1])


def test_a_worker_that_ends_by_itself_is_replaced_at_once():
    with clustered() as cluster:
        first = min(cluster.pids)
        os.kill(first, signal.SIGTERM)
        cluster.says(f"shutdown {first}")
        cluster.says(rf"worker \d \(process {first}\) has ended: another one takes its place")
        cluster.says(r"ready .* (\d+)$")


def test_the_delay_grows_to_its_bound_and_is_forgotten():
    worker = workers.Worker(1)
    worker.serves(0.0)
    delays = [worker.ended(1.0, failed=True) for _ in range(12)]
    assert delays[:5] == [0.0, 0.1, 0.2, 0.4, 0.8]
    assert delays[-1] == worker.due - 1.0 == workers.MAX_DELAY_S
    worker.serves(50.0)
    assert worker.ended(50.0 + workers.STABLE_S - 1, failed=True) == workers.MAX_DELAY_S
    worker.serves(100.0)
    assert worker.ended(100.0 + workers.STABLE_S, failed=True) == 0.0


# === what cannot be started ===


def test_a_server_whose_workers_cannot_start_gives_up(tmp_path):
    (tmp_path / "flag").touch()
    with clustered(ready=False, flag=str(tmp_path / "flag")) as cluster:
        assert cluster.ended() == 1
        assert lines_with(cluster, r"log worker-(\d) worker \1: it has failed")
        assert re.fullmatch(
            r"kito\.errors\.WorkerError: worker \d cannot be started: ValueError: no database", cluster.lines[-1]
        )


def test_it_gives_up_when_nobody_serves_and_none_can_be_started_any_more(tmp_path):
    with clustered(flag=str(tmp_path / "flag")) as cluster:
        (tmp_path / "flag").touch()
        for pid in cluster.pids:
            os.kill(pid, signal.SIGKILL)
        assert cluster.ended() == 1
        assert "cannot be started after 6 failures in a row: ValueError: no database" in cluster.lines[-1]


def test_a_port_in_use_is_refused_before_there_is_a_worker():
    with clustered() as cluster:
        host, port = cluster.address
        with clustered(ready=False, port=port) as second:
            assert second.ended() == 1
            assert f"cannot listen on {host}:{port}: " in second.lines[-1]
            assert not lines_with(second, "worker-")
        assert int(cluster.get("/pid")) in cluster.pids


def test_a_bad_certificate_is_refused_before_there_is_a_worker(tmp_path):
    with clustered(ready=False, tls=[str(tmp_path / "no.pem"), str(tmp_path / "no.key")]) as cluster:
        assert cluster.ended() == 1
        assert cluster.lines[-1].startswith("kito.errors.ConfigError: tls: the certificate in ")


def test_a_process_with_threads_is_not_forked():
    over = threading.Event()
    thread = threading.Thread(target=over.wait, name="a collector")
    thread.start()
    try:
        with pytest.raises(RuntimeError, match=r"other threads \(a collector\).*on_startup"):
            server().listen(0, workers=2)
    finally:
        over.set()
        thread.join()


def test_a_thread_that_is_not_the_main_one_has_no_workers():
    caught = []

    def attempt():
        try:
            server().listen(0, workers=2)
        except RuntimeError as error:
            caught.append(str(error))

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert "main thread" in caught[0]


async def test_a_loop_that_runs_is_not_forked(net):
    with pytest.raises(ConfigError, match=r"write app\.listen\(workers="):
        await server().serve(port=0, workers=2)


# === the stop ===


@pytest.mark.parametrize("way", ["parent", "group"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_stop_is_graceful_also_when_everybody_gets_the_signal(way, number, tmp_path):
    with clustered(flag=str(tmp_path / "flag")) as cluster, connected(cluster.address) as held:
        held.request("GET", "/hold")
        cluster.says("held")
        with connected(cluster.address) as streaming:
            streaming.request("GET", "/events")
            answer = streaming.getresponse()
            assert answer.readline() == b"data: first\n"
            os.killpg(cluster.process.pid, number) if way == "group" else cluster.send(number)
            assert answer.readline() == b"\n"
            assert answer.readline().startswith(b"retry: ")
        poll(lambda: refused(cluster.address), "nobody to listen")
        (tmp_path / "flag").touch()
        assert held.getresponse().read() == b"let go"
        assert cluster.ended() == 0
        assert len(lines_with(cluster, "^shutdown")) == 2


def refused(address):
    try:
        socket.create_connection(address, timeout=ANSWER_S).close()
    except ConnectionRefusedError:
        return True
    return False


def test_a_second_signal_skips_the_wait():
    with clustered(grace=600.0) as cluster, connected(cluster.address) as streaming:
        streaming.request("GET", "/events")
        answer = streaming.getresponse()
        assert answer.readline() == b"data: first\n"
        cluster.send(signal.SIGTERM)
        assert [answer.readline() for _ in range(2)][1].startswith(b"retry: ")
        cluster.send(signal.SIGTERM)
        assert cluster.ended() == 0
        assert lines_with(cluster, r"log worker-\d worker \d: stopped: 1 exchanges were cut")
        assert len(lines_with(cluster, "^shutdown")) == 2


@linux
def test_a_third_signal_kills_a_worker_that_does_not_come_to_its_end():
    with clustered(grace=600.0) as cluster, connected(cluster.address) as stuck:
        stuck.request("GET", "/stuck")
        cluster.says("^stuck")
        cluster.send(signal.SIGTERM)
        cluster.says("^shutdown")  # of the one that is not stuck
        for _ in range(2):
            cluster.send(signal.SIGTERM)
            poll(lambda: not signal_waits(cluster.process.pid), "the parent to hear of it")
        assert cluster.ended() == 0
        assert lines_with(cluster, r"worker \d \(process \d+\) does not end: it is killed")
        assert len(lines_with(cluster, "^shutdown")) == 1


def signal_waits(pid):
    """Whether a process has not taken a signal yet: two of a kind that wait are one."""
    lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
    return any(line.startswith(("SigPnd", "ShdPnd")) and int(line.split()[1], 16) for line in lines)


def test_closing_from_within_stops_all():
    with clustered() as cluster:
        cluster.get("/close")
        assert cluster.ended() == 0
        assert len(lines_with(cluster, "^shutdown")) == 2


def test_workers_do_not_outlive_a_parent_that_was_killed():
    with clustered(grace=1.0) as cluster:
        cluster.send(signal.SIGKILL)
        assert cluster.ended() == -signal.SIGKILL  # the pipe is at its end when the last worker has let it go
        assert len(lines_with(cluster, "^shutdown")) == 2


def test_a_worker_that_is_stuck_keeps_no_other_one_alive():
    with clustered() as cluster, connected(cluster.address) as stuck:
        first, second = sorted(cluster.pids)  # the second was forked while the parent spoke with the first

        def is_with_second():
            stuck.close()
            stuck.request("GET", "/pid")
            return int(stuck.getresponse().read()) == second

        poll(is_with_second, "a connection to the second")
        stuck.request("GET", "/stuck")
        cluster.says("^stuck")
        cluster.send(signal.SIGKILL)
        cluster.says(f"^shutdown {first}")


# === other addresses ===


def test_a_unix_socket_is_shared_and_removed(tmp_path):
    path = tmp_path / "kito.sock"
    with clustered(unix_socket=str(path), unix_mode=0o660) as cluster:
        assert cluster.address == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        first = min(cluster.pids)
        os.kill(first, signal.SIGKILL)
        cluster.says(r"ready .* (\d+)$")
        assert path.exists()
        assert cluster.get("/pid").isdigit()
        cluster.send(signal.SIGTERM)
        assert cluster.ended() == 0
        assert not path.exists()


def test_a_socket_that_was_handed_over_is_shared():
    with (
        socket.create_server(("127.0.0.1", 0)) as sock,
        clustered(sockets=[sock.fileno()], passed=[sock.fileno()]) as cluster,
    ):
        assert cluster.address == sock.getsockname()
        assert int(cluster.get("/pid")) in cluster.pids


def test_a_hangup_renews_the_certificate_of_every_worker(tmp_path, certificates):
    first, second = certificates
    live = Pair(str(tmp_path / "live.pem"), str(tmp_path / "live.key"))
    for source, target in zip(first, live, strict=True):
        shutil.copy(source, target)
    with clustered(tls=list(live)) as cluster:
        assert certificate_at(cluster.address) == certificate_in(first)
        for source, target in zip(second, live, strict=True):
            shutil.copy(source, target)
        cluster.send(signal.SIGHUP)
        for _ in range(2):
            cluster.says(r"log worker-\d worker \d: the certificate is reloaded")
        assert {certificate_at(cluster.address) for _ in range(8)} == {certificate_in(second)}


def certificate_at(address):
    return ssl.get_server_certificate(address, timeout=ANSWER_S)


def certificate_in(pair):
    return ssl.DER_cert_to_PEM_cert(ssl.PEM_cert_to_DER_cert(Path(pair[0]).read_text("ascii")))


# A worker that ends between the parent's look for its dead and its look at the signals, its link before it.
LATE = """
import os, signal
from kito.serving.link import READY
from kito.serving.supervisor import Supervisor

class Late(Supervisor):
    def _reap(self):
        super()._reap()
        worker = self._workers[0]
        if worker.ready and not self._stopping:
            self._stop()
            os.kill(worker.pid, signal.SIGKILL)
            os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
            self._hear()

def work(link):
    link.say(READY)
    signal.pause()

Late(1, work, release=lambda: None, ready=lambda: None, grace=600.0, reloads=False).run()
print("over", flush=True)
"""


def test_an_end_at_the_worst_moment_is_noticed():
    with running("-c", LATE) as program:
        program.says("^over")
        assert program.ended() == 0


# === the link ===


def test_words_arrive_whole_and_the_end_is_noticed():
    keeper, link = make_link()
    with keeper.sock, link.sock:
        assert link.hear() == ([], False)
        link.say("failed", "two\nlines  and " + "x" * MAX_WORD)
        link.say("ready")
        (failed, text), (ready, nothing) = keeper.hear()[0]
        assert (failed, ready, nothing) == ("failed", "ready", "")
        assert text.startswith("two lines and xxx")
        assert len("failed " + text) == MAX_WORD
        keeper.sock.send(b"st")
        assert link.hear() == ([], False)
        keeper.sock.send(b"op\n")
        assert link.hear() == ([("stop", "")], False)
        keeper.close()
        assert link.hear() == ([], True)
        link.say("ready")  # nobody is there: that is no error
