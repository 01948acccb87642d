"""How a program is named, what is said of a name that is wrong, and what `kito routes` prints."""

import pkgutil
import subprocess
import sys
import tomllib

import pytest
from click.testing import CliRunner

import kito
from kito.cli import main
from kito.serving.importing import is_importing
from tests.support.programs import ROOT

PROGRAM = """
from kito import server

app = other = server(port=1)

@app.get("/cats/:id", name="cat")
def cat(id: int):
    return id

app.post("/cats", lambda: None).all("/rest/{*path}", print)

def make():
    made = server()
    made.get("/made", cat)
    return made

class Holder:
    app = app

number = 7
app.listen(3000)
after = True
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working directory of its own; what is imported from it is forgotten."""
    known = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path[:])
    (tmp_path / "program_here.py").write_text(PROGRAM)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def routes(target):
    return CliRunner().invoke(main, ["routes", target])


@pytest.mark.parametrize("target", ["program_here", "program_here:other", "program_here:Holder.app"])
def test_routes_prints_the_table(folder, target):
    got = routes(target)
    assert got.exit_code == 0
    assert [line.split() for line in got.stdout.splitlines()] == [
        ["METHOD", "PATH", "NAME", "HANDLER"],
        ["GET", "/cats/:id", "cat", "program_here.cat"],
        ["POST", "/cats", "-", "program_here.<lambda>"],
        ["*", "/rest/{*path}", "-", "builtins.print"],
    ]


def test_a_factory_is_called(folder):
    got = routes("program_here:make()")
    assert got.stdout.splitlines()[1].split() == ["GET", "/made", "-", "program_here.cat"]


def test_a_program_that_listens_is_imported_to_its_end(folder, caplog):
    assert routes("program_here").exit_code == 0
    assert sys.modules["program_here"].after
    assert "listen() does nothing here" in caplog.text
    assert not is_importing()


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("nowhere", "there is no module 'nowhere' in "),
        ("nowhere.inside:app", "there is no module 'nowhere' in "),
        ("program_here.inside", "there is no module 'program_here.inside' in "),
        ("program_here:ap", "program_here has no 'ap': did you mean program_here:app or program_here:other?"),
        ("program_here:Holder.no", "program_here has no 'Holder.no'"),
        ("program_here:number", "'program_here:number' is int and not a server: write the name of a kito.server()"),
        ("program_here:make", "is function and not a server: write 'program_here:make()' if it makes one"),
        ("program_here:number()", "'program_here:number()' is no function: leave the parentheses out"),
        ("program_here.py", "'program_here.py' is a file, and a module is wanted: write 'program_here:app'"),
        ("./pkg/main.py:app", "write 'pkg.main:app'"),
        ("program_here:", "names no server"),
        (":app", "names no server"),
        ("program_here:make(1)", "names no server"),
        ("program here", "'program here' is no module"),
        (".relative", "'.relative' is no module"),
        ("sys", "sys has no 'app'"),
    ],
)
def test_a_wrong_name_is_explained(folder, target, said):
    got = routes(target)
    assert got.exit_code == 1
    assert got.stderr.splitlines()[-1].startswith("Error: ")
    assert said in got.stderr
    assert "Traceback" not in got.stderr


@pytest.mark.parametrize(
    ("source", "last"),
    [
        ("import not_installed_here", "ModuleNotFoundError: No module named 'not_installed_here'"),
        ("def (", "SyntaxError: invalid syntax"),
        ("raise ValueError('no settings')", "ValueError: no settings"),
    ],
)
def test_what_a_program_raises_is_shown_from_where_it_begins(folder, source, last):
    (folder / "failing_here.py").write_text(source)
    got = routes("failing_here")
    assert got.exit_code == 1
    *_, raised, closing = got.stderr.splitlines()
    assert (raised, closing) == (last, "Error: 'failing_here' cannot be imported")
    assert "importlib" not in got.stderr
    assert "failing_here.py" in got.stderr


def test_version_and_help():
    assert CliRunner().invoke(main, ["--version"]).output == f"kito {kito.__version__}\n"
    command = [sys.executable, "-m", "kito", "-V"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout == f"kito {kito.__version__}\n"
    told = CliRunner().invoke(main, ["run", "--help"], terminal_width=200).output
    for name in ("host", "port", "unix-socket", "workers", "tls-cert", "tls-key", "log-level", "trust-proxy", "reload"):
        assert f"--{name}" in told
        assert f"KITO_{name.replace('-', '_').upper()}" in told


def test_the_script_has_this_command():
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert pkgutil.resolve_name(scripts["kito"]) is main


# === what `run` passes on ===


@pytest.fixture
def listened(folder, monkeypatch):
    """The options that `run` gives to `listen()`."""
    got = []
    monkeypatch.setattr(kito.Server, "listen", lambda _, *a, **options: None if is_importing() else got.append(options))
    monkeypatch.setattr("kito.cli._set_up_logging", got.append)
    for name in ("cert.pem", "key.pem"):
        (folder / name).touch()

    def run(*arguments, **environment):
        outcome = CliRunner().invoke(main, ["run", "program_here", *arguments], env=environment)
        return outcome, got

    return run


ALL = {
    "host": ("::1", "::1"),
    "port": ("8080", 8080),
    "workers": ("3", 3),
    "trust-proxy": ("10.0.0.0/8,unix", ("10.0.0.0/8", "unix")),
}


def test_what_is_not_given_is_as_the_program_says(listened):
    assert listened()[1] == ["info", {}]


def test_options_by_the_command_line_and_by_the_environment(listened):
    wanted = {name.replace("-", "_"): value for name, (_, value) in ALL.items()}
    arguments = [word for name, (text, _) in ALL.items() for word in (f"--{name}", text)]
    tls = {"tls": ("cert.pem", "key.pem")}
    given = (*arguments, "--tls-cert", "cert.pem", "--tls-key", "key.pem", "--log-level", "DEBUG", "--debug")
    assert listened(*given)[1] == ["debug", {**wanted, **tls, "debug": True}]
    environment = {f"KITO_{name.replace('-', '_').upper()}": text for name, (text, _) in ALL.items()}
    more = {"KITO_TLS_CERT": "cert.pem", "KITO_TLS_KEY": "key.pem", "KITO_LOG_LEVEL": "error", "KITO_DEBUG": "0"}
    assert listened(**environment, **more)[1][2:] == ["error", {**wanted, **tls, "debug": False}]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (("--access-log",), "text"),
        (("--access-log", "--port", "5"), "text"),
        (("--access-log=json",), "json"),
        (("--access-log=off",), False),
    ],
)
def test_the_access_log(listened, arguments, wanted):
    assert listened(*arguments)[1][1]["access_log"] == wanted
    assert listened(KITO_ACCESS_LOG="json")[1][3]["access_log"] == "json"


def test_a_unix_socket_and_who_beats_whom(listened):
    given = ("--unix-socket", "./kito.sock", "--unix-mode", "660")
    assert listened(*given, KITO_PORT="1", KITO_HOST="h")[1][1] == {"unix_socket": "./kito.sock", "unix_mode": 0o660}
    assert listened("--port", "5", KITO_UNIX_SOCKET="a")[1][3] == {"port": 5}
    outcome, _ = listened("--port", "5", "--unix-socket", "a")
    assert "listen on one of them" in outcome.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "70000"), "70000"),
        (("--workers", "0"), "0"),
        (("--unix-socket", "a", "--unix-mode", "9"), "'9' is no octal number"),
        (("--tls-cert", "cert.pem"), "belong together"),
        (("--tls-cert", "gone.pem", "--tls-key", "key.pem"), "'gone.pem' does not exist"),
        (("--trust-proxy", "nobody"), "nobody"),
        (("--reload", "--workers", "2"), "leave --workers out"),
        (("--log-level", "loud"), "loud"),
        (("--access-log=xml",), "xml"),
    ],
)
def test_a_wrong_option_is_explained(listened, arguments, said):
    outcome, got = listened(*arguments)
    assert outcome.exit_code in (1, 2)
    assert said in outcome.stderr
    assert "Traceback" not in outcome.stderr
    assert not [options for options in got if isinstance(options, dict)]


def test_the_program_may_be_named_by_the_environment(folder):
    got = CliRunner().invoke(main, ["routes"], env={"KITO_APP": "program_here:make()"})
    assert "/made" in got.stdout


def test_the_package_that_reload_needs_is_named_when_it_is_missing(listened, monkeypatch):
    monkeypatch.setitem(sys.modules, "watchfiles", None)
    outcome, _ = listened("--reload")
    assert outcome.exit_code == 1
    assert "pip install 'kito-server[reload]'" in outcome.stderr
