"""A folder with the wrapper and a venv, as a user installs them, and a small program as the tool."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = next(directory for directory in Path(__file__).resolve().parents if (directory / "setup.py").is_file())
WRAPPER = ROOT / "nesi_sync_directory_wrapper.sh"

# The modules of the package that a start runs before the command line.
STARTED_WITH = [
    *("__init__.py", "__main__.py", "installation.py", "text.py"),
    *("output/__init__.py", "output/log.py"),
]

# As real ones do, it reads an unset variable, has a command that fails, and prints something.
MODULE_FUNCTION = """
module() {
    echo "module $*: $UNSET_VARIABLE"
    false
    [[ $2 == *gone* ]] && { echo "no $2 here" >&2; return 1; }
    export LOADED_MODULE=$2
}
"""

# Notes how it was started, then runs the behaviour that a test wants.
TOOL = """
import json, os, pathlib, signal, sys, click

def main():
    seen = {{
        "arguments": sys.argv[1:], "environment": dict(os.environ), "directory": os.getcwd(), "click": click.__file__,
        "parent": os.getppid(), "streams": sorted(map(int, os.listdir("/dev/fd"))),
    }}
    pathlib.Path({seen!r}).write_text(json.dumps(seen))
    {behaviour}
"""


@dataclass(frozen=True)
class Site:
    """A folder that contains the wrapper and a venv, and the module system around it."""

    root: Path
    folder: Path

    @property
    def wrapper(self) -> Path:
        return self.folder / WRAPPER.name

    @property
    def log(self) -> Path:
        return self.folder / "globus_sync_directory.log"

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def packages(self) -> Path:
        """The site-packages directory of the venv."""
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        return self.folder / "venv" / "lib" / version / "site-packages"

    @property
    def environment(self) -> dict[str, str]:
        return {"HOME": str(self.root), "PATH": os.environ["PATH"], "MODULESHOME": str(self.root / "modules")}

    def seen(self) -> dict[str, Any]:
        seen: dict[str, Any] = json.loads((self.root / "seen").read_text())
        return seen

    def was_run(self) -> bool:
        return (self.root / "seen").exists()

    def tool(self, behaviour: str, directory: Path | None = None) -> None:
        """Install what a start needs of the package, and a command line that runs ``behaviour``, one line of Python."""
        package = (directory or self.packages) / "globus_sync_directory"
        (package / "output").mkdir(parents=True, exist_ok=True)
        for name in STARTED_WITH:
            shutil.copy(ROOT / "globus_sync_directory" / name, package / name)
        (package / "cli.py").write_text(TOOL.format(seen=str(self.root / "seen"), behaviour=behaviour))

    def modules(self, start_up: str) -> None:
        """Make ``start_up``, lines of Bash, the start-up file of the module system."""
        path = self.root / "modules" / "init" / "bash"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(start_up)

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        settings: dict[str, Any] = {"env": self.environment, "cwd": "/", "text": True, "stdin": subprocess.DEVNULL}
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        command = [str(options.pop("command", self.wrapper)), *arguments]
        return subprocess.Popen(command, **(settings | streams | options))

    def run(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        with self.start(*arguments, **options) as process:
            stdout, stderr = process.communicate(timeout=20)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    def run_in_shell(self, line: str, **options: Any) -> subprocess.CompletedProcess[str]:
        """Run a line of Bash in which ``$wrapper`` is the wrapper's path."""
        return self.run("-c", f"wrapper={shlex.quote(str(self.wrapper))}; {line}", command="/bin/bash", **options)

    def run_python_directly(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        return self.run("-m", "globus_sync_directory", *arguments, command=self.python, **options)
