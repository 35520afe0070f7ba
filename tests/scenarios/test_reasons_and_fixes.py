"""Which side and which path a reason is about, and a fix that fits."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tiers import also_slow
from world import World

from globus_sync_directory.standin import Collection
from globus_sync_directory.standin.engine.errors import TransferError
from globus_sync_directory.standin.storage import StorageError, path_not_allowed, split_path

pytestmark = pytest.mark.promise(7, "reasons and fixes that fit the side and the path")

# How Globus may tell an error: details as text or JSON, and each spelling of line ends.
FORMS = [
    "text recorded", *also_slow("json recorded", "text percent", "text crlf", "json escaped", "json crlf")
]  # fmt: skip


@pytest.fixture(params=FORMS)
def told(world: World, request: pytest.FixtureRequest) -> World:
    """The world in which Globus tells errors in one of these forms."""
    tell(world, *request.param.split())
    return world


def tell(world: World, form: Any, line_ends: Any) -> None:
    """Let Globus tell errors in this form."""
    world.globus.behaviour = replace(world.globus.behaviour, error_details=form, line_ends=line_ends)


def denied(collection: Collection, path: str, operation: Any, cause: StorageError | None = None) -> TransferError:
    """Return the error about a path: without a cause, the collection does not open it to us."""
    cause = cause or path_not_allowed()
    return TransferError(cause.code, collection, split_path(path), operation, cause)


def test_error_about_a_file_at_the_source(told: World) -> None:
    """An error about one file names that file and its side, and does not ask for write permission at the source."""
    told.globus.hold()
    told.run()
    error = denied(told.source, "/images/deep/secret.txt", "read", StorageError("PERMISSION_DENIED"))
    told.tasks[0].suspend("PERMISSION_DENIED", error)
    told.clock.advance(3700)
    report = told.run("-d")
    assert (report.status, report.statuses) == (1, {"microscope": "suspended"})
    assert "refuses access to source '/images/deep/secret.txt'" in report.stdout
    assert "permission rw" not in report.stdout


def test_error_within_one_collection(told: World) -> None:
    """Where source and destination are on one collection, the path shows which side an error is about."""
    told.source.rules[told.client_id, ()] = "rw"
    told.pair("microscope", dst_endpoint=told.source.id, dst_path="/copy")
    told.globus.hold()
    told.run()
    task = told.tasks[0]
    with task.changed:
        task.error = task.add_event("PERMISSION_DENIED", denied(told.source, "/copy", "mkdir"), is_error=True)
    told.clock.advance(2 * 3600)
    report = told.run("-d").stdout
    assert "permission denied for destination '/copy' on collection" in report
    assert "permission rw" in report


def test_gap_names_the_collection_and_the_fix(told: World) -> None:
    """A path that was skipped is reported with its collection, without asking for write permission at the source."""
    told.source.rules[told.client_id, split_path("/images/deep")] = ""
    told.sync()
    report = told.run("-d").stdout
    assert f"permission denied for source '/images/deep' on collection 'Microscope PC' ({told.source.id})" in report
    assert "or leave it out with exclude" in report
    assert "permission rw" not in report


def test_file_in_the_place_of_a_directory(told: World) -> None:
    """Where a file has the name of a directory, the report names that file and no key of the config."""
    told.archive.mkdir(parents=True)
    (told.archive / "deep").write_text("a file")
    told.sync()
    told.clock.advance(2 * 3600)
    told.globus.wait()
    report = told.run("-d").stdout
    assert "'/archive/images/deep' on collection 'Archive'" in report
    assert "src_path" not in report
    assert "dst_path" not in report
    assert "Fatal FTP" not in report


def test_full_disk(told: World) -> None:
    """A quota that is used up is told as such, about the destination."""
    told.destination.full = True
    told.sync()
    told.clock.advance(2 * 3600)
    told.globus.wait()
    report = told.run("-d").stdout
    assert "quota" in report
    assert "destination '/archive/images" in report
    assert "Fatal FTP" not in report


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


def remove_source(world: World) -> None:
    shutil.rmtree(world.images)


def forbid_directory(world: World) -> None:
    world.source.rules[world.client_id, split_path("/images/deep")] = ""


def forbid_file(world: World) -> None:
    world.source.unreadable.add("/images/a.txt")


def forbid_destination(world: World) -> None:
    world.destination.rules[world.client_id, ()] = "r"


def put_file_in_the_way(world: World) -> None:
    world.archive.mkdir(parents=True)
    (world.archive / "deep").write_text("a file")


def put_directory_in_the_way(world: World) -> None:
    (world.archive / "a.txt" / "inside").mkdir(parents=True)


def fill_destination(world: World) -> None:
    world.destination.full = True


def change_file_always(world: World) -> None:
    world.source.changing_files = 1000


def take_offline(world: World) -> None:
    world.destination.online = False


def remove_account(world: World) -> None:
    world.destination.login_failure = "LOGIN_DENIED"


def break_server(world: World) -> None:
    world.destination.login_failure = "ENDPOINT_ERROR"


HAPPENINGS = [
    remove_source, forbid_directory, forbid_file, forbid_destination, put_file_in_the_way, put_directory_in_the_way,
    fill_destination, change_file_always, take_offline, remove_account, break_server,
]  # fmt: skip


@pytest.mark.parametrize("happen", HAPPENINGS, ids=lambda happen: happen.__name__)
def test_same_words_in_every_form(world: World, happen: Callable[[World], None]) -> None:
    """Details as text or JSON, with any spelling of line ends: the report says the same, without the servers' frame."""
    world.globus.hold()
    world.run()
    happen(world)
    world.globus.release()
    world.globus.wait()
    world.clock.advance(2 * 3600)
    world.globus.wait()
    reports = set()
    for form in ("text", "json"):
        for line_ends in ("recorded", "escaped", "percent", "crlf"):
            tell(world, form, line_ends)
            reports.add(world.run("-d").stdout)
    (report,) = reports
    assert "why:" in report
    for word in ("Fatal FTP", "GlobusError", "GridFTP", "%0D", "\\r", "Command failed", '{"'):
        assert word not in report
