"""Starts that fail: something at one end of the pair blocks them, or Globus rejects them or has no room."""

from __future__ import annotations

from pathlib import Path

import pytest
from world import NOBODY, SUBMIT, World, no_room

from globus_sync_directory import state
from globus_sync_directory.standin import Fault

pytestmark = pytest.mark.promise(7, "starts that fail")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"src_path": "/missing"}, "there is no source directory '/missing' on collection"),
        ({"src_path": "/images/a.txt"}, "is not a directory"),
        ({"src_endpoint": NOBODY}, "Globus does not know the source collection"),
        ({"dst_endpoint": NOBODY}, "Globus does not know the destination collection"),
    ],
)
def test_blocked(world: World, change: dict[str, str], words: str) -> None:
    """A problem that waiting cannot fix blocks the start: status 1, the reason, and the key to correct."""
    world.pair("microscope", **change)
    report = world.run("-q")
    assert (report.status, report.statuses) == (1, {"microscope": "blocked"})
    assert words in report.stdout
    assert f"correct [microscope] {next(iter(change))}" in report.stdout
    assert world.tasks == []


def test_blocked_without_permission(world: World) -> None:
    """Without permission the fix says with whom to share the guest collection, and how."""
    world.source.rules.clear()
    report = world.run("-q")
    assert (report.status, report.statuses) == (1, {"microscope": "blocked"})
    assert "permission denied for source '/images'" in report.stdout
    assert f"share it with {world.client_id}@clients.auth.globus.org, permission r" in report.stdout


def test_blocked_by_a_deleted_collection(world: World) -> None:
    """A deleted collection blocks the start."""
    world.destination.deleted = True
    report = world.run("-q")
    assert (report.status, report.statuses) == (1, {"microscope": "blocked"})
    assert "the destination collection" in report.stdout
    assert "has been deleted" in report.stdout


def test_blocked_by_a_file_at_the_destination(world: World) -> None:
    """A file in the place of the destination directory blocks the start."""
    world.archive.parent.mkdir(parents=True)
    world.archive.write_text("a file")
    report = world.run("-q")
    assert (report.status, report.statuses) == (1, {"microscope": "blocked"})
    assert "destination '/archive/images' on collection" in report.stdout


def test_both_ends_wrong(world: World) -> None:
    """Where both ends block the start, the report names both."""
    world.pair("microscope", src_path="/nope")
    world.destination.rules.clear()
    report = world.run().stdout
    assert world.source.id in report
    assert world.destination.id in report


def test_offline_source_does_not_block(world: World) -> None:
    """A collection that is offline is a note with Globus' own words and the fix; Globus waits for the collection."""
    world.source.online = False
    report = world.run()
    assert (report.status, report.statuses) == (0, {"microscope": "started"})
    (note,) = [line for line in report.stdout.splitlines() if "note:" in line]
    assert f"the source collection {world.source.id} cannot be reached" in note
    assert "(fix: wait; if this persists, ask the collection's administrator)" in note


def test_rejected_because_a_personal_endpoint_is_offline(world: World) -> None:
    """Globus accepts no task for a personal endpoint that is offline: rejected, with what to switch on."""
    world.source.entity_type = "GCP_guest_collection"
    world.source.online = False
    outcome = world.run()
    assert outcome.status == 1
    assert outcome.stdout.startswith("microscope: rejected")
    assert "is not connected" in outcome.stdout
    assert "start Globus Connect Personal on that computer" in outcome.stdout
    assert world.state()["microscope"]["pending"] is None


def test_rejected(world: World) -> None:
    """A submission that Globus rejects is status 1 with the reason, and is not pending any more."""
    world.globus.faults.add(Fault(method="POST", path=SUBMIT, status=403, code="PermissionDenied", message="no role"))
    outcome = world.run()
    assert outcome.status == 1
    assert outcome.stdout.startswith("microscope: rejected")
    assert "why:  permission denied for" in outcome.stdout
    assert world.state()["microscope"]["pending"] is None


def test_rejected_because_of_a_foreign_task_with_the_same_paths(world: World) -> None:
    """Our own task of a moment ago does not explain a 409 if it has ended: another task has these paths."""
    world.sync()
    world.globus.hold()
    world.run("-t", str(world.root / "other.json"))
    world.tasks[-1].label = "by hand"
    report = world.run()
    assert (report.status, report.statuses) == (1, {"microscope": "rejected"})
    assert "another task with the same paths is running, and this tool did not start it" in report.stdout


def test_failed_start_is_reported_until_one_succeeds(world: World) -> None:
    """In the morning -d reports that the start at night failed, and since when, until a task is started again."""
    world.sync()
    world.source.rules.clear()
    world.run()
    began = world.state()["microscope"]["failed_start"]["since"]
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "blocked"})
    assert "permission denied for source '/images'" in report.stdout
    assert "last success: " in report.stdout
    world.clock.advance(24 * 3600 + 30)
    world.run()
    assert world.state()["microscope"]["failed_start"]["since"] == began
    assert "(1 d ago)" in world.run("-d").stdout
    world.source.rules[world.client_id, ()] = "r"
    world.sync()
    report = world.run("-d")
    assert (report.status, report.statuses) == (0, {"microscope": "succeeded"})


def test_waiting_for_room(world: World) -> None:
    """-d reports that Globus has no room for a pair, and since when."""
    world.globus.faults.add(no_room(times=1))
    assert "waiting for room" in world.run().stdout
    world.clock.advance(7230)
    report = world.run("-d")
    assert (report.status, report.statuses) == (0, {"microscope": "waiting for room"})
    assert "(2 h ago)" in report.stdout


@pytest.mark.promise(7, "blocked after there was no room")
def test_blocked_after_waiting_for_room(world: World) -> None:
    """A pair that found no room, and then no source directory, is blocked, and -d says so."""
    world.globus.faults.add(no_room(times=1))
    assert world.run().statuses == {"microscope": "waiting for room"}
    world.images.rename(world.images.with_name("gone"))
    assert world.run().status == 1
    assert world.run("-d").statuses == {"microscope": "blocked"}


def test_no_room_costs_one_submission(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Globus has no room, one pair is submitted in vain, and the state file is not written once per pair."""
    for number in range(8):
        world.pair(f"p{number}")
    world.globus.faults.add(no_room())
    world.run()
    world.forget_requests()
    writes: list[Path] = []
    replace_durably = state._replace_durably

    def count(path: Path, data: bytes) -> None:
        writes.append(path)
        replace_durably(path, data)

    monkeypatch.setattr(state, "_replace_durably", count)
    assert world.run().stdout.count("waiting for room, since") == 9
    assert world.asked().count(f"POST {SUBMIT}") == 1
    assert len(writes) <= 4
