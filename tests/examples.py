"""
What the report says for each verdict, from real runs on the stand-in: ``python tests/examples.py`` puts it into README.

Ids and host names are replaced, so that the same runs give the same text; nothing else is touched.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

from globus_sync_directory.output.text import wrapped
from world import SUBMIT, World, make_world

from globus_sync_directory.globus import transport
from globus_sync_directory.standin import Fault

ROOT = Path(__file__).resolve().parent.parent
UNFOLD = "Every other verdict, as the tool tells it"
BEGIN, END = "<!-- made by tests/examples.py -->\n", "<!-- end -->\n"
NOW = datetime(2026, 11, 23, 11, 0, 20, tzinfo=UTC)
HOUR, COLUMNS = 3600, 110


def recover_pending(world: World, seconds: float) -> str:
    """Let time pass, and return what a look says then."""
    world.clock.advance(seconds)
    world.globus.wait()
    return world.run("-d").stdout


def started(world: World) -> str:
    return world.run().stdout


def running(world: World) -> str:
    world.sync()
    for number in range(20):
        (world.images / f"plate {number}.tif").write_bytes(b"x" * 900_000)
    world.globus.hold(after_files=8)
    world.clock.advance(24 * HOUR)
    world.sync()
    return recover_pending(world, 2 * HOUR)


def queued(world: World) -> str:
    for name in ("a", "b", "c"):
        world.pair(name)
    world.globus.hold()
    world.sync("-p", "a", "-p", "b", "-p", "c")
    world.sync("-p", "microscope")
    world.clock.advance(600)
    return world.run("-d", "-p", "microscope").stdout


def failing(world: World, seconds: float) -> str:
    world.globus.hold(after_files=1)
    world.sync()
    world.destination.full = True
    world.globus.release()
    world.globus.wait()
    return recover_pending(world, seconds)


def running_with_errors(world: World) -> str:
    return failing(world, 600)


def stuck(world: World) -> str:
    return failing(world, 2 * HOUR)


def paused(world: World) -> str:
    world.globus.hold()
    world.sync()
    world.tasks[0].pause("Maintenance until Wednesday noon")
    return recover_pending(world, 600)


def suspended(world: World) -> str:
    world.globus.hold()
    world.sync()
    world.tasks[0].suspend()
    return recover_pending(world, 600)


def succeeded(world: World) -> str:
    world.sync()
    (world.images / "new.tif").write_bytes(b"x" * 7_500_000)
    world.clock.advance(24 * HOUR)
    world.sync()
    return recover_pending(world, 7 * HOUR)


def too_old(world: World) -> str:
    world.pair("microscope", max_age="36h")
    world.sync()
    return recover_pending(world, 48 * HOUR)


def succeeded_with_gaps(world: World) -> str:
    world.source.unreadable = {"/images/deep/b b.txt"}
    world.sync()
    return recover_pending(world, 7 * HOUR)


def stopped_at_its_time_limit(world: World) -> str:
    world.pair("microscope", timelimitmins="300")
    world.globus.hold(after_files=1)
    world.sync()
    return recover_pending(world, 7 * HOUR)


def ran_out_of_time(world: World) -> str:
    world.sync()
    world.pair("microscope", timelimitmins="300")
    world.globus.hold(after_files=1)
    world.sync()
    return recover_pending(world, 7 * HOUR)


def failed(world: World) -> str:
    world.globus.hold()
    world.sync()
    world.globus.fail(world.tasks[0].id, "PERMISSION_DENIED")
    return recover_pending(world, 7 * HOUR)


def restarted(world: World) -> str:
    failed(world)
    return world.run().stdout


def cancelled(world: World) -> str:
    world.globus.hold()
    world.sync()
    world.globus.cancel(world.tasks[0].id)
    return recover_pending(world, 7 * HOUR)


def waiting_for_room(world: World) -> str:
    code = "ClientError.Conflict.TooManyPendingJobs"
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, status=409, code=code))
    return world.run().stdout


def waiting_for_the_earlier_task(world: World) -> str:
    world.globus.hold()
    world.run()
    (world.root / "source" / "more").mkdir()
    world.pair("microscope", src_path="/more")
    return world.run().stdout


def never_run(world: World) -> str:
    return world.run("-d").stdout


def unknown_to_globus(world: World) -> str:
    world.sync()
    world.globus.forget(world.tasks[0].id)
    return recover_pending(world, 100 * 24 * HOUR)


def refused(world: World) -> str:
    world.source.entity_type = "GCP_guest_collection"
    world.source.online = False
    return world.run().stdout


def not_startable(world: World) -> str:
    world.sync()
    world.source.rules[world.client_id, ()] = ""
    world.run()
    return recover_pending(world, 7 * HOUR)


def start_unconfirmed(world: World) -> str:
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, times=None, cut=True, when="after"))
    return world.run().stdout


def not_reached(world: World) -> str:
    world.pair("sequencer")
    world.globus.faults.add(Fault(path="*", times=None, status=503))
    return world.run().stdout


def sign_in_refused(world: World) -> str:
    world.secret_file.write_text("another")
    return world.run().stdout


def would_start(world: World) -> str:
    return world.run("-n").stdout.partition("    document (")[0]


Scenes = tuple[Callable[[World], str], ...]
FIRST: Scenes = (succeeded, running, not_startable)  # these the reader sees, the rest once it is unfolded
REST: Scenes = (
    started,
    queued,
    too_old,
    running_with_errors,
    stuck,
    paused,
    suspended,
    succeeded_with_gaps,
    stopped_at_its_time_limit,
    ran_out_of_time,
    failed,
    restarted,
    cancelled,
    refused,
    waiting_for_room,
    waiting_for_the_earlier_task,
    never_run,
    unknown_to_globus,
    start_unconfirmed,
    not_reached,
    sign_in_refused,
    would_start,
)


def made() -> str:
    """Return the part of the README, as the tool speaks now."""
    with _new_zealand():
        folded = f"<details>\n<summary>{UNFOLD}</summary>\n\n{_block(REST)}\n</details>\n"
        return f"{BEGIN}\n{_block(FIRST)}\n{folded}\n{END}"


def _block(scenes: Scenes) -> str:
    texts = []
    for scene in scenes:
        with tempfile.TemporaryDirectory() as place, make_world(Path(place), NOW) as world, _environment(world):
            text = scene(world)
            world.globus.release()
        texts.append("\n".join(_as_on_a_terminal(_with_fixed_ids(text))) + "\n")
    return "```text\n" + "\n".join(texts) + "```\n"


def _as_on_a_terminal(text: str) -> Iterator[str]:
    for line in text.splitlines():
        is_one_piece = line.startswith(("    run: ", "    task: "))
        yield from wrapped(line, None if is_one_piece else COLUMNS, "        " if line.startswith(" ") else "    ")


def _with_fixed_ids(text: str) -> str:
    known: dict[str, str] = {}

    def fixed(match: re.Match[str]) -> str:
        return known.setdefault(match[0], str(uuid.uuid5(uuid.NAMESPACE_URL, f"example {len(known)}")))

    return re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", fixed, text)


@contextlib.contextmanager
def _environment(world: World) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(world.globus.environment)
    pause, transport.LONGEST_PAUSE_SECONDS = transport.LONGEST_PAUSE_SECONDS, 0
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        transport.LONGEST_PAUSE_SECONDS = pause


@contextlib.contextmanager
def _new_zealand() -> Iterator[None]:
    before = os.environ.get("TZ")
    os.environ["TZ"] = "Pacific/Auckland"
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = readme.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    readme.write_text(head + made() + rest.partition(END)[2], encoding="utf-8")
