"""The world of the tests: two collections with real directories, a running stand-in, a config and a secret file."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

from reliability_table import note_request_over_http

from globus_sync_directory.cli import invoke
from globus_sync_directory.config.load import load_settings
from globus_sync_directory.globus import clock as clocks
from globus_sync_directory.model.pair import Pair, fingerprint_in
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.standin import Behaviour, Collection, Fault, ManualClock, StandIn, Task

TASK_LIST = "/v0.10/task_list"
SUBMIT = "/v0.10/transfer"
CLONE = Path(__file__).resolve().parent.parent
usual_behaviour = Behaviour()  # conftest.py replaces it
NOBODY = "00000000-1111-4222-8333-444444444444"

_STATUSES = "|".join(re.escape(status.words) for status in PairStatus)
_FIRST_LINE = re.compile(rf"^(\S.*?): ({_STATUSES})(?=[,;]|$)", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What one run of the command gave."""

    status: int
    stdout: str
    stderr: str

    @property
    def statuses(self) -> dict[str, str]:
        """The status of each pair in a report without table, by the pair's name."""
        return dict(_FIRST_LINE.findall(self.stdout))


@dataclass
class World:
    """
    Everything a run touches; ``pairs`` are the sections of config.ini, which every change writes.

    ``clock`` is Globus' clock. This host's clock shows the same, but for ``host_is_behind``, in this process and in
    those of a zygote; a process of its own has the computer's clock.
    """

    globus: StandIn
    clock: ManualClock
    root: Path
    client_id: str
    secret: str
    source: Collection
    destination: Collection
    pairs: dict[str, dict[str, str]] = field(default_factory=dict)
    head: str = ""
    host_is_behind: timedelta = timedelta(0)

    def host_now(self) -> datetime:
        """The time on this host's clock."""
        return self.clock.now() - self.host_is_behind

    @property
    def config(self) -> Path:
        return self.root / "config.ini"

    @property
    def secret_file(self) -> Path:
        return self.root / "secret"

    @property
    def state_file(self) -> Path:
        return self.root / "config.state.json"

    @property
    def images(self) -> Path:
        """The source directory of the pair that is there from the start."""
        return self.root / "source" / "images"

    @property
    def archive(self) -> Path:
        """The destination directory of the pair that is there from the start."""
        return self.root / "destination" / "archive" / "images"

    def pair(self, name: str, **keys: str) -> Pair:
        """Add or change a pair; without paths it copies ``/NAME`` to ``/archive/NAME``, and the source is made."""
        section = {
            "src_endpoint": self.source.id,
            "src_path": f"/{name}",
            "dst_endpoint": self.destination.id,
            "dst_path": f"/archive/{name}",
        }
        self.pairs[name] = {**self.pairs.get(name, section), **keys}
        self.write_config()
        if self.pairs[name]["src_path"] == f"/{name}":
            (self.root / "source" / name).mkdir(exist_ok=True)
        return self.named(name)

    def named(self, name: str) -> Pair:
        return next(pair for pair in load_settings(self.config, self.secret_file).pairs if pair.name == name)

    def write_config(self, head: str | None = None) -> None:
        self.head = self.head if head is None else head
        sections = "".join(
            f"[{name}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
            for name, keys in self.pairs.items()
        )
        self.config.write_text(f"[globus]\nclientid = {self.client_id}\n{self.head}\n{sections}", encoding="utf-8")

    @property
    def bare_environment(self) -> dict[str, str]:
        """The environment of an ordinary user, without PYTHONUNBUFFERED and the like; it leads to the stand-in."""
        return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **self.globus.environment}

    def command(self, *arguments: str) -> list[str]:
        return ["-c", str(self.config), "-s", str(self.secret_file), *arguments]

    def run(self, *arguments: str) -> Outcome:
        """Run the command line in this process, against the stand-in over HTTP."""
        stdout, stderr = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            status = invoke(self.command(*arguments))
        return self._without_secret(Outcome(status, stdout.getvalue(), stderr.getvalue()))

    def _without_secret(self, outcome: Outcome) -> Outcome:
        """Check promise 9 for whatever a run printed."""
        assert self.secret not in outcome.stdout + outcome.stderr
        assert "Bearer" not in outcome.stdout + outcome.stderr
        return outcome

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start the command line as a process of its own."""
        settings: dict[str, Any] = {
            "text": True,
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        }
        command = [sys.executable, "-m", "globus_sync_directory", *self.command(*arguments)]
        return subprocess.Popen(command, **(settings | options))

    def process(self, *arguments: str, **options: Any) -> Outcome:
        """Run the command line as a process of its own, to its end."""
        with self.start(*arguments, **options) as process:
            stdout, stderr = process.communicate(timeout=60)
        return self._without_secret(Outcome(process.returncode, stdout or "", stderr or ""))

    def sync(self, *arguments: str) -> Outcome:
        """Run the command and wait until every task has ended, or makes no progress."""
        outcome = self.run(*arguments)
        self.globus.wait()
        return outcome

    @property
    def tasks(self) -> list[Task]:
        return self.globus.tasks

    @property
    def live(self) -> list[Task]:
        return [task for task in self.globus.tasks if task.is_live]

    def asked(self) -> list[str]:
        """The requests since the last ``forget_requests``, as ``METHOD path``."""
        return [f"{request.method} {request.path}" for request in self.globus.requests]

    def forget_requests(self) -> None:
        if self.globus.requests:
            note_request_over_http()
        self.globus.requests.clear()

    def reset(self) -> None:
        """Return to the start: no task, no state, nothing at the destination."""
        self.globus.release()
        for task in self.live:
            self.globus.cancel(task.id)
        self.globus.wait()
        for task in self.tasks:
            self.globus.forget(task.id)
        for path in self.root.glob("config.state.json*"):
            path.unlink()
        shutil.rmtree(self.root / "destination")
        (self.root / "destination").mkdir()
        self.forget_requests()

    def state(self) -> dict[str, Any]:
        """The state file's entries by the pair's name."""
        document = json.loads(self.state_file.read_text(encoding="utf-8"))
        return {entry["name"]: entry for entry in document["pairs"].values()}


@dataclass
class Zygote:
    """Starts runs as processes that may kill themselves; see ``zygote.py``."""

    process: subprocess.Popen[str]

    def run(self, world: World, *arguments: str, **order: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        order |= {"arguments": world.command(*arguments), "environment": world.globus.environment}
        order["host_now"] = world.host_now().isoformat()
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        assert world.secret not in answer["stdout"] + answer["stderr"]
        return answer


def no_room(times: int | None = None) -> Fault:
    """Globus rejects submissions, so many or all: this application has too many pending tasks."""
    code = "ClientError.Conflict.TooManyPendingJobs"
    return Fault(method="POST", path=SUBMIT, status=409, code=code, times=times)


@contextlib.contextmanager
def make_zygote() -> Iterator[Zygote]:
    """Start the process that the runs are forked from."""
    command = [sys.executable, str(Path(__file__).parent / "scenarios" / "zygote.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Zygote(process)
        assert process.stdin is not None
        process.stdin.close()


def read_terminal(descriptor: int) -> str:
    """Everything that is written to a pseudo-terminal until its other end is closed; closes this end."""
    written = b""
    while True:
        try:
            chunk = os.read(descriptor, 4096)
        except OSError:
            break
        if not chunk:
            break
        written += chunk
    os.close(descriptor)
    return written.decode()


def tree(root: Path) -> dict[str, bytes]:
    """Every file below ``root`` with its contents."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def assert_in_order(world: World) -> None:
    """Check promise 4: no pair has two live tasks, and every live task is the one its pair's entry remembers."""
    live = [fingerprint_in(task.label) for task in world.live]
    assert len(live) == len(set(live))
    document = json.loads(world.state_file.read_text(encoding="utf-8"))
    remembered = {entry["task"]["task_id"] for entry in document["pairs"].values() if entry["task"]}
    assert {task.id for task in world.live} <= remembered
    assert [entry["name"] for entry in document["pairs"].values() if entry["pending"]] == []
    assert set(live) == {pair.fingerprint for pair in load_settings(world.config, world.secret_file).pairs}


@contextlib.contextmanager
def make_world(tmp_path: Path, now: datetime | None = None) -> Iterator[World]:
    """
    Make the world in an empty directory; at the end, no unknown route was asked for and no secret written.

    The service behaves as ``pytest --behaviour`` says.
    """
    images = tmp_path / "source" / "images"
    (images / "deep").mkdir(parents=True)
    (images / "a.txt").write_bytes(b"first")
    (images / "deep" / "b b.txt").write_bytes(b"second")
    (tmp_path / "destination").mkdir()
    clock = ManualClock((now or datetime.now(UTC)).replace(microsecond=0))
    with StandIn(clock, usual_behaviour) as globus:
        client_id, secret = globus.add_client()
        source = globus.add_collection(tmp_path / "source", name="Microscope PC", permissions={client_id: "r"})
        destination = globus.add_collection(tmp_path / "destination", name="Archive", permissions={client_id: "rw"})
        world = World(globus, clock, tmp_path, client_id, secret, source, destination)
        world.secret_file.write_text(secret + "\n")
        world.secret_file.chmod(0o600)
        world.pair("microscope", src_path="/images", dst_path="/archive/images")
        with mock.patch.object(clocks, "datetime", SimpleNamespace(now=lambda _: world.host_now())):
            yield world
        world.forget_requests()
    assert globus.unknown_routes == []
    for path in tmp_path.rglob("*"):
        with contextlib.suppress(PermissionError):  # a file of the test's own that nobody can read
            if path.is_file() and (contents := path.read_bytes()).strip() != secret.encode():  # no secret file
                assert secret.encode() not in contents
