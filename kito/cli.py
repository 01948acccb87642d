"""The command line: `kito run` serves a program, `kito routes` prints what it answers."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click
from click.core import ParameterSource

from ._version import __version__
from .config import ACCESS_LOGS, ServerOptions
from .errors import ConfigError, WorkerError
from .middlewares.access_logs import show_access_log
from .serving.importing import import_server
from .serving.lifecycle import Server
from .serving.reloading import own_command, run_reloading, taken_link

__all__ = ("main",)

Command = TypeVar("Command", bound=Callable[..., Any])

LEVELS: Final = ("debug", "info", "warning", "error", "critical")
LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(name)s: %(message)s"

_NOT_ITS_OWN: Final = ("kito", "importlib")  # frames above a program that is imported

# Of two that exclude each other, the one on the command line beats the one in the environment.
_EXCLUDING: Final = (("unix_socket", "host"), ("unix_socket", "port"))


class _Words(click.ParamType[tuple[str, ...]]):
    """Several words in one: separated by commas or spaces, as an environment variable has them."""

    name = "list"

    def convert(self, value: Any, _param: click.Parameter | None, _ctx: click.Context | None) -> tuple[str, ...]:
        return tuple(value.replace(",", " ").split()) if isinstance(value, str) else tuple(value)


class _Octal(click.ParamType[int]):
    """File permissions as chmod takes them."""

    name = "octal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        try:
            return value if isinstance(value, int) else int(value, 8)
        except ValueError:
            self.fail(f"{value!r} is no octal number such as 660", param, ctx)


def _option(*names: str, **settings: Any) -> Callable[[Command], Command]:
    """Return an option that has an environment variable of the same name: `--log-level` is KITO_LOG_LEVEL too."""
    long = next(name for name in names if name.startswith("--")).partition("/")[0]
    variable = "KITO_" + long.strip("-").replace("-", "_").upper()
    return click.option(*names, envvar=variable, show_envvar=True, **settings)


_file: Final = click.Path(exists=True, dir_okay=False)
_folder: Final = click.Path(exists=True, file_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", prog_name="kito", message="%(prog)s %(version)s")
def main() -> None:
    """Serve streamed responses and Server-Sent Events."""


@main.command()
@click.argument("app", envvar="KITO_APP")
@_option("--host", help="Name or address to listen on.")
@_option("-p", "--port", type=click.IntRange(0, 65535), help="Port to listen on; 0: one that is free.")
@_option("--unix-socket", metavar="PATH", help="Listen on a Unix socket instead.")
@_option("--unix-mode", type=_Octal(), help="Permissions of its file, such as 660.")
@_option("-w", "--workers", type=click.IntRange(1), help="Processes.")
@_option("--tls-cert", type=_file, help="Certificate file (PEM), with its chain.")
@_option("--tls-key", type=_file, help="Its private key (PEM).")
@_option("--trust-proxy", type=_Words(), metavar="NETWORKS", help="Peers whose forwarding headers are believed.")
@_option(
    "--access-log",
    is_flag=False,
    flag_value="text",
    type=click.Choice(("off", *ACCESS_LOGS)),
    help="A line for each request.",
)
@_option("--log-level", type=click.Choice(LEVELS, case_sensitive=False), default="info", show_default=True)
@_option("--debug/--no-debug", default=None, help="Checks and longer messages.")
@_option("--reload/--no-reload", default=False, help="Start anew when a Python file changes; for development.")
@_option("--reload-dir", type=_folder, multiple=True, help="Folders to watch, the working directory by default.")
@click.pass_context
def run(
    ctx: click.Context, /, app: str, log_level: str, reload: bool, reload_dir: tuple[str, ...], **given: Any
) -> None:
    """Serve APP, which is module:name, module (its `app`), or module:make() for a function that makes it.

    What is not given here or in the environment is as APP says it.
    """
    options = _server_options(ctx, given)
    link = taken_link()
    if reload and link is None:
        _set_up_logging(log_level)
        if options.get("workers", 1) > 1:
            raise click.UsageError("--reload is for development: leave --workers out")
        sys.exit(_explained(run_reloading, own_command(), reload_dir or (".",)))
    server = _imported(app)
    _set_up_logging(log_level)
    if link is not None:
        _explained(server.listen_linked, link, **options)
    else:
        _explained(server.listen, **options)


@main.command()
@click.argument("app", envvar="KITO_APP")
def routes(app: str) -> None:
    """Print the routes of APP, which is written as for `run`."""
    server = _imported(app)
    rows = [
        ("METHOD", "PATH", "NAME", "HANDLER"),
        *((row.method, row.path, row.name or "-", _name(row.handler)) for row in server.routes),
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for method, path, name, handler in rows:
        click.echo(f"{method:{widths[0]}}  {path:{widths[1]}}  {name:{widths[2]}}  {handler}")


def _name(handler: Any) -> str:
    """Return where a handler is defined."""
    name = getattr(handler, "__qualname__", type(handler).__qualname__)
    return f"{getattr(handler, '__module__', '?')}.{name}"


def _imported(app: str) -> Server:
    """Import a program; the traceback of what it raises begins where the program does."""
    try:
        server: Server = _explained(import_server, app, Server)
    except click.ClickException:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it raises, it is told and ends the command
        trace = error.__traceback__
        while trace is not None and trace.tb_frame.f_globals.get("__name__", "").partition(".")[0] in _NOT_ITS_OWN:
            trace = trace.tb_next
        click.echo("".join(traceback.format_exception(type(error), error, trace)), err=True, nl=False)
        raise click.ClickException(f"{app!r} cannot be imported") from None
    return server


def _server_options(ctx: click.Context, given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of `listen()` that were given, checked so far as they can be without the program."""
    for one, other in _EXCLUDING:
        if given[one] is not None and given[other] is not None:
            weaker = [name for name in (one, other) if ctx.get_parameter_source(name) is ParameterSource.ENVIRONMENT]
            if len(weaker) == 1:
                given[weaker[0]] = None
    cert, key = given.pop("tls_cert"), given.pop("tls_key")
    options = {name: value for name, value in given.items() if value is not None}
    if "access_log" in options:
        options["access_log"] = options["access_log"] != "off" and options["access_log"]
    if cert or key:
        if not (cert and key):
            raise click.UsageError("--tls-cert and --tls-key belong together: give both")
        options["tls"] = (cert, key)
    _explained(ServerOptions.build, **options)
    return options


def _explained(call: Any, *arguments: Any, **options: Any) -> Any:
    """Call; what a person can mend is an error message without a traceback."""
    try:
        return call(*arguments, **options)
    except (ConfigError, WorkerError) as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        if not str(error.strerror).startswith("cannot listen on "):
            raise
        raise click.ClickException(str(error.strerror)) from None


def _set_up_logging(level: str) -> None:
    """Write the log to standard error, unless the program has set logging up itself."""
    if not logging.getLogger().handlers:
        logging.basicConfig(level=level.upper(), format=LOG_FORMAT)
        show_access_log(alone=True)
    logging.getLogger("kito").setLevel(level.upper())
