"""
What the examples in the documents show: each scene is a short story in a world of its own, and returns what its user
sees at the end. Its name, in a document, asks for it.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from world import SUBMIT, TASK_LIST, World

from globus_sync_directory.cli import invoke
from globus_sync_directory.standin import Fault

COLUMNS = 80
HOUR = 3600  # seconds


class _Terminal(io.StringIO):
    """What the tool takes for a terminal."""

    def isatty(self) -> bool:
        return True


@dataclass(frozen=True)
class Stage:
    """The world of a scene, and a directory as its user's home, in which the tool is started without any option."""

    world: World
    home: Path

    def show(self, *arguments: str) -> str:
        """Run the command in the directory of config.ini and return what a terminal shows of it, errors first."""
        out = _Terminal()
        errors = io.StringIO()
        with contextlib.chdir(self.world.root), contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            invoke(arguments)
        is_log = re.compile(r"\d{4}-\d\d-\d\dT")
        complaints = [line for line in errors.getvalue().splitlines(keepends=True) if not is_log.match(line)]
        return "".join(complaints) + out.getvalue()

    def show_later(self, seconds: float, *arguments: str) -> str:
        """Let time pass, and tasks work, and return what ``-d`` shows then."""
        self.world.clock.advance(seconds)
        self.world.globus.wait()
        return self.show("-d", *arguments)


def _two_pairs(stage: Stage) -> World:
    """Make two pairs and let their first night pass."""
    world = stage.world
    world.pair("sequencer")
    for number in range(12):
        (world.root / "source" / "sequencer" / f"run {number}.dat").write_bytes(b"x" * 1_400_000)
    world.sync()
    world.clock.advance(24 * HOUR)
    return world


def night(stage: Stage) -> str:
    world = _two_pairs(stage)
    (world.images / "new.tif").write_bytes(b"x" * 7_500_000)
    return stage.show()


def morning(stage: Stage) -> str:
    night(stage)
    stage.world.globus.wait()
    return stage.show_later(7 * HOUR)


def bad_morning(stage: Stage) -> str:
    world = _two_pairs(stage)
    world.images.rename(world.images.with_name("pictures"))
    world.sync()
    return stage.show_later(7 * HOUR, "-q")


def started(stage: Stage) -> str:
    return stage.show()


def running(stage: Stage) -> str:
    world = stage.world
    world.sync()
    for number in range(20):
        (world.images / f"plate {number}.tif").write_bytes(b"x" * 900_000)
    world.globus.hold(after_files=8)
    world.clock.advance(24 * HOUR)
    world.sync()
    return stage.show_later(2 * HOUR)


def queued(stage: Stage) -> str:
    world = stage.world
    for name in ("a", "b", "c"):
        world.pair(name)
    world.globus.hold()
    world.sync("-p", "a", "-p", "b", "-p", "c")
    world.sync("-p", "microscope")
    world.clock.advance(600)
    return stage.show("-d", "-p", "microscope")


def _failing(stage: Stage, seconds: float) -> str:
    world = stage.world
    world.globus.hold(after_files=1)
    world.sync()
    world.destination.full = True
    world.globus.release()
    world.globus.wait()
    return stage.show_later(seconds)


def running_with_errors(stage: Stage) -> str:
    return _failing(stage, 600)


def stuck(stage: Stage) -> str:
    return _failing(stage, 2 * HOUR)


def paused(stage: Stage) -> str:
    world = stage.world
    world.globus.hold()
    world.sync()
    world.tasks[0].pause("Maintenance until Wednesday noon")
    return stage.show_later(600)


def suspended(stage: Stage) -> str:
    world = stage.world
    world.globus.hold()
    world.sync()
    world.tasks[0].suspend()
    return stage.show_later(600)


def succeeded(stage: Stage) -> str:
    world = stage.world
    world.sync()
    (world.images / "new.tif").write_bytes(b"x" * 7_500_000)
    world.clock.advance(24 * HOUR)
    world.sync()
    return stage.show_later(7 * HOUR)


def too_old(stage: Stage) -> str:
    stage.world.pair("microscope", max_age="36h")
    stage.world.sync()
    return stage.show_later(48 * HOUR)


def succeeded_with_gaps(stage: Stage) -> str:
    stage.world.source.unreadable = {"/images/deep/b b.txt"}
    stage.world.sync()
    return stage.show_later(7 * HOUR)


def source_is_empty(stage: Stage) -> str:
    world = stage.world
    world.sync()
    world.clock.advance(24 * HOUR)
    world.images.rename(world.root / "disk")
    world.images.mkdir()
    world.sync()
    return stage.show_later(7 * HOUR)


def vanished_path(stage: Stage) -> str:
    world = stage.world
    (world.images / "lock.tmp").write_bytes(b"x")
    world.globus.hold(after_files=1)
    world.sync()
    (world.images / "lock.tmp").unlink()
    world.globus.release()
    world.globus.wait()
    return stage.show_later(7 * HOUR)


def stopped_at_its_time_limit(stage: Stage) -> str:
    stage.world.pair("microscope", timelimitmins="300")
    stage.world.globus.hold(after_files=1)
    stage.world.sync()
    return stage.show_later(7 * HOUR)


def ran_out_of_time_without_progress(stage: Stage) -> str:
    stage.world.sync()
    stage.world.pair("microscope", timelimitmins="300")
    stage.world.globus.hold(after_files=1)
    stage.world.sync()
    return stage.show_later(7 * HOUR)


def failed(stage: Stage) -> str:
    world = stage.world
    world.globus.hold()
    world.sync()
    world.globus.fail(world.tasks[0].id, "PERMISSION_DENIED")
    return stage.show_later(7 * HOUR)


def restarted(stage: Stage) -> str:
    failed(stage)
    return stage.show()


def cancelled(stage: Stage) -> str:
    world = stage.world
    world.globus.hold()
    world.sync()
    world.globus.cancel(world.tasks[0].id)
    return stage.show_later(7 * HOUR)


def cancelled_by_an_administrator(stage: Stage) -> str:
    world = stage.world
    world.globus.hold()
    world.sync()
    (task,) = world.tasks
    world.globus.cancel(task.id)
    message = "This fills our archive. Please call Storage, extension 4711."
    by_admin = {"canceled_by_admin": "DESTINATION", "canceled_by_admin_message": message}
    document = world.globus.task_document(task) | by_admin
    world.globus.faults.add(Fault(path=TASK_LIST, nth=2, body={"DATA": [document], "total": 1}))
    return stage.show_later(7 * HOUR)


def waiting_for_room(stage: Stage) -> str:
    code = "ClientError.Conflict.TooManyPendingJobs"
    stage.world.globus.faults.add(Fault(method="POST", path=SUBMIT, status=409, code=code))
    return stage.show()


def waits_too_long(stage: Stage) -> str:
    code = "ClientError.Conflict.TooManyPendingJobs"
    fault = Fault(method="POST", path=SUBMIT, times=None, status=409, code=code)
    stage.world.globus.faults.add(fault)
    stage.show()
    stage.world.clock.advance(49 * HOUR)
    return stage.show()


def waiting_for_the_earlier_task(stage: Stage) -> str:
    world = stage.world
    world.globus.hold()
    world.run()
    (world.root / "source" / "more").mkdir()
    world.pair("microscope", src_path="/more")
    return stage.show()


def never_run(stage: Stage) -> str:
    return stage.show("-d")


def unknown_to_globus(stage: Stage) -> str:
    world = stage.world
    world.sync()
    world.globus.forget(world.tasks[0].id)
    return stage.show_later(100 * 24 * HOUR)


def rejected(stage: Stage) -> str:
    source = stage.world.source
    source.entity_type = "GCP_guest_collection"
    source.online = False
    return stage.show()


def blocked(stage: Stage) -> str:
    world = stage.world
    world.sync()
    world.source.rules[world.client_id, ()] = ""
    world.run()
    return stage.show_later(7 * HOUR)


def start_unconfirmed(stage: Stage) -> str:
    fault = Fault(method="POST", path=SUBMIT, times=None, cut=True, when="after")
    stage.world.globus.faults.add(fault)
    return stage.show()


def not_reached(stage: Stage) -> str:
    stage.world.pair("sequencer")
    message = "Globus is down for maintenance until 14:00 UTC"
    stage.world.globus.faults.add(Fault(path="*", times=None, status=503, message=message))
    return stage.show()


def sign_in_rejected(stage: Stage) -> str:
    (stage.home / ".globus_sync_directory_secret").write_text("another")
    return stage.show()


def would_start(stage: Stage) -> str:
    return stage.show("-n")


def check(stage: Stage) -> str:
    return stage.show("check", "--write-probe")


def failed_check(stage: Stage) -> str:
    stage.world.destination.rules[stage.world.client_id, ()] = ""
    return stage.show("check")


def broken_config(stage: Stage) -> str:
    config = stage.world.config.read_text(encoding="utf-8")
    stage.world.config.write_text(config + "sync_leval = mtime\ntimelimitmins = 5h\n", encoding="utf-8")
    return stage.show()


def usage(stage: Stage) -> str:
    return stage.show("--help")


_SCENES: tuple[Callable[[Stage], str], ...] = (
    night,
    morning,
    bad_morning,
    started,
    running,
    queued,
    running_with_errors,
    stuck,
    paused,
    suspended,
    succeeded,
    too_old,
    vanished_path,
    source_is_empty,
    succeeded_with_gaps,
    stopped_at_its_time_limit,
    ran_out_of_time_without_progress,
    failed,
    restarted,
    cancelled,
    cancelled_by_an_administrator,
    waiting_for_room,
    waits_too_long,
    waiting_for_the_earlier_task,
    never_run,
    unknown_to_globus,
    rejected,
    blocked,
    start_unconfirmed,
    not_reached,
    sign_in_rejected,
    would_start,
    check,
    failed_check,
    broken_config,
    usage,
)
SCENES: Mapping[str, Callable[[Stage], str]] = {scene.__name__: scene for scene in _SCENES}
