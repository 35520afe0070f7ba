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


def what_is_missing() -> str | None:
    """Return a sentence if this Python is too old or a required package is not there; None if neither."""
    if sys.version_info < OLDEST_PYTHON:
        found, needed = (".".join(map(str, numbers[:2])) for numbers in (sys.version_info, OLDEST_PYTHON))
        return f"{sys.executable} is Python {found}; create the virtual environment with {needed} or newer"
    missing = [distribution for name, (distribution, _) in REQUIRED.items() if importlib.util.find_spec(name) is None]
    if missing:
        return f"{sys.executable} does not have the packages that the tool needs ({', '.join(missing)}); {_fix()}"
    return None


def what_is_broken(error: BaseException) -> str | None:
    """Return a sentence if a required package is too old or cannot be imported; None if ``error`` has another cause."""
    for distribution, oldest in REQUIRED.values():
        version = _version(distribution)
        if version and _numbers(version) < _numbers(oldest):
            found = f"{sys.executable} has {distribution} {version}"
            return f"{found}; the tool needs {oldest} or newer; {_fix()}"
    package = (error.name or "").partition(".")[0] if isinstance(error, ImportError) else ""
    if package and package != "globus_sync_directory" and package not in sys.stdlib_module_names:
        return f"{sys.executable} cannot import the package {package} ({error}); {_fix()}"
    return None


def _version(distribution: str) -> str | None:
    # Imported here because it takes 50 ms, and only a failed start needs it.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


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
        return f"{where}: {shlex.join([sys.executable, '-m', 'pip', 'install', clone])}"
    install = [os.path.join(environment, "bin", "pip"), "install", clone]
    return f"{where}: {shlex.join(create)} && {shlex.join(install)}"
