"""Where the project's sources are, and which modules each of them imports."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "kito"

# `from a.b cimport c, d` and `from a.b cimport (c,\n d)`, `cimport a.b as c`, and the same with `import`.
FROM_IMPORT = re.compile(r"^[ \t]*from[ \t]+([\w.]+)[ \t]+c?import[ \t]+(\([^)]*\)|[^\n#]*)", re.MULTILINE)
PLAIN_IMPORT = re.compile(r"^[ \t]*c?import[ \t]+([^\n#(]+)", re.MULTILINE)


def module_name(path: Path) -> str:
    """The dotted name of a source file: a package is named by its folder."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def python_modules() -> list[Path]:
    """Every Python file of the package."""
    return sorted(PACKAGE.rglob("*.py"))


def core_modules() -> list[Path]:
    """Every Cython file of the core, contracts included."""
    core = PACKAGE / "_core"
    return sorted([*core.glob("*.pyx"), *core.glob("*.pxd")])


def known_modules() -> set[str]:
    """The dotted names of everything in the package, folders included."""
    return {module_name(path) for path in [*python_modules(), *core_modules()]}


def imported_names(path: Path, *, at_run_time: bool = False) -> set[str]:
    """Every dotted name that a file imports from the package; for `from a import b` that is `a.b`.

    With `at_run_time`, without those that only a type checker imports.
    """
    package = module_name(path) if path.stem == "__init__" else module_name(path).rpartition(".")[0]
    text = path.read_text(encoding="utf-8")
    found = _python_imports(text, package, at_run_time) if path.suffix == ".py" else _cython_imports(text, package)
    return {name for name in found if name == "kito" or name.startswith("kito.")}


def imported_modules(path: Path, *, at_run_time: bool = False) -> set[str]:
    """The modules of the package that a file imports: each name cut back to the module that holds it."""
    known = known_modules()
    found = set()
    for name in imported_names(path, at_run_time=at_run_time):
        module = name
        while module not in known:
            module = module.rpartition(".")[0]
            assert module, f"{path} imports {name}, which does not exist"
        found.add(module)
    return found - {module_name(path)}


def _python_imports(text: str, package: str, at_run_time: bool) -> set[str]:
    tree = ast.parse(text)
    skipped = {id(node) for guard in ast.walk(tree) if at_run_time and _is_for_types(guard) for node in ast.walk(guard)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute("." * node.level + (node.module or ""), package)
            found.update(f"{origin}.{alias.name}" for alias in node.names)
    return found


def _is_for_types(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def _cython_imports(text: str, package: str) -> set[str]:
    found = set()
    for origin, names in FROM_IMPORT.findall(text):
        for name in re.findall(r"(\w+)(?:[ \t]+as[ \t]+\w+)?", re.sub(r"#.*", "", names)):
            found.add(f"{_absolute(origin, package)}.{name}")
    for names in PLAIN_IMPORT.findall(text):
        found.update(name.split()[0] for name in names.split(",") if name.strip())
    return found


def _absolute(origin: str, package: str) -> str:
    dots = len(origin) - len(origin.lstrip("."))
    if not dots:
        return origin
    base = package.split(".")
    base = base[: len(base) - (dots - 1)]
    return ".".join([*base, *filter(None, [origin[dots:]])])
