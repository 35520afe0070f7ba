"""
Checks that this Python can run the tool. A problem is one sentence with the command that fixes it.

It must run on Python 3.7 with nothing but the standard library, since it runs before anything else is imported.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import shlex
import sys

OLDEST_PYTHON = (3, 11)

OUT_OF_MEMORY = "this host has no memory, thread or open file left for this run; nothing is lost, run it again later"

exit_status_if_broken = 2  # where a package turns out to be unusable; the wrapper asks for another one

# What setup.py requires, by the names to import. A test compares the two.
REQUIRED = ("click", "dateutil", "globus_sdk", "msgspec", "requests", "rich", "urllib3")


def find_problem() -> str | None:
    """Return a sentence if this Python is too old or a required package is missing; else None."""
    if sys.version_info < OLDEST_PYTHON:
        found, needed = (".".join(map(str, numbers[:2])) for numbers in (sys.version_info, OLDEST_PYTHON))
        return f"{sys.executable} is Python {found}; create the virtual environment with {needed} or newer"
    missing = [name for name in REQUIRED if importlib.util.find_spec(name) is None]
    return _sentence(f"does not have the packages that the tool needs ({', '.join(missing)})") if missing else None


def explain(error: Exception) -> str | None:
    """Return a sentence if an import failed because a package is too old or damaged; None if it is a bug of ours."""
    shown = f"{type(error).__name__}: {error}"
    if isinstance(error, ImportError):
        name = error.name or ""
        # A library that Python itself needs and the system has removed; a wrong name would be a bug of ours.
        if name in sys.stdlib_module_names and "cannot import name" not in str(error):
            fix = "create the virtual environment with another one"
            return f"{sys.executable} is an incomplete Python ({shown}); {fix}"
        is_bug = name.partition(".")[0] in ("", "globus_sync_directory", *sys.stdlib_module_names)
    else:
        # Such as a function that is missing, or a file of a package that is cut off.
        is_bug = not (isinstance(error, (AttributeError, TypeError)) or _is_of_a_package(error))
    return None if is_bug else _sentence(f"has a package that is too old or damaged ({shown})", is_damaged=True)


def _is_of_a_package(error: Exception) -> bool:
    """Return whether the error was raised below the code of an installed package, or is about its text."""
    files = [error.filename or ""] if isinstance(error, SyntaxError) else []
    place = error.__traceback__
    while place:
        files.append(place.tb_frame.f_code.co_filename)
        place = place.tb_next
    own = os.path.dirname(os.path.abspath(__file__)) + os.sep
    return any("site-packages" in file and not file.startswith(own) for file in files)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether this host had no memory, thread or open file left, so that the same may work later."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOMEM, errno.EMFILE, errno.ENFILE)
    if isinstance(error, ImportError):  # the loader of shared libraries has no numbers for errors
        return any(words in str(error) for words in ("failed to map segment", "Cannot allocate", "Too many open files"))
    lost = ("can't start new thread", "error return without exception set")  # the second: Python forgot a MemoryError
    return isinstance(error, MemoryError) or str(error) in lost


def _sentence(problem: str, *, is_damaged: bool = False) -> str:
    """
    Return the sentence with the command that installs the packages, also into an environment without pip.

    pip keeps a package that is damaged: the environment is then created again.
    """
    if sys.prefix == sys.base_prefix:
        environment, create = "venv", [sys.executable, "-m", "venv", "venv"]
    else:  # if it has no pip, the Python that created it was upgraded
        environment, create = sys.prefix, [os.path.realpath(sys.executable), "-m", "venv", "--clear", sys.prefix]
        if importlib.util.find_spec("pip") and not is_damaged:
            create = []
    install = [os.path.join(environment, "bin", "python"), "-m", "pip", "install", "-e", "."]
    fix = " && ".join(shlex.join(command) for command in (create, install) if command)
    return f"{sys.executable} {problem}; in the directory with setup.py, run: {fix}"
