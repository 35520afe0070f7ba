"""``check``: what it says of the clock and of the state file."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from globus_sync_directory.commands.check import _failed_sign_in, check_clock, check_state
from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.globus.clock import GlobusClock
from globus_sync_directory.model.answer import Failure, Rejected, Unavailable
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.report import CheckResult
from globus_sync_directory.state import StateStore

CLIENT = "3f2a0c52-0000-4000-8000-0000000000aa"
NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
ALIKE = "this host's clock differs from Globus' by"
COUNTED = "Globus'; times are counted on Globus' clock"
NOT_BELIEVED = "this host's clock; that is not believed, and times are counted on this host's clock"


@pytest.mark.parametrize(
    ("offset", "result", "sentence"),
    [
        (timedelta(0), CheckResult.OK, f"{ALIKE} 0 s"),
        (timedelta(seconds=2.6), CheckResult.OK, f"{ALIKE} 3 s"),
        (timedelta(minutes=5), CheckResult.OK, f"{ALIKE} 300 s"),
        (timedelta(minutes=-5), CheckResult.OK, f"{ALIKE} 300 s"),
        (timedelta(minutes=6), CheckResult.NOTE, f"this host's clock is 6 min behind {COUNTED}"),
        (timedelta(minutes=-6), CheckResult.NOTE, f"this host's clock is 6 min ahead of {COUNTED}"),
        (timedelta(days=-268), CheckResult.NOTE, f"the date in Globus' reply is 268 d behind {NOT_BELIEVED}"),
    ],
)
def test_check_clock(offset: timedelta, result: CheckResult, sentence: str) -> None:
    """Five minutes are fine; more is worth a note, with a fix."""
    found = check_clock(GlobusClock(offset))
    assert (found.result, found.sentence) == (result, sentence)
    assert bool(found.fix) == (result is CheckResult.NOTE)


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    """Return a store whose file does not exist yet."""
    return StateStore(tmp_path / "state.json", CLIENT)


def write(store: StateStore, count: int) -> None:
    """Remember so many pairs."""
    with store.edit() as records:
        records |= {f"{number}": PairRecord(name="x", first_seen=NOW) for number in range(count)}


def said(store: StateStore) -> tuple[CheckResult, str, str]:
    """Return what is said of the state file, without its name, and the fix."""
    found = check_state(store)
    start = f"state file {store.path}"
    assert found.sentence.startswith(start)
    return found.result, found.sentence.removeprefix(start), found.fix


def test_a_missing_state_file(store: StateStore) -> None:
    """The first run makes it, check does not."""
    assert said(store) == (CheckResult.OK, ": does not exist yet; the first run creates it", "")
    assert not store.path.exists()


@pytest.mark.parametrize(("count", "shown"), [(1, "1 pair"), (2, "2 pairs")])
def test_a_usable_state_file(store: StateStore, count: int, shown: str) -> None:
    """How many pairs are remembered."""
    write(store, count)
    assert said(store) == (CheckResult.OK, f": {shown} remembered", "")


def test_a_damaged_state_file(store: StateStore) -> None:
    """Nothing is lost: the next run replaces it, so it is no failure."""
    store.path.write_text("{")
    result, sentence, fix = said(store)
    assert result is CheckResult.NOTE
    assert sentence.startswith(" is damaged: ")
    assert fix == "the next run renames it, and asks Globus for our tasks"
    assert store.path.read_text() == "{"


def test_a_state_file_that_is_none(store: StateStore) -> None:
    """A run could not use it either."""
    store.path.mkdir()
    fix = "make it readable, or choose another file with --state-file"
    assert said(store) == (CheckResult.FAIL, " is not a regular file", fix)


@pytest.mark.parametrize(
    ("exists", "name"), [(True, "state.json"), (True, "state.json.lock"), (False, "state.json.lock")]
)
def test_a_file_of_another_user(store: StateStore, monkeypatch: pytest.MonkeyPatch, exists: bool, name: str) -> None:
    """The state file or its lock. As root every file can be written, so the answer is made here."""
    if exists:
        write(store, 1)
    taken = store.path.with_name(name)
    taken.touch()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != taken)
    fix = "if that file belongs to another user, choose another state file with --state-file"
    assert said(store) == (CheckResult.FAIL, f" cannot be written: this user may not write {taken}", fix)


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("missing", [os.W_OK, os.X_OK])
def test_a_directory_of_another_user(
    store: StateStore, monkeypatch: pytest.MonkeyPatch, exists: bool, missing: int
) -> None:
    """A state file is replaced, which needs a directory that can be written."""
    if exists:
        write(store, 1)
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != store.path.parent or not mode & missing)
    fix = "make its directory writable, or choose another file with --state-file"
    assert said(store) == (CheckResult.FAIL, " cannot be written", fix)


def test_a_full_disk(store: StateStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run could start nothing."""
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_bavail=0))
    fix = "free some space, or choose another file with --state-file"
    assert said(store) == (CheckResult.FAIL, ": its disk is full", fix)


@pytest.mark.parametrize(
    ("failure", "sentence", "fix", "exit_status"),
    [
        (Unavailable(reason="wrong secret", fix="compare", is_sign_in=True), "wrong secret", "compare", 4),
        (Unavailable(reason="no network", fix="x"), "no network", "check again later", 75),
        (Rejected(http_status=400, code="x", message="odd"), "odd", "check again later", 75),
    ],
)
def test_no_sign_in(failure: Failure, sentence: str, fix: str, exit_status: int) -> None:
    """A secret that is rejected needs somebody; a network that is down passes."""
    found = _failed_sign_in(failure)
    assert (found.result, found.sentence, found.fix) == (CheckResult.FAIL, sentence, fix)
    assert found.exit_status is ExitStatus(exit_status)
