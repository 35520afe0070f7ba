"""Which part of the stand-in may import which, and that it and the tool do not import each other."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

import globus_sync_directory
from globus_sync_directory.standin.http import server

TOOL = Path(globus_sync_directory.__path__[0])
PACKAGE = "globus_sync_directory.standin"
STANDIN = TOOL / "standin"

# What each part may import of the stand-in, and of other packages beside the standard library.
BASE = {"storage", "clock", "behaviour"}
PARTS: dict[str, tuple[set[str], set[str]]] = {
    "storage": (set(), set()),
    "clock": (set(), set()),
    "behaviour": (set(), set()),
    "engine": (BASE, set()),
    "http": ({"clock"}, {"flask", "werkzeug"}),
    "api": (BASE | {"engine", "http"}, {"flask", "werkzeug"}),
    "standin": (BASE | {"engine", "http", "api"}, set()),
    "serve": (BASE | {"standin"}, {"click"}),
    "demo": ({"serve", "standin"}, {"click"}),
    "__main__": ({"serve", "demo"}, {"click"}),
    "__init__": (BASE | {"engine", "http", "standin"}, set()),  # only where a name is first used
}


def imported(file: Path) -> Iterator[str]:
    """Return the modules and names that a file imports, in full."""
    package = ".".join(file.relative_to(TOOL.parent).parent.parts)
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            yield from (".".join(filter(None, [base, node.module, alias.name])) for alias in node.names)


def part(name: str) -> str:
    """Return the part of the stand-in to which a module belongs."""
    return name.removeprefix(PACKAGE + ".").partition(".")[0]


def test_each_part_imports_only_what_it_may() -> None:
    """The engine knows neither HTTP nor Flask nor the routes, the server does not know the engine, and so on."""
    wrong = []
    for file in STANDIN.rglob("*.py"):
        name = file.relative_to(STANDIN).parts[0].removesuffix(".py")
        inside, outside = PARTS[name]
        for other in imported(file):
            top = other.partition(".")[0]
            is_ours = other.startswith(PACKAGE + ".")
            is_allowed = part(other) in inside | {name} if is_ours else top in outside | sys.stdlib_module_names
            if not is_allowed:
                wrong.append((str(file.relative_to(STANDIN)), other))
    assert wrong == []


def test_stand_in_and_tool_import_nothing_from_each_other() -> None:
    """They communicate only over HTTP, so the stand-in cannot share the tool's mistakes."""
    files = [file for file in TOOL.rglob("*.py") if not file.is_relative_to(STANDIN)]
    assert len(files) > 20
    assert [file for file in files if any(f"{name}.".startswith(PACKAGE + ".") for name in imported(file))] == []


def test_nothing_private_of_werkzeug_is_replaced() -> None:
    """The server and its handler define no private name that their base classes have too."""
    for ours, theirs in ((server.HttpServer, ThreadedWSGIServer), (server._Handler, WSGIRequestHandler)):
        private = {name for name in vars(ours) if name.startswith("_") and not name.startswith("__")}
        assert private & set(dir(theirs)) == set()
