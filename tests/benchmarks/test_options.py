"""The command line: defaults, the quick run, and what does not go together."""

from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import environment, machine, servers
from benchmarks.options import QUICK_PEERS, parse_options


def test_the_full_run_has_three_rounds_of_everything():
    options = parse_options([])
    assert (options.rounds, options.only, options.peers, options.tool) == (3, (), (), "wrk")
    assert options.idle_steps == (1000, 10000)
    assert options.idle_window == 30.0  # two heartbeats
    assert command.results_path(options) == command.RECORD / f"{machine.slug()}.json"


def test_the_quick_run_is_a_look():
    options = parse_options(["--quick"])
    assert options.rounds == 1
    assert options.peers == QUICK_PEERS
    assert set(QUICK_PEERS) <= set(servers.BY_NAME)
    assert command.results_path(options).parent == environment.BUILD


def test_selections():
    options = parse_options(["--only", "chunks, events", "--peers", "kito", "--rounds", "5", "--duration", "2"])
    assert (options.only, options.peers) == (("chunks", "events"), ("kito",))
    assert (options.rounds, options.duration) == (5, 2.0)
    assert command.results_path(options).parent == environment.BUILD
    assert command.results_path(parse_options(["--only", "idle", "--update"])).parent == command.RECORD


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rounds", "0"],
        ["--duration", "0"],
        ["--tool", "ab"],
        ["--update", "--peers", "kito"],
        ["--update", "--quick"],
    ],
)
def test_nonsense_is_refused(arguments, capsys):
    with pytest.raises(SystemExit) as refusal:
        parse_options(arguments)
    assert refusal.value.code == 2
    assert "usage: python -m benchmarks" in capsys.readouterr().err


def test_the_newest_python_is_chosen(monkeypatch):
    known = {"/a": (3, 11, 9), "/b": (3, 12, 1), "/c": (3, 13, 0), "/d": None}
    monkeypatch.setattr(environment, "candidates", lambda: sorted(known))
    monkeypatch.setattr(environment, "version_of", known.__getitem__)
    assert environment.find_python() == "/c"
    assert environment.find_python("/a") == "/a"
    with pytest.raises(environment.SetupError, match="/d is no CPython"):
        environment.find_python("/d")


def test_a_missing_tool_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(environment.shutil, "which", lambda name: None)
    with pytest.raises(environment.SetupError, match="wrk is not on the PATH; install it with: apt-get install wrk"):
        environment.need_tool("wrk")


def test_every_server_has_its_app():
    for peer in servers.PEERS:
        files = [part for part in peer.command.split() if part.endswith((".py", ".js"))]
        files += [f"{part.partition(':')[0]}.py" for part in peer.command.split() if part.endswith(":app")]
        for file in files:
            assert Path(environment.ROOT / "apps" / file).is_file(), (peer.name, file)
