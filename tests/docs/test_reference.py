"""The reference tells every public name, every default and every status as the code has it."""

import dataclasses
import re

import pytest

import kito
from kito import errors, middlewares, testing
from kito.config import ServerOptions
from tests.docs.pages import ROOT

REFERENCE = (ROOT / "docs" / "reference.md").read_text("utf-8")
README = (ROOT / "README.md").read_text("utf-8")

# Public by their name, but what the facade and its runner call, not people.
INTERNAL = {
    "Server": {
        "add_mount",
        "add_route",
        "answer_missing",
        "changed",
        "check",
        "descendants",
        "drop_dispatcher",
        "enter_lifespans",
        "outermost",
        "listen_linked",
        "make_dispatcher",
        "plant",
        "planned",
        "planted",
        "register",
        "state",
    },
    "Request": {"open_body", "read_body"},
    "Response": {"hold_output", "open_events", "open_stream"},
}
CLASSES = (
    "Server",
    "Request",
    "Response",
    "StreamWriter",
    "SSEWriter",
    "Event",
    "StreamEnd",
    "BlockingStreamWriter",
    "BlockingSSEWriter",
)
BASES = {"SSEWriter": kito.StreamWriter, "BlockingSSEWriter": kito.BlockingStreamWriter}
TESTING_CLASSES = ("TestClient", "ClientResponse", "Stream", "EventStream", "ReceivedEvent")
UNITS = {"": 1, " KiB": 1024, " MiB": 1024 * 1024}

ROW = re.compile(r"^\| (.+?) \|(.*)\|$", re.MULTILINE)
NAME = re.compile(r"`(\w+)(?:\(.*?\))?`")


def section(title: str) -> str:
    """The text below a heading of the reference, its subsections left out."""
    found = re.search(rf"^## {title}\n(.*?)(?=^##)", REFERENCE + "\n##", re.MULTILINE | re.DOTALL)
    assert found, f"the reference has no section {title!r}"
    return found[1]


def rows(text: str) -> list[tuple[list[str], list[str]]]:
    """The rows of the tables in a text: the names in the first cell, and the other cells."""
    found = [(NAME.findall(first), [cell.strip() for cell in rest.split("|")]) for first, rest in ROW.findall(text)]
    return [(names, cells) for names, cells in found if names]


def defaults(text: str) -> dict[str, str]:
    return {name: cells[0] for names, cells in rows(text) for name in names}


def number(cell: str) -> int | None:
    """The value that a cell such as `8 KiB` stands for."""
    if cell == "None":
        return None
    found = re.fullmatch(r"(\d+)( KiB| MiB|)", cell)
    assert found, f"{cell!r} is no default"
    return int(found[1]) * UNITS[found[2]]


@pytest.mark.parametrize("name", CLASSES)
def test_every_member_is_told_and_no_other(name: str) -> None:
    cls = getattr(kito, name)
    inherited = set(dir(BASES[name])) if name in BASES else set()
    public = {member for member in dir(cls) if not member.startswith("_")} - INTERNAL.get(name, set()) - inherited
    assert {told for names, _ in rows(section(name)) for told in names} == public


@pytest.mark.parametrize("name", TESTING_CLASSES)
def test_every_member_of_the_test_clients_is_told(name: str) -> None:
    found = re.search(rf"^### {name}\n(.*?)(?=^#)", REFERENCE, re.MULTILINE | re.DOTALL)
    assert found, f"the reference has no section {name!r}"
    inherited = set(dir(testing.Stream)) - {"next", "rest"} if name == "EventStream" else set()
    public = {member for member in dir(getattr(testing, name)) if not member.startswith("_")} - inherited
    assert {told for names, _ in rows(found[1]) for told in names} == public


def test_every_name_of_the_test_clients_is_told() -> None:
    words = set(re.findall(r"\w+", REFERENCE))
    assert [name for name in testing.__all__ if name not in words] == []


def test_every_public_name_is_told() -> None:
    words = set(re.findall(r"\w+", REFERENCE))
    assert [name for name in kito.__all__ if name not in words] == []


def test_every_shipped_middleware_is_told() -> None:
    table = REFERENCE.partition("### Shipped middlewares")[2].partition("###")[0]
    assert [names[0] for names, _ in rows(table)] == sorted(middlewares.__all__)


@pytest.mark.parametrize("cls", [kito.Limits, kito.Timeouts], ids=lambda cls: cls.__name__)
def test_defaults_of_bounds(cls: type) -> None:
    told = {name: number(cell) for name, cell in defaults(section(cls.__name__)).items()}
    assert told == {field.name: field.default for field in dataclasses.fields(cls)}


def test_defaults_of_options() -> None:
    told = defaults(section("Options"))
    fields = dataclasses.fields(ServerOptions)
    assert told.keys() == {field.name for field in fields}
    for field in fields:
        text = f"{type(field.default).__name__}()" if dataclasses.is_dataclass(field.default) else repr(field.default)
        assert told[field.name].replace('"', "'") == text


def test_the_first_page_tells_the_same_defaults() -> None:
    told = {**defaults(section("Limits")), **defaults(section("Timeouts"))}
    readme = defaults(README)
    assert readme.keys() >= {"body_size", "max_backlog", "keep_alive", "write"}
    assert {name: told[name] for name in readme} == readme


def test_errors() -> None:
    table = {names[0]: cells[0] for names, cells in rows(section("Errors"))}
    tree = {name: cls for name in errors.__all__ if isinstance(cls := getattr(errors, name), type)}
    assert table.keys() == tree.keys()
    for name, cls in tree.items():
        status = getattr(cls, "status", None)
        assert table[name] == ("" if status is None else str(status)), name
    bold = set(re.findall(r"^\| \*\*`(\w+)`\*\*", section("Errors"), re.MULTILINE))
    assert bold == tree.keys() & set(kito.__all__)
