"""``demo``: the tool's main job from end to end, against the stand-in, with real files."""

import hashlib
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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from .serve import BadInput, print_exports, until_stopped
from .standin import StandIn

PAIR = "microscope"
DESTINATION = "archive/images"
_FIRST_LOOK, _LONGEST_LOOK = 0.3, 5.0  # seconds between two looks at a running task

_MADE_UP = {
    "2026-11-23/plate 01/well A1.tif": 40_000,
    "2026-11-23/plate 01/well A2.tif": 40_000,
    "2026-11-23/plate 01/notes.txt": 700,
    "2026-11-24/run #7/überblick.tif": 3_000_000,
    "2026-11-24/run #7/log/stage.csv": 2_500,
    "calibration.json": 300,
}
_CHANGED, _ADDED, _REMOVED = "calibration.json", "2026-11-24/run #8/well B1.tif", "2026-11-23/plate 01/notes.txt"


class NotAsPromised(click.ClickException):
    """The tool did something else than it says."""


@click.command(short_help="Show the tool at work, with nothing to set up.")
@click.option("--dir", "directory", type=click.Path(path_type=Path), help="Work in this empty or new directory.")
@click.option("--source", type=click.Path(path_type=Path), help="Copy this directory; it is only read.")
@click.option("--keep", is_flag=True, help="Leave the stand-in running at the end, to play with, until Ctrl-C.")
def demo(directory: Path | None, source: Path | None, keep: bool) -> None:
    """
    Show the tool at work, with nothing to set up: no account, no network.

    Two directories play the collections of a microscope and of an archive. The tool is run as a user would run it, and
    at the end both trees are compared.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was made goes away again
    with _workplace(directory, source, keep) as work, StandIn() as globus:
        _Demo(work, source, globus).run()
        if keep:
            with until_stopped() as stopped:
                click.echo(f"\nThe stand-in keeps running, and everything is in {work}.")
                click.echo("To play with it, paste this into another terminal:\n")
                print_exports(globus)
                click.echo(f"cd {shlex.quote(str(work))}")
                click.echo(shlex.join(_command(work)))
                click.echo("\nCtrl-C stops it.")
                stopped.wait()


@contextmanager
def _workplace(directory: Path | None, source: Path | None, keep: bool) -> Iterator[Path]:
    """Give the directory to work in, never within ``source``; one of our own making goes away again unless kept."""
    if source is not None and not source.is_dir():
        raise BadInput(f"no such directory: {source}")
    place = (directory or Path(tempfile.gettempdir())).resolve()
    if source is not None and place.is_relative_to(source.resolve()):
        raise BadInput(f"{place} is inside {source}, where nothing is to be written; name another place with --dir")
    if directory is None:
        place = Path(tempfile.mkdtemp(prefix="globus-demo-"))
    else:
        try:
            place.mkdir(parents=True, exist_ok=True)
            if any(place.iterdir()):
                raise BadInput(f"{directory} is not empty; the demo wants a directory for itself")
        except OSError as error:
            raise BadInput(f"{directory}: {error.strerror}") from None
    try:
        yield place
    finally:
        if directory is None and not keep:
            shutil.rmtree(place)


class _Demo:
    """One run of the demo in ``work``; ``source`` is the caller's own directory, or None for a made-up one."""

    def __init__(self, work: Path, source: Path | None, globus: StandIn) -> None:
        self.work = work
        self.globus = globus
        self.own = source is not None
        self.source = source.resolve() if source else work / "microscope" / "images"
        self.archive = work / "archive"
        self.destination = self.archive / DESTINATION
        self.environment = os.environ | globus.environment
        for name in ("NO_PROXY", "no_proxy"):  # a proxy would look for 127.0.0.1 on its own host
            self.environment[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1"]))

    def run(self) -> None:
        """Show everything; raises NotAsPromised."""
        self._set_up()
        before = _tree(self.source)
        _say(
            "First run. The tool signs in, hands one transfer task to Globus and exits; Globus moves the data, and "
            "-d tells how that is going and starts nothing. "
            "(The links lead to the real Globus, which knows nothing of these tasks.)"
        )
        self._tool()
        self._watch()
        removed = {} if self.own else self._change()
        after = _tree(self.source)
        if self.own:
            _say("Second run. Your directory is only read, so nothing has changed: there will be nothing to copy.")
        else:
            _say("Second run. Only what differs is copied, and nothing is deleted at the destination.")
        self._tool()
        self._watch()
        self._compare(before if self.own else after, removed)

    def _set_up(self) -> None:
        click.echo("A demo of globus_sync_directory: it keeps directories in step between Globus collections.")
        click.echo(f"Globus itself is played by a stand-in at {self.globus.url}; nothing leaves this computer.")
        if not self.own:
            for name, size in _MADE_UP.items():
                _write(self.source / name, size)
        self.archive.mkdir()
        client_id, secret = self.globus.add_client()
        root, path = (self.source, "/") if self.own else (self.source.parent, "/images")
        source = self.globus.add_collection(root, "Microscope", str(uuid.uuid4()), permissions={client_id: "r"})
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
        _say(f"{self.source} is shared for reading only, {self.archive} for writing. config.ini makes them a pair:")
        click.echo(textwrap.indent(config, "    "), nl=False)

    def _change(self) -> dict[str, bytes]:
        """Change the source as a day at the microscope would; return what was removed."""
        removed = {_REMOVED: _digest(self.source / _REMOVED)}
        (self.source / _REMOVED).unlink()
        _write(self.source / _CHANGED, _MADE_UP[_CHANGED])
        _write(self.source / _ADDED, 40_000)
        _say(f"At the source, {_CHANGED!r} is changed, {_ADDED!r} is new, and {_REMOVED!r} is removed.")
        return removed

    def _tool(self) -> None:
        command = _command(self.work)
        click.echo(f"$ {shlex.join(command)}")
        status = subprocess.run(command, env=self.environment, check=False).returncode  # noqa: S603 - our own command
        if status != 0:
            raise NotAsPromised(f"not as promised: that ended with status {status}")

    def _watch(self) -> None:
        """Run the tool with -d until the task has ended, and show each answer that is new."""
        command = [*_command(self.work), "-d"]
        click.echo(f"$ {shlex.join(command)}")
        pause, last = _FIRST_LOOK, ""
        while True:
            ended = not any(task.is_live for task in self.globus.tasks)
            look = subprocess.run(  # noqa: S603 - our own command
                command, env=self.environment, check=False, capture_output=True, text=True
            )
            if look.stdout != last:
                click.echo(look.stdout, nl=False)
                click.echo(look.stderr, nl=False, err=True)
            if look.returncode != 0:
                raise NotAsPromised(f"not as promised: that ended with status {look.returncode}")
            if ended:
                return
            last = look.stdout
            time.sleep(pause)
            pause = min(pause * 1.5, _LONGEST_LOOK)

    def _compare(self, expected: dict[str, bytes], removed: dict[str, bytes]) -> None:
        """Say in one line whether everything is as promised; raises NotAsPromised."""
        there = _tree(self.destination)
        problems = [f"{name!r} is not equal to the source" for name in expected if there.get(name) != expected[name]]
        problems += [f"{name!r} has not stayed" for name in removed if there.get(name) != removed[name]]
        if _tree(self.source) != expected:
            problems.append("the source was touched")
        if problems:
            raise NotAsPromised("not as promised: " + "; ".join(problems[:5]))
        kept = f"; what was removed at the source, {', '.join(map(repr, removed))}, is still there" if removed else ""
        _say(
            f"As promised: every file of the source ({len(expected)}) is at the destination, byte for byte{kept}; "
            "the source was not touched."
        )


def _command(work: Path) -> list[str]:
    options = {"-c": "config.ini", "-s": "secret", "-t": "state.json"}
    names = [part for option, name in options.items() for part in (option, str(work / name))]
    return [sys.executable, "-m", "globus_sync_directory", *names]


def _say(text: str) -> None:
    click.echo(f"\n{text}")


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
