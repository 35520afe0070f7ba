"""What this Python lacks to run the tool; the wrapper's tests try the same with real processes."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

from globus_sync_directory import installation
from globus_sync_directory.installation import REQUIRED, explain, find_problem

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
    assert find_problem() is None


def test_old_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "OLDEST_PYTHON", (9, 1))
    found = f"{sys.version_info.major}.{sys.version_info.minor}"
    sentence = f"{sys.executable} is Python {found}; create the virtual environment with 9.1 or newer"
    assert find_problem() == sentence


def test_missing_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence names all of them, as pip does."""
    monkeypatch.setattr(
        installation, "REQUIRED", {"of_nobody": ("of-nobody", "1"), "json": ("json", "1"), "xx": ("yy", "1")}
    )
    assert "needs (of-nobody, yy); " in (find_problem() or "")


@pytest.mark.parametrize(
    ("entries", "oldest", "is_too_old"),
    [
        (["some_tool-1.9.3.dist-info"], "1.10", True),
        (["some_tool-1.10.dist-info"], "1.10", False),
        (["some_tool-1.10.0.post1.dist-info"], "1.10", False),
        (["some_tool-1.10.0rc1.dist-info"], "1.10.1", True),
        (["Some.Tool-1.9-py3.11.egg-info"], "1.10", True),
        (["some_tool-1.9.dist-info", "some_tool-2.0.dist-info"], "1.10", False),
        (["another_some_tool-1.9.dist-info", "some_tool_too-1.9.dist-info"], "1.10", False),
        ([], "1.10", False),
    ],
)
@pytest.mark.parametrize("module", ["sometool.py", "sometool/__init__.py"])
def test_old_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, entries: list[str], oldest: str, is_too_old: bool
) -> None:
    """The version is the one in the name of the metadata beside the package; without metadata it is not judged."""
    (tmp_path / module).parent.mkdir(exist_ok=True)
    (tmp_path / module).write_text("")
    for entry in entries:
        (tmp_path / entry).mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(installation, "REQUIRED", {"sometool": ("some-tool", oldest)})
    problem = find_problem()
    assert (problem is not None) == is_too_old
    assert problem is None or f" in {tmp_path} is too old; the tool needs {oldest} or newer; " in problem


@pytest.mark.parametrize(
    ("error", "is_of_a_package"),
    [
        (ImportError("no such symbol", name="cryptography.hazmat"), True),
        (ModuleNotFoundError("No module named 'jwt'", name="jwt"), True),
        (ImportError("no such name", name="globus_sync_directory.sync"), False),
        (ImportError("no such name", name="json"), False),
        (ImportError("without a name"), False),
    ],
)
def test_whose_fault_an_import_is(error: ImportError, is_of_a_package: bool) -> None:
    """Only a package that is neither ours nor Python's own is a problem of the installation."""
    assert (explain(error) is not None) == is_of_a_package
