"""What is installed, what it brings along, and which module may import which."""

from __future__ import annotations

import ast
import functools
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions, requires, version
from pathlib import Path
from shutil import copytree, ignore_patterns
from zipfile import ZipFile

import pytest

ROOT = next(directory for directory in Path(__file__).parents if (directory / "setup.py").is_file())
PACKAGE = "globus_sync_directory"
STANDIN = f"{PACKAGE}.standin"
DATA = {f"{PACKAGE}/py.typed", f"{PACKAGE}/output/output.schema.json"}
COMMUNITY = {"CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md"}

FLOORS = (
    ("errors", "text", "installation", "timed_waits"),
    ("model", "lock", "turn"),
    ("config", "state", "globus", "output"),
    ("notify", "sync"),
    ("commands",),
    ("cli",),
    ("__main__",),
)
"""The rooms of the tool, lowest floor first. A module imports from its own room and from lower floors."""

FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

ONLY_IMPORTERS = {
    "click": ("cli",),
    "globus_sdk": ("globus",),
    "requests": ("globus",),
    "rich": ("output",),
}
"""What only these rooms of the tool may import."""

ASK_GLOBUS = {
    *("sync.snapshot", "sync.preflight", "sync.newer", "sync.details"),
    *("sync.submit", "sync.sending", "sync.conflicts", "sync.recover"),
    *("commands.check_ends", "commands.check_write"),
}
HAND_THE_CLIENT_ON = {"sync.run", "commands.wait"}
"""The modules with functions that take the client of Globus; everything else decides or words something without it."""

LONGEST_MODULE = 350


@functools.cache
def modules(directory: Path) -> dict[str, ast.Module]:
    """Every module in this directory of the repository, by its full name."""
    found = {}
    for path in sorted(directory.rglob("*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(name: str, tree: ast.Module) -> Iterator[str]:
    """Every module that ``name`` imports anywhere in it, as full names; what is imported from one counts as one too."""
    own_package = name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = own_package[: len(own_package) + 1 - node.level] if node.level else []
            origin = ".".join([*start, *([node.module] if node.module else [])])
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


@functools.cache
def imported(directory: Path) -> dict[str, set[str]]:
    """What every module in this directory imports, by the module's name; that of a package is the package's."""
    found = modules(directory).items()
    return {name.removesuffix(".__init__"): set(imports(name, tree)) for name, tree in found}


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def of_the_tool() -> dict[str, set[str]]:
    """What every module of the tool imports, without the stand-in's modules."""
    return {name: others for name, others in imported(ROOT / PACKAGE).items() if not within(name, STANDIN)}


def of_the_standin() -> dict[str, set[str]]:
    return {name: others for name, others in imported(ROOT / PACKAGE).items() if within(name, STANDIN)}


def room_of(name: str) -> str:
    """The room of a module of the tool: the first part of its name after the package's."""
    return name.split(".")[1]


def test_every_module_is_in_a_room_of_the_plan() -> None:
    """A new room gets its floor here and its line in docs/architecture.md."""
    assert {room_of(name) for name in of_the_tool() if name != PACKAGE} == set(FLOOR)


def test_imports_go_down() -> None:
    """No module of the tool imports one of a higher floor, or of another room on its own floor."""
    against = {
        f"{name} imports {other}"
        for name, others in of_the_tool().items()
        for other in others
        if name != PACKAGE and within(other, PACKAGE) and other != PACKAGE and not within(other, STANDIN)
        if room_of(other) in FLOOR and room_of(other) != room_of(name) and FLOOR[room_of(other)] >= FLOOR[room_of(name)]
    }
    assert against == set()


def test_imports_go_one_way() -> None:
    """The tool's modules can be put in an order in which each imports only earlier ones."""
    known = set(of_the_tool())
    graph = {name: (others & known) - {name, PACKAGE} for name, others in of_the_tool().items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("these import each other: " + " -> ".join(reversed(error.args[1])))


@pytest.mark.parametrize("library", ONLY_IMPORTERS)
def test_who_imports_a_library(library: str) -> None:
    """Each library is known to one room."""
    users = {room_of(name) for name, others in of_the_tool().items() if any(within(other, library) for other in others)}
    assert users == set(ONLY_IMPORTERS[library])


def takes_the_client(function: ast.FunctionDef) -> bool:
    given = function.args
    parameters = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return any(parameter.annotation and "GlobusClient" in ast.unparse(parameter.annotation) for parameter in parameters)


def test_who_takes_the_client() -> None:
    """Only the phases that ask Globus, and those that hand the client on to them, have it as a parameter."""
    takers = {
        name.removeprefix(f"{PACKAGE}.")
        for name, tree in modules(ROOT / PACKAGE).items()
        if not within(name, f"{PACKAGE}.globus")
        if any(takes_the_client(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    }
    assert takers == ASK_GLOBUS | HAND_THE_CLIENT_ON


def test_a_run_hands_the_client_on() -> None:
    """The order of the phases asks for the time and the live tasks itself, and leaves all else to its phases."""
    tree = modules(ROOT / PACKAGE)[f"{PACKAGE}.sync.run"]
    asked = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "client"
    }
    assert asked == {"now", "live_tasks"}


def test_the_tool_knows_neither_flask_nor_the_standin() -> None:
    """No module of the tool imports the stand-in, Flask or Werkzeug: they come with an extra."""
    strangers = {
        (name, other)
        for name, others in of_the_tool().items()
        for other in others
        if within(other, STANDIN) or within(other, "flask") or within(other, "werkzeug")
    }
    assert strangers == set()


def test_the_standin_does_not_know_the_tool() -> None:
    """No module of the stand-in imports one of the tool's or the SDK: it cannot share their mistakes."""
    strangers = {
        (name, other)
        for name, others in of_the_standin().items()
        for other in others
        if (within(other, PACKAGE) and other != PACKAGE and not within(other, STANDIN)) or within(other, "globus_sdk")
    }
    assert strangers == set()


def test_no_module_is_too_long() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in (ROOT / PACKAGE).rglob("*.py")}
    assert {str(path): length for path, length in lengths.items() if length > LONGEST_MODULE} == {}


def distributions(found: dict[str, set[str]], own: set[str]) -> set[str]:
    """The names of the distributions that these imports come from, without Python's own and those in ``own``."""
    names = {other.partition(".")[0] for others in found.values() for other in others} - {""}
    origin = packages_distributions()
    outside = names - sys.stdlib_module_names - own
    assert outside <= set(origin), "not installed here"
    return {normal(distribution) for name in outside for distribution in origin[name]}


def normal(name: str) -> str:
    """The name of a distribution in the form that compares. Source: PEP 503."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*extras: str) -> set[str]:
    """The distributions that an installation with these extras asks for by name."""
    found = set()
    for line in requires(PACKAGE) or []:
        requirement, _, marker = line.partition(";")
        extra = re.search(r"extra == [\'\"](\w+)", marker)
        if not extra or extra[1] in extras:
            found.add(normal(re.match(r"[\w.-]+", requirement)[0]))  # type: ignore[index]
    return found


def test_what_the_tool_imports_is_declared() -> None:
    """The dependencies are those that are imported, and urllib3, whose version matters to what requests does."""
    assert distributions(of_the_tool(), {PACKAGE}) | {"urllib3"} == declared()


@pytest.mark.slow
def test_what_the_standin_imports_is_declared() -> None:
    """With the extra of the stand-in comes all that it imports, and nothing else."""
    assert distributions(of_the_standin(), {PACKAGE}) - declared() == declared("standin") - declared()


@pytest.mark.slow
def test_what_the_tests_import_is_declared() -> None:
    """With the extra of the tests comes all that they import."""
    shared = {path.stem for path in (ROOT / "tests").iterdir()}
    assert distributions(imported(ROOT / "tests"), {PACKAGE, "tests", "breakages"} | shared) <= declared("test")


def test_every_supported_python_is_tried() -> None:
    """The workflow runs the gate on the Pythons that the metadata names, from the oldest that can install this."""
    classifiers = re.findall(r"Programming Language :: Python :: (\d\.\d+)", read("setup.py"))
    (oldest,) = re.findall(r'python_requires=">=(.+)"', read("setup.py"))
    (row,) = re.findall(r"python-version: \[(.+)\]", read(".github/workflows/ci.yml"))
    assert re.findall(r"[\d.]+", row) == classifiers
    assert classifiers[0] == oldest


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["--help"], 0), (["--version"], 0), (["--config-file", "config.ini", "--secret-file", "none"], 2)],
    ids=["help", "version", "config error"],
)
def test_the_sdk_is_loaded_only_to_speak_to_globus(arguments: list[str], status: int, tmp_path: Path) -> None:
    """Help, version and a config error come without the wait for globus_sdk, and never with Flask."""
    (tmp_path / "config.ini").write_text("[globus]\nclientid = nonsense\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", PACKAGE, *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == status, done.stderr
    loaded = set(re.findall(r"^import time:.*\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert "click" in loaded
    assert not loaded & {"globus_sdk", "requests", "flask"}


def test_every_subpackage_has_an_init() -> None:
    """setuptools finds packages by ``__init__.py``; a directory of modules without one would not be installed."""
    directories = {path.parent for path in (ROOT / PACKAGE).rglob("*.py")}
    assert [path for path in directories if not (path / "__init__.py").is_file()] == []


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a wheel and a source distribution, built with what pyproject.toml asks for."""
    place = tmp_path_factory.mktemp("built")
    source, backend, dist = place / "source", place / "backend", place / "dist"
    copytree(ROOT, source, ignore=ignore_patterns(".*", "venv", "build", "dist", "*.egg-info", "__pycache__"))
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(backend), *asked]
    subprocess.run(pip, check=True)
    steps = f"from setuptools import build_meta as b; b.build_sdist({str(dist)!r}); b.build_wheel({str(dist)!r})"
    subprocess.run(
        [sys.executable, "-c", steps], check=True, cwd=source, env={"PYTHONPATH": str(backend)}, capture_output=True
    )
    return dist


def sources() -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / PACKAGE).rglob("*.py")}


@pytest.mark.slow
def test_the_wheel_holds_the_package_and_nothing_else(built: Path) -> None:
    """The wheel installs every module, the marker for type checkers, and no test."""
    (wheel,) = built.glob("*.whl")
    names = [name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert set(names) == sources() | DATA


@pytest.mark.slow
def test_the_source_distribution_can_be_built_from(built: Path) -> None:
    """The source distribution holds the package and all that its installation reads, and nobody's own files."""
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert sources() | DATA | COMMUNITY | {"setup.py", "pyproject.toml"} <= names
    assert not {name for name in names - DATA if name.endswith((".ini", ".json", ".log", ".pyc"))}


@pytest.mark.slow
def test_the_metadata_says_what_a_user_needs(built: Path) -> None:
    """The wheel's metadata: version, command, oldest Python, and what is installed without an extra."""
    (wheel,) = built.glob("*.whl")
    with ZipFile(wheel) as opened:
        names = {Path(name).name: name for name in opened.namelist() if ".dist-info/" in name}
        metadata, commands = (opened.read(names[name]).decode() for name in ("METADATA", "entry_points.txt"))
    assert f"\nVersion: {version(PACKAGE)}\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    assert f"globus-sync-directory = {PACKAGE}.__main__:main" in commands
    assert "\nAuthor: " in metadata
    assert "\nProject-URL: Issues, https://" in metadata
    needed = re.findall(r"^Requires-Dist: ([\w.-]+)(.*)$", metadata, re.MULTILINE)
    without_extra = {normal(name) for name, bounds in needed if "extra ==" not in bounds}
    assert without_extra == distributions(of_the_tool(), {PACKAGE}) | {"urllib3"}
