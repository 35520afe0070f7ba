"""
What this Python lacks to run the tool, in one sentence with the command that fixes it.

Needs the standard library of any Python 3 from 3.7 on: it is asked before anything else is imported.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shlex
import sys
from importlib.machinery import ModuleSpec

OLDEST_PYTHON = (3, 11)

# What setup.py requires: import name -> name of the distribution, oldest version. A test compares the two.
REQUIRED = {
    "click": ("click", "8.1.7"),
    "dateutil": ("python-dateutil", "2.8.2"),
    "globus_sdk": ("globus-sdk", "4.9"),
    "msgspec": ("msgspec", "0.20"),
    "requests": ("requests", "2.32.3"),
    "rich": ("rich", "13"),
    "urllib3": ("urllib3", "2.3"),
}


def find_problem() -> str | None:
    """Return a sentence if this Python or a required package is too old, or a package is missing; else None."""
    if sys.version_info < OLDEST_PYTHON:
        found, needed = (".".join(map(str, numbers[:2])) for numbers in (sys.version_info, OLDEST_PYTHON))
        return f"{sys.executable} is Python {found}; create the virtual environment with {needed} or newer"
    specs = {name: importlib.util.find_spec(name) for name in REQUIRED}
    missing = [REQUIRED[name][0] for name, spec in specs.items() if spec is None]
    if missing:
        return f"{sys.executable} does not have the packages that the tool needs ({', '.join(missing)}); {_fix()}"
    for name, (distribution, oldest) in REQUIRED.items():
        directory = _directory_of(specs[name])
        version = _newest_version(distribution, directory)
        if version and version < _numbers(oldest):
            found = ".".join(map(str, version))
            return f"{distribution} {found} in {directory} is too old; the tool needs {oldest} or newer; {_fix()}"
    return None


def explain(error: ImportError) -> str | None:
    """Return a sentence if a package that is neither ours nor Python's own cannot be imported; else None."""
    package = (error.name or "").partition(".")[0]
    if not package or package == "globus_sync_directory" or package in sys.stdlib_module_names:
        return None
    return f"{sys.executable} cannot import the package {package} ({error}); {_fix()}"


def _directory_of(spec: ModuleSpec | None) -> str:
    """Return the directory that a module or package lies in."""
    if spec is None:
        return ""
    return os.path.dirname(next(iter(spec.submodule_search_locations or [spec.origin or ""])))


def _newest_version(distribution: str, directory: str) -> list[int]:
    """Return the version that the distribution's directory of metadata has in its name; empty if there is none."""
    # importlib.metadata says the same and takes 50 ms.
    name = re.escape(distribution).replace("\\-", "[-_.]")
    pattern = re.compile(rf"{name}-(\d[\d.]*).*\.(dist|egg)-info", re.IGNORECASE)
    entries = os.listdir(directory) if os.path.isdir(directory) else []
    matches = [pattern.fullmatch(entry) for entry in entries]
    return max((_numbers(match[1]) for match in matches if match), default=[])


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def _fix() -> str:
    """Return the command that installs the packages: into this virtual environment, or into one that it creates."""
    clone = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    where = "run"
    if not os.path.exists(os.path.join(clone, "setup.py")):
        clone, where = ".", "in the directory with setup.py, run"
    if sys.prefix == sys.base_prefix:
        environment = os.path.join(clone, "venv")
        create = [sys.executable, "-m", "venv", environment]
    elif importlib.util.find_spec("pip") is None:  # the Python that created the environment was upgraded
        environment = sys.prefix
        create = [os.path.realpath(sys.executable), "-m", "venv", "--clear", environment]
    else:
        return f"{where}: {shlex.join([sys.executable, '-m', 'pip', 'install', '-e', clone])}"
    install = [os.path.join(environment, "bin", "pip"), "install", "-e", clone]
    return f"{where}: {shlex.join(create)} && {shlex.join(install)}"
