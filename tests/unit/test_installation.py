"""What this Python lacks to run the tool; the wrapper's tests try the same with real processes."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from globus_sync_directory import installation
from globus_sync_directory.installation import REQUIRED, what_is_broken, what_is_missing

ROOT = next(directory for directory in Path(__file__).resolve().parents if (directory / "setup.py").is_file())


def required_by_setup() -> dict[str, str]:
    """The oldest version of every distribution that setup.py requires."""
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
    return dict(re.findall(r"([\w-]+)>=([\d.]+)", " ".join(listed)))


def test_required_is_what_setup_requires() -> None:
    assert dict(REQUIRED.values()) == required_by_setup()


def test_nothing_is_wrong_here() -> None:
    assert what_is_missing() is None
    assert what_is_broken(ValueError("of ours")) is None


def test_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "OLDEST_PYTHON", (9, 1))
    found = f"{sys.version_info.major}.{sys.version_info.minor}"
    sentence = f"{sys.executable} is Python {found}; create the virtual environment with 9.1 or newer"
    assert what_is_missing() == sentence


@pytest.mark.parametrize(
    ("error", "is_installation"),
    [
        (ImportError("no such symbol", name="cryptography.hazmat"), True),
        (ModuleNotFoundError("No module named 'jwt'", name="jwt"), True),
        (ImportError("no such name", name="globus_sync_directory.sync"), False),
        (ImportError("no such name", name="json"), False),
        (ImportError("without a name"), False),
        (AttributeError("anything"), False),
    ],
)
def test_whose_fault_an_import_is(error: Exception, is_installation: bool) -> None:
    """Only a package that is neither ours nor Python's own is a problem of the installation."""
    assert (what_is_broken(error) is not None) == is_installation


def test_old_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the error is, a package below its bound is the reason; versions are compared by number."""
    monkeypatch.setattr(installation, "REQUIRED", {"click": ("click", "1000.2")})
    assert "the tool needs 1000.2 or newer" in (what_is_broken(AttributeError("anything")) or "")
    monkeypatch.setattr(installation, "REQUIRED", {"click": ("click", "08.01.07")})
    assert what_is_broken(AttributeError("anything")) is None
