"""``demo``: what the tool does from beginning to end, against the stand-in, with real files."""

import hashlib
import itertools
import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import click

from .serve import BadInput, print_exports, until_stopped
from .standin import StandIn

PAIR = "microscope"
DESTINATION = "archive/images"
COMMAND = [sys.executable, "-m", "globus_sync_directory", "-c", "config.ini", "-s", "secret"]
_PAUSES = (5, 10, 20, 40, 60)  # seconds before each look at a running task; the last one repeats

_MADE_UP = {
    "2026-11-23/plate 01/well A1.tif": 40_000,
    "2026-11-23/plate 01/well A2.tif": 40_000,
    "2026-11-23/plate 01/notes.txt": 700,
    "2026-11-24/run #7/überblick.tif": 3_000_000,
    "2026-11-24/run #7/log/stage.csv": 2_500,
    "calibration.json": 300,
}
_CHANGED, _ADDED, _REMOVED = "calibration.json", "2026-11-24/run #8/well B1.tif", "2026-11-23/plate 01/notes.txt"


class DemoFailed(click.ClickException):
    """The tool did something else than the demo says."""


@click.command(short_help="Show the tool at work; needs no account.")
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="Work in this empty or new directory.")
@click.option("--source", type=click.Path(path_type=Path), help="Copy this directory; it is only read.")
@click.option("--keep", is_flag=True, help="Leave the stand-in running at the end, until Ctrl-C.")
def demo(directory: Path | None, source: Path | None, keep: bool) -> None:
    """
    Show the tool at work, without a Globus account and without a network.

    Two directories represent the collections of a microscope and of an archive. The demo runs the tool as a user does,
    and compares both directories at the end.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the temporary directory is removed
    with _work_directory(directory, source, keep) as work, StandIn() as globus:
        _Demo(work, source, globus).run()
        if keep:
            _keep_running(work, globus)


def _keep_running(work: Path, globus: StandIn) -> None:
    with until_stopped() as stopped:
        _say(f"The stand-in keeps running, and all files are in {work}.")
        _say("To try more commands, paste this into another terminal:")
        print_exports(globus)
        click.echo(f"cd {shlex.quote(str(work))}")
        click.echo(shlex.join(COMMAND))
        click.echo("\nCtrl-C stops it.")
        stopped.wait()


@contextmanager
def _work_directory(directory: Path | None, source: Path | None, keep: bool) -> Iterator[Path]:
    """Yield the directory to work in, which is never inside ``source``; a temporary one is removed unless kept."""
    if source is not None and not source.is_dir():
        raise BadInput(f"no such directory: {source}")
    work = (directory or Path(tempfile.gettempdir())).resolve()
    if source is not None and work.is_relative_to(source.resolve()):
        raise BadInput(f"{work} is inside {source}, and the demo writes nothing there; name another place with --dir")
    if directory is None:
        work = Path(tempfile.mkdtemp(prefix="globus-demo-"))
    else:
        try:
            work.mkdir(parents=True, exist_ok=True)
            if any(work.iterdir()):
                raise BadInput(f"{directory} is not empty; name an empty or new directory")
        except OSError as error:
            raise BadInput(f"{directory}: {error.strerror}") from None
    try:
        yield work
    finally:
        if directory is None and not keep:
            shutil.rmtree(work)


class _Demo:
    """One run of the demo in ``work``; ``source`` is the user's own directory, or None for one with made-up files."""

    def __init__(self, work: Path, source: Path | None, globus: StandIn) -> None:
        self.work = work
        self.globus = globus
        self.own = source is not None
        self.source = source.resolve() if source else work / "microscope" / "images"
        self.archive = work / "archive"
        self.destination = self.archive / DESTINATION
        self.environment = _environment(globus)

    def run(self) -> None:
        """Show everything. Raises DemoFailed."""
        self._set_up()
        before = _tree(self.source)
        _say(
            "First run. The tool signs in, submits one transfer task to Globus and ends. Globus copies the files. "
            "With -d the tool shows how far the task is; it starts nothing then. "
            "(The links lead to the real Globus, which does not know these tasks.)"
        )
        self._run_tool()
        self._watch()
        removed = {} if self.own else self._change_source()
        after = _tree(self.source)
        if self.own:
            _say("Second run. The demo only reads your directory, so there is nothing new to copy.")
        else:
            _say("Second run. Globus copies only what differs, and deletes nothing at the destination.")
        self._run_tool()
        self._watch()
        self._compare(before if self.own else after, removed)
        _say(
            'Next step: copy your own data. The section "Set it up" in README.md shows how to register an application '
            "with Globus, how to share two collections with it, and how to write your own config.ini."
        )

    def _set_up(self) -> None:
        _say(
            "This demo shows globus_sync_directory, which keeps directories in sync between Globus collections. "
            f"A stand-in for Globus answers at {self.globus.url}. Nothing leaves this computer."
        )
        if not self.own:
            for name, size in _MADE_UP.items():
                _write(self.source / name, size)
        self.archive.mkdir()
        client_id, secret = self.globus.add_client(str(uuid.uuid4()))
        root, path = (self.source, "/") if self.own else (self.source.parent, "/images")
        source = self.globus.add_collection(root, "Microscope", permissions={client_id: "r"})
        archive = self.globus.add_collection(self.archive, "Archive", permissions={client_id: "rw"})
        config = (
            f"[globus]\nclientid = {client_id}\n\n"
            f"[{PAIR}]\nsrc_endpoint = {source.id}\nsrc_path = {path}\n"
            f"dst_endpoint = {archive.id}\ndst_path = /{DESTINATION}\n"
        )
        (self.work / "config.ini").write_text(config, encoding="utf-8")
        secret_file = os.open(self.work / "secret", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(secret_file, "w", encoding="utf-8") as file:
            file.write(secret + "\n")
        _say(f"The tool may read {self.source} and may write to {self.archive}. config.ini makes them a pair:")
        click.echo(textwrap.indent(config, "    "))

    def _change_source(self) -> dict[str, bytes]:
        """Change the source as a day at the microscope does; return what was removed."""
        removed = {_REMOVED: _digest(self.source / _REMOVED)}
        (self.source / _REMOVED).unlink()
        _write(self.source / _CHANGED, _MADE_UP[_CHANGED])
        _write(self.source / _ADDED, 40_000)
        _say(f"Now the source changes: {_CHANGED!r} is different, {_ADDED!r} is new, and {_REMOVED!r} is removed.")
        return removed

    def _run_tool(self, *options: str) -> None:
        command = [*COMMAND, *options]
        _show_command(command)
        status = subprocess.run(command, cwd=self.work, env=self.environment, check=False).returncode  # noqa: S603
        click.echo()
        if status != 0:
            raise DemoFailed(f"that ended with status {status}, not 0")

    def _watch(self) -> None:
        """Run the tool with -d when the task has ended, and before that from time to time."""
        for pause in itertools.chain(_PAUSES, itertools.repeat(_PAUSES[-1])):
            has_ended = self._wait(pause)
            self._run_tool("-d")
            if has_ended:
                return

    def _wait(self, seconds: float) -> bool:
        """Wait so long for the end of all tasks, and return whether they have ended."""
        limit = time.monotonic() + seconds
        while any(task.is_live for task in self.globus.tasks):
            if time.monotonic() > limit:
                return False
            time.sleep(0.1)
        return True

    def _compare(self, expected: dict[str, bytes], removed: dict[str, bytes]) -> None:
        """Say whether everything is as the demo promised. Raises DemoFailed."""
        there = _tree(self.destination)
        problems = [f"{name!r} is not equal to the source" for name in expected if there.get(name) != expected[name]]
        problems += [f"{name!r} is not there any more" for name in removed if there.get(name) != removed[name]]
        if _tree(self.source) != expected:
            problems.append("the source has changed")
        if problems:
            raise DemoFailed("the result is not as promised: " + "; ".join(problems[:5]))
        kept = "".join(f" {name!r}, which was removed at the source, is still there." for name in removed)
        _say(
            f"As promised: every file of the source ({len(expected)}) is at the destination, byte for byte.{kept} "
            "The tool changed nothing at the source."
        )


def _environment(globus: StandIn) -> Mapping[str, str]:
    """Return the environment in which the tool finds the stand-in, and its own package in any directory."""
    environment = os.environ | globus.environment
    for name in ("NO_PROXY", "no_proxy"):  # a proxy would look for 127.0.0.1 on its own host
        environment[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1"]))
    paths = [str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH")]
    return environment | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _width() -> int:
    return shutil.get_terminal_size((80, 24)).columns


def _say(text: str) -> None:
    """Print a paragraph, wrapped at words."""
    click.echo(textwrap.fill(text, _width(), break_long_words=False, break_on_hyphens=False) + "\n")


def _show_command(command: list[str]) -> None:
    """Print a command, wrapped between its arguments so that it can be pasted."""
    lines = ["$"]
    for word in map(shlex.quote, command):
        if len(lines[-1]) > 4 and len(lines[-1]) + len(word) + 3 > _width():
            lines.append("   ")
        lines[-1] += f" {word}"
    click.echo(" \\\n".join(lines))


def _write(file: Path, size: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(secrets.token_bytes(size))


def _tree(root: Path) -> dict[str, bytes]:
    """Return a digest of each readable regular file below ``root``; links are left out, as Globus does."""
    return {
        str(file.relative_to(root)): _digest(file)
        for file in sorted(root.rglob("*"))
        if file.is_file() and not file.is_symlink() and os.access(file, os.R_OK)
    }


def _digest(file: Path) -> bytes:
    with file.open("rb") as contents:
        return hashlib.file_digest(contents, "sha256").digest()
