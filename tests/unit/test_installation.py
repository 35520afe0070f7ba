"""What this Python lacks to run the tool; the wrapper's tests try the same with real processes."""

from __future__ import annotations

import ast
import errno
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from globus_sync_directory import installation
from globus_sync_directory.installation import REQUIRED, explain, find_problem, is_out_of_memory

ROOT = next(directory for directory in Path(__file__).resolve().parents if (directory / "setup.py").is_file())


def required_by_setup() -> list[str]:
    """Every distribution that setup.py requires."""
    tree = ast.parse((ROOT / "setup.py").read_text(encoding="utf-8"))
    assigned = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        if isinstance(node.targets[0], ast.Name)
    }
    keywords = [node for node in ast.walk(tree) if isinstance(node, ast.keyword)]
    (value,) = (keyword.value for keyword in keywords if keyword.arg == "install_requires")
    listed = ast.literal_eval(assigned[value.id] if isinstance(value, ast.Name) else value)
    return [re.split("[<>=]", requirement)[0] for requirement in listed]


def test_required_is_what_setup_requires() -> None:
    origin = packages_distributions()
    assert sorted(origin[name][0] for name in REQUIRED) == sorted(required_by_setup())


def test_nothing_is_wrong_here() -> None:
    assert find_problem() is None


def test_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "OLDEST_PYTHON", (9, 1))
    found = f"{sys.version_info.major}.{sys.version_info.minor}"
    sentence = f"{sys.executable} is Python {found}; create the virtual environment with 9.1 or newer"
    assert find_problem() == sentence


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence names all of them."""
    monkeypatch.setattr(installation, "REQUIRED", ("of_nobody", "json", "xx"))
    assert "needs (of_nobody, xx); " in (find_problem() or "")


@pytest.mark.parametrize(
    ("error", "is_of_a_package"),
    [
        (ImportError("no such symbol", name="cryptography.hazmat"), True),
        (ModuleNotFoundError("No module named 'jwt'", name="jwt"), True),
        (ImportError("no such name", name="globus_sync_directory.sync"), False),
        (ImportError("cannot import name 'x' from 'json'", name="json"), False),
        (ImportError("libssl.so.9: cannot open shared object file: No such file or directory", name="_ssl"), True),
        (ModuleNotFoundError("No module named 'json.x'", name="json.x"), False),
        (ModuleNotFoundError("No module named '_ssl'", name="_ssl"), True),
        (SyntaxError("invalid syntax", ("/venv/lib/site-packages/rich/table.py", 1, 1, "x")), True),
        (SyntaxError("invalid syntax", (installation.__file__, 1, 1, "x")), False),
        (ImportError("without a name"), False),
        (AttributeError("module 'click' has no attribute 'x'"), True),
        (TypeError("type 'ParamType' is not subscriptable"), True),
        (ZeroDivisionError(), False),
    ],
)
def test_whose_fault_an_import_is(error: Exception, is_of_a_package: bool) -> None:
    """A package that is neither ours nor Python's own, or that has changed, is a problem of the installation."""
    assert (explain(error) is not None) == is_of_a_package


def test_a_damaged_package_needs_a_new_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """pip keeps a version that is installed, whatever is left of its files."""
    monkeypatch.setattr(sys, "prefix", "/venv")
    sentence = explain(ImportError("x.so: file too short", name="x")) or ""
    assert " -m venv --clear /venv && /venv/bin/python -m pip install -e ." in sentence


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (RuntimeError("can't start new thread"), True),
        (SystemError("error return without exception set"), True),
        (OSError(errno.EMFILE, "Too many open files"), True),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), True),
        (ImportError("x.so: failed to map segment from shared object", name="x"), True),
        (ImportError("x.so: file too short", name="x"), False),
        (OSError(errno.ENOENT, "No such file or directory"), False),
        (RuntimeError("dictionary changed size during iteration"), False),
    ],
)
def test_a_host_without_memory(error: Exception, expected: bool) -> None:
    """What may work later is no bug."""
    assert is_out_of_memory(error) == expected
