"""Which side and which path a reason is about, and a fix that fits."""

from __future__ import annotations

import pytest
from world import World

from globus_sync_directory.standin.storage import split_path

pytestmark = pytest.mark.promise(7, "reasons and fixes that fit the side and the path")


def test_error_about_a_file_at_the_source(world: World) -> None:
    """An error about one file names that file and its side, and does not ask for write permission at the source."""
    world.globus.hold()
    world.run()
    details = f"Error (transfer)\nEndpoint: x ({world.source.id})\nFile: /images/deep/secret.txt\nMessage: no\n"
    world.tasks[0].suspend("PERMISSION_DENIED", details)
    world.clock.advance(3700)
    report = world.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "suspended"})
    assert "permission denied for source '/images/deep/secret.txt'" in report.stdout
    assert "permission rw" not in report.stdout


def test_error_within_one_collection(world: World) -> None:
    """Where source and destination are on one collection, the path shows which side an error is about."""
    world.source.rules[world.client_id, ()] = "rw"
    world.pair("microscope", dst_endpoint=world.source.id, dst_path="/copy")
    world.globus.hold()
    world.run()
    task = world.tasks[0]
    with task.changed:
        details = f"Error (transfer)\nEndpoint: x ({world.source.id})\nFile: /copy/\nMessage: x\n---\n"
        task.error = task.add_event("PERMISSION_DENIED", details, is_error=True)
    world.clock.advance(2 * 3600)
    report = world.run("-d").stdout
    assert "permission denied for destination '/copy' on collection" in report
    assert "permission rw" in report


def test_gap_names_the_collection_and_the_fix(world: World) -> None:
    """A path that was skipped is reported with its collection, without asking for write permission at the source."""
    world.source.rules[world.client_id, split_path("/images/deep")] = ""
    world.sync()
    report = world.run("-d").stdout
    assert f"permission denied for source '/images/deep' on collection 'Microscope PC' ({world.source.id})" in report
    assert "or leave it out with exclude" in report
    assert "permission rw" not in report


def test_missing_file_on_an_unknown_side(world: World) -> None:
    """Where Globus does not say which side a failure is about, the report blames neither."""
    world.globus.hold()
    world.run()
    world.globus.fail(world.tasks[0].id, "FILE_NOT_FOUND")
    report = world.run("-d")
    assert report.statuses == {"microscope": "failed"}
    assert "a file or directory is missing" in report.stdout
    assert "src_path" not in report.stdout
    assert "dst_path" not in report.stdout


def test_path_in_a_command_is_quoted(world: World) -> None:
    """The command that belongs to a fix can be pasted: the shell sees the path as it is, with both blanks."""
    world.pair("microscope", src_path="/it's  here")
    (world.root / "source" / "it's  here").mkdir()
    world.source.rules.clear()
    assert f"--permissions r '{world.source.id}:/it'\"'\"'s  here/'" in world.run().stdout


@pytest.mark.promise(2, "swapped ends")
def test_swapped_ends(world: World) -> None:
    """Where the destination may not be written, the fix first asks whether the ends are swapped."""
    world.archive.mkdir(parents=True)
    other = {"src": "dst", "dst": "src"}
    pair = world.pairs["microscope"]
    world.pairs["microscope"] = {other[key[:3]] + key[3:]: value for key, value in pair.items()}
    world.write_config()
    outcome = world.run("check", "--write-probe")
    assert outcome.status == 1
    assert "fix:  if your data come from here, src_ and dst_ are swapped: exchange them and grant" in outcome.stdout
