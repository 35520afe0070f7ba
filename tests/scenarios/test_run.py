"""The promises of a run, each tried on real files through real HTTP."""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from world import NOBODY, SUBMIT, World, tree

from globus_sync_directory.model.pair import task_label


def snapshot(root: Path) -> dict[str, tuple[bytes, int, int]]:
    """Contents, mode and modification time of everything below ``root``."""
    return {
        str(path.relative_to(root)): (
            path.read_bytes() if path.is_file() else b"",
            path.stat().st_mode,
            path.stat().st_mtime_ns,
        )
        for path in sorted(root.rglob("*"))
    }


def test_first_run_copies_everything(world: World) -> None:
    """A first run starts one task and says so; the destination then equals the source, times included."""
    outcome = world.sync()
    assert outcome.status == 0
    assert outcome.stdout.startswith("microscope: started")
    assert len(world.tasks) == 1
    assert tree(world.archive) == tree(world.images)
    assert (world.archive / "a.txt").stat().st_mtime_ns == (world.images / "a.txt").stat().st_mtime_ns
    assert f"https://app.globus.org/activity/{world.tasks[0].id}" in outcome.stdout


@pytest.mark.promise(1, "runs, -d and -n with read permission only")
def test_source_is_never_written(world: World) -> None:
    """Promise 1: read permission is enough, and no file, time or mode at the source changes in any kind of run."""
    before = snapshot(world.root / "source")
    for arguments in ((), ("-d",), ("-n",), ()):
        world.sync(*arguments)
    assert snapshot(world.root / "source") == before
    assert all(task.submission.source == world.source.id for task in world.tasks)


@pytest.mark.promise(2, "files changed, added and removed at the source")
@pytest.mark.promise(3, "files changed, added and removed at the source")
def test_nothing_is_deleted_and_only_what_differs_is_copied(world: World) -> None:
    """Promises 2 and 3: an idle second run copies nothing; then what is changed or new arrives, the rest stays."""
    world.sync()
    world.sync()
    assert world.tasks[1].files_transferred == 0
    (world.images / "a.txt").write_bytes(b"FIRST")  # the same size, and an older time
    os.utime(world.images / "a.txt", (1, 1))
    (world.images / "new.txt").write_bytes(b"new")
    (world.images / "deep" / "b b.txt").unlink()
    world.sync()
    assert world.tasks[2].files_transferred == 2
    assert tree(world.archive) == {"a.txt": b"FIRST", "new.txt": b"new", "deep/b b.txt": b"second"}


@pytest.mark.promise(3, "the document that Globus gets")
def test_the_document(world: World) -> None:
    """What Globus is asked for: checksums, verification, times, skipped errors, no mail, no deletion."""
    pair = world.pair("microscope", exclude="*.tmp, scratch/")
    world.sync()
    (request,) = [request for request in world.globus.requests if request.path == SUBMIT]
    body = dict(request.body)
    submission_id = body.pop("submission_id")
    assert body == {
        "DATA_TYPE": "transfer",
        "source_endpoint": world.source.id,
        "destination_endpoint": world.destination.id,
        "label": task_label("microscope", pair.fingerprint, submission_id),
        "sync_level": 3,
        "verify_checksum": True,
        "preserve_timestamp": True,
        "skip_source_errors": True,
        "notify_on_succeeded": False,
        "notify_on_failed": False,
        "notify_on_inactive": False,
        "store_base_path_info": True,
        "filter_rules": [
            {"DATA_TYPE": "filter_rule", "method": "exclude", "name": "*.tmp"},
            {"DATA_TYPE": "filter_rule", "method": "exclude", "name": "scratch", "type": "dir"},
        ],
        "DATA": [
            {
                "DATA_TYPE": "transfer_item",
                "source_path": "/images/",
                "destination_path": "/archive/images/",
                "recursive": True,
            }
        ],
    }


def test_excluded_names_stay_behind(world: World) -> None:
    """Patterns leave out files and directories by name; with a slash at the end, directories only."""
    world.pair("microscope", exclude="*.tmp, scratch/, deep")
    (world.images / "x.tmp").write_bytes(b"x")
    (world.images / "scratch").mkdir()
    (world.images / "scratch" / "y").write_bytes(b"y")
    (world.images / "more").mkdir()
    (world.images / "more" / "scratch").write_bytes(b"a file of that name")
    world.sync()
    assert tree(world.archive) == {"a.txt": b"first", "more/scratch": b"a file of that name"}


@pytest.mark.promise(3, "each sync level")
@pytest.mark.parametrize(("level", "copied"), [("exists", 0), ("size", 0), ("mtime", 0), ("checksum", 1)])
def test_sync_level_of_the_pair(world: World, level: str, copied: int) -> None:
    """A pair's own sync level is used once its last task is known to have succeeded."""
    world.pair("microscope", sync_level=level)
    world.sync()
    (world.images / "a.txt").write_bytes(b"FIRST")
    os.utime(world.images / "a.txt", (1, 1))
    world.sync()
    assert world.tasks[1].files_transferred == copied


@pytest.mark.promise(3, "a damaged copy left by a failed task")
def test_after_a_failure_files_are_compared_by_checksum(world: World) -> None:
    """A weaker sync level would keep what a broken task left: after anything but a success it is checksum."""
    world.pair("microscope", sync_level="exists")
    world.globus.hold()
    world.run()
    world.globus.fail(world.tasks[0].id, "ENDPOINT_ERROR")
    world.globus.release()
    world.archive.mkdir(parents=True)
    (world.archive / "a.txt").write_bytes(b"damaged")
    outcome = world.sync()
    assert "previous task: failed" in outcome.stdout
    assert world.tasks[1].submission.sync_level == 3
    assert tree(world.archive) == tree(world.images)


@pytest.mark.promise(5, "-d before and after runs, every file watched")
def test_status_changes_nothing(world: World) -> None:
    """Promise 5: -d and -n, however often, send no POST and leave every file as it was, with no lock file."""
    world.sync()
    for path in world.root.glob("*.lock"):
        path.unlink()
    before = snapshot(world.root)
    world.forget_requests()
    answers = [world.run("-d") for _ in range(3)]
    assert {answer.stdout for answer in answers} == {answers[0].stdout}
    assert answers[0].stdout.startswith("microscope: succeeded")
    world.run("-n")
    assert [line for line in world.asked() if not line.startswith("GET ")] == ["POST /v2/oauth2/token"] * 4
    assert snapshot(world.root) == before


@pytest.mark.promise(5, "-d before and after runs, every file watched")
def test_status_before_the_first_run(world: World) -> None:
    """-d before the first run reports never run, with status 0, and makes no file."""
    names = sorted(path.name for path in world.root.iterdir())
    outcome = world.run("-d")
    assert (outcome.status, outcome.stdout.strip()) == (0, "microscope: never run")
    assert sorted(path.name for path in world.root.iterdir()) == names


def test_dry_run_shows_document_and_reason(world: World) -> None:
    """-n says which pairs would start and why, with -v also what would be submitted; it submits nothing."""
    brief, long = world.run("-n"), world.run("-n", "-v")
    for outcome in (brief, long):
        assert outcome.status == 0
        assert outcome.statuses == {"microscope": "would start"}
        assert "no earlier task of it is known" in outcome.stdout
    assert '"source_endpoint": "' + world.source.id in long.stdout
    assert "source_endpoint" not in brief.stdout
    assert world.tasks == []


@pytest.mark.promise(6, "missing paths, unknown collections, no permission")
def test_one_pair_never_stops_another(world: World) -> None:
    """Promise 6: each pair with a problem of its own is reported; the pair without one is copied all the same."""
    world.pair("nowhere", src_path="/not/there")
    world.pair("unknown", src_endpoint=NOBODY)
    world.pair("forbidden", dst_endpoint=world.source.id, dst_path="/copies")
    (world.root / "source" / "file").write_text("x")
    world.pair("no directory", src_path="/file", dst_path="/archive/file")
    outcome = world.sync()
    assert outcome.status == 1
    assert outcome.statuses == {
        "microscope": "started",
        "nowhere": "blocked",
        "unknown": "blocked",
        "forbidden": "started",
        "no directory": "blocked",
    }
    assert tree(world.archive) == tree(world.images)


@pytest.mark.promise(8, "a time limit cuts the task")
def test_time_limit(world: World) -> None:
    """Promise 8: a task cut by its time limit is status 0, and the next run copies only what had not arrived."""
    for number in range(6):
        (world.images / f"{number}.bin").write_bytes(bytes([number]) * 1000)
    world.pair("microscope", timelimitmins="60")
    world.globus.hold(after_files=4)
    world.run()
    world.globus.wait()
    first = world.tasks[0]
    assert abs(first.deadline - world.clock.now() - timedelta(minutes=60)) < timedelta(minutes=1)
    world.clock.advance(3601)
    world.globus.wait()
    world.globus.release()
    look = world.run("-d")
    assert look.status == 0
    assert look.stdout.startswith("microscope: stopped at its time limit")
    world.sync()
    assert (first.files_transferred, world.tasks[1].files_transferred) == (4, 4)
    assert tree(world.archive) == tree(world.images)


def test_deadline_counts_on_globus_clock(world: World) -> None:
    """The deadline is counted on Globus' clock; a host clock that is off is a warning."""
    world.pair("microscope", timelimitmins="60")
    world.host_is_behind = timedelta(hours=2)
    outcome = world.run()
    assert "this host's clock is 2 h behind Globus'" in outcome.stderr
    assert abs(world.tasks[0].deadline - world.clock.now() - timedelta(minutes=60)) < timedelta(minutes=1)


def test_only_the_pairs_named(world: World) -> None:
    """-p runs the named pairs only; a name that no pair has is a usage error with a suggestion."""
    world.pair("other")
    outcome = world.run("-p", "other")
    assert (outcome.status, outcome.stdout.splitlines()[0].split(",")[0]) == (0, "other: started")
    assert len(world.tasks) == 1
    wrong = world.run("-p", "microscpoe")
    assert wrong.status == 2
    assert "did you mean 'microscope'?" in wrong.stderr


def test_max_age(world: World) -> None:
    """A last success older than max_age is status 3, and is known without Globus; a fresh one is not."""
    world.pair("microscope", max_age="36h")
    world.sync()
    world.run("-d")
    world.globus.hold()
    world.clock.advance(35 * 3600)
    assert world.run().status == 0
    world.clock.advance(2 * 3600)
    old = world.run("-d")
    assert old.status == 3
    assert "TOO OLD" in old.stdout


def test_max_age_of_a_pair_that_never_succeeded(world: World) -> None:
    """Without a success the age counts from when the state file first saw the pair."""
    world.pair("microscope", max_age="36h")
    world.source.rules.clear()
    world.run()
    world.clock.advance(35 * 3600)
    assert "TOO OLD" not in world.run("-d").stdout
    world.clock.advance(2 * 3600)
    report = world.run("-d").stdout
    assert "TOO OLD" in report
    assert "too old: no success is known since" in report


def test_times_in_reports_are_local(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are shown in this host's zone, which is named."""
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    assert re.search(r"microscope: started, .* NZ[SD]T", world.process().stdout)
