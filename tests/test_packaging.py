"""What is installed, what it brings along, and which module may know which."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import version
from pathlib import Path
from shutil import copytree, ignore_patterns
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "globus_sync_directory"
STANDIN = f"{PACKAGE}.standin"


def modules() -> dict[str, ast.Module]:
    """Every module of the package, the stand-in's included, by its full name."""
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imports(name: str, tree: ast.Module, is_package: bool) -> Iterator[str]:
    """Every module that ``name`` imports anywhere in it, as full names; what is imported from one counts as one too."""
    own_package = name.split(".") if is_package else name.split(".")[:-1]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = own_package[: len(own_package) + 1 - node.level] if node.level else []
            origin = ".".join([*start, *([node.module] if node.module else [])])
            yield origin
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def imported() -> dict[str, set[str]]:
    trees = modules()
    packages = {PACKAGE, STANDIN}
    return {name: set(imports(name, tree, name in packages)) for name, tree in trees.items()}


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def test_the_tool_knows_neither_flask_nor_the_standin():
    """No module of the tool imports the stand-in, Flask or Werkzeug: they come with an extra."""
    strangers = {
        (name, other)
        for name, others in imported().items()
        if not within(name, STANDIN)
        for other in others
        if within(other, STANDIN) or within(other, "flask") or within(other, "werkzeug")
    }
    assert strangers == set()


def test_the_standin_does_not_know_the_tool():
    """No module of the stand-in imports one of the tool's or the SDK: it cannot share their mistakes."""
    strangers = {
        (name, other)
        for name, others in imported().items()
        if within(name, STANDIN)
        for other in others
        if (within(other, PACKAGE) and other != PACKAGE and not within(other, STANDIN)) or within(other, "globus_sdk")
    }
    assert strangers == set()


def test_imports_go_one_way():
    """The tool's modules can be put in an order in which each imports only earlier ones."""
    known = {name for name in modules() if within(name, PACKAGE) and not within(name, STANDIN)}
    graph = {name: (others & known) - {name, PACKAGE} for name, others in imported().items() if name in known}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("these import each other: " + " -> ".join(reversed(error.args[1])))


def test_who_knows_click():
    """Of the tool's modules, only those that take options or show something import click."""
    users = {name for name, others in imported().items() if "click" in others and not within(name, STANDIN)}
    assert users == {f"{PACKAGE}.{name}" for name in ("cli", "output", "report", "watch")}


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(["--help"], 0), (["--version"], 0), (["--config-file", "config.ini", "--secret-file", "none"], 2)],
    ids=["help", "version", "config error"],
)
def test_the_sdk_is_loaded_only_to_speak_to_globus(arguments: list[str], status: int, tmp_path: Path):
    """Help, version and a config error come without the wait for globus_sdk, and never with Flask."""
    (tmp_path / "config.ini").write_text("[globus]\nclientid = nonsense\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", PACKAGE, *arguments], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == status, done.stderr
    loaded = set(re.findall(r"^import time:.*\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert "click" in loaded
    assert not loaded & {"globus_sdk", "requests", "flask"}


def test_every_subpackage_has_an_init():
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
def test_the_wheel_holds_the_package_and_nothing_else(built: Path):
    """The wheel installs every module, the marker for type checkers, and no test."""
    (wheel,) = built.glob("*.whl")
    names = [name for name in ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert set(names) == sources() | {f"{PACKAGE}/py.typed", f"{PACKAGE}/output/output.schema.json"}


@pytest.mark.slow
def test_the_source_distribution_can_be_built_from(built: Path):
    """The source distribution holds the package and all that its installation reads, and nobody's own files."""
    (archive,) = built.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    shipped = {f"{PACKAGE}/py.typed", f"{PACKAGE}/output/output.schema.json"}
    assert sources() | shipped | {"setup.py", "pyproject.toml", "README.md", "LICENSE"} <= names
    assert not {name for name in names - shipped if name.endswith((".ini", ".json", ".log", ".pyc"))}


@pytest.mark.slow
def test_the_metadata_says_what_a_user_needs(built: Path):
    """The wheel's metadata: version, command, oldest Python, and Flask under the extra alone."""
    (wheel,) = built.glob("*.whl")
    with ZipFile(wheel) as opened:
        names = {Path(name).name: name for name in opened.namelist() if ".dist-info/" in name}
        metadata, commands = (opened.read(names[name]).decode() for name in ("METADATA", "entry_points.txt"))
    assert f"\nVersion: {version(PACKAGE)}\n" in metadata
    assert "\nRequires-Python: >=3.11\n" in metadata
    assert f"globus-sync-directory = {PACKAGE}.cli:main" in commands
    flask = re.findall(r"^Requires-Dist: (flask.*)$", metadata, re.MULTILINE | re.IGNORECASE)
    assert flask
    assert all("extra ==" in line for line in flask)
