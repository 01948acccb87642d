"""Imports point one way: a room may know the rooms below it, its own, and its siblings without a circle."""

from graphlib import CycleError, TopologicalSorter

import pytest

from tests.checks.sources import core_modules, imported_modules, module_name, python_modules

# From the top down. A room of the facade is the first name behind `kito`; every room has exactly one place.
LAYERS = [
    {"kito"},  # the public names
    {"__main__"},
    {"cli", "testing"},
    {"serving"},
    {"app"},
    {"planning", "registration", "reporting"},
    {"tree"},
    {"extensions", "error_handlers", "middlewares", "threads"},
    {"hosts"},
    {"routing", "binding", "chains", "asgi", "error_pages", "browser", "fixed"},
    {"signatures"},
    {"request", "response", "streaming", "validation", "files", "forms", "blocking_writers"},
    {"cookies"},
    {
        "headers",
        "config",
        "pacing",
        "paths",
        "proxies",
        "addresses",
        "media_types",
        "negotiation",
        "error_kinds",
        "thread_pool",
    },
    {"_core"},
    {"errors", "_version"},
]

# The same inside the core, where a room is a module.
CORE_LAYERS = [
    {"http1"},
    {"watch"},
    {"connection", "reader"},
    {"http1_exchange", "parser", "writers", "state"},
    {"direct_writer", "secure_writer"},
    {"dispatch"},
    {"finder"},
    {"request", "response", "stream"},
    {"flow"},
    {"exchange"},
    {"body", "coding", "endpoint", "writer", "tally"},
    {"waits", "windows"},
    {"declined", "encoder", "event", "grammar"},
    {"buffer", "clock", "fields", "listeners", "socket_options", "tasks"},
    {"common", "debug"},
]


def room(module: str) -> str:
    """The room of a dotted module: `kito.serving.workers` is in `serving`, and `kito` itself is a room."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else parts[0]


def core_room(module: str) -> str:
    return module.split(".")[2]


def depths(layers: list[set[str]]) -> dict[str, int]:
    return {name: depth for depth, layer in enumerate(layers) for name in layer}


def graph(*, at_run_time: bool = False) -> dict[str, set[str]]:
    """Which modules each module imports; a contract and its implementation are one module."""
    edges: dict[str, set[str]] = {}
    for path in [*python_modules(), *core_modules()]:
        edges.setdefault(module_name(path), set()).update(imported_modules(path, at_run_time=at_run_time))
    return edges


def upward(edges: dict[str, set[str]], depth: dict[str, int], room_of) -> list[str]:
    found = []
    for module, imports in sorted(edges.items()):
        higher = [imported for imported in sorted(imports) if depth[room_of(imported)] < depth[room_of(module)]]
        found += [f"{module} -> {imported}" for imported in higher]
    return found


def is_core(module: str) -> bool:
    return module.startswith("kito._core.")


@pytest.fixture(scope="module")
def edges() -> dict[str, set[str]]:
    return graph()


@pytest.fixture(scope="module")
def core_edges(edges) -> dict[str, set[str]]:
    return {module: set(filter(is_core, imports)) for module, imports in edges.items() if is_core(module)}


def test_every_room_has_its_place(edges, core_edges):
    unplaced = {room(module) for module in edges} - depths(LAYERS).keys()
    assert not unplaced, f"say in LAYERS where these rooms belong: {sorted(unplaced)}"
    unplaced = {core_room(module) for module in core_edges} - depths(CORE_LAYERS).keys()
    assert not unplaced, f"say in CORE_LAYERS where these modules belong: {sorted(unplaced)}"


def test_no_edge_points_upward(edges, core_edges):
    assert upward(edges, depths(LAYERS), room) == []
    assert upward(core_edges, depths(CORE_LAYERS), core_room) == []


def test_no_circle():
    # Two siblings may name each other's types: that is knowledge, and judged above, but nothing has to be made first.
    try:
        TopologicalSorter(graph(at_run_time=True)).prepare()
    except CycleError as error:
        pytest.fail(f"these modules import each other: {' -> '.join(error.args[1])}")


def test_the_core_is_cython_and_found(core_edges):
    assert core_edges, "the walk found no module of the core: it checks nothing"


def test_an_upward_edge_is_seen():
    edges = {"kito.errors": {"kito.app"}, "kito.app": {"kito.errors"}}
    assert upward(edges, depths(LAYERS), room) == ["kito.errors -> kito.app"]
