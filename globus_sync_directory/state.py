"""
The state file: what this tool must remember between runs, and the lock that keeps two runs apart.

It is not a cache: a pending submission (an id that may already have started a task) is known nowhere else.
"""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from globus_sync_directory import lock
from globus_sync_directory.errors import LockHeld, StateError
from globus_sync_directory.installation import is_out_of_memory
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.turn import remove_left_over, turn_to_write

VERSION = 2
_ERRORS_WITHOUT_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOTTY}
_STALE_SECONDS = 3600

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _Header:
    version: int
    client_id: str = ""


@dataclass(frozen=True, kw_only=True)
class _Document:
    version: int
    client_id: str
    pairs: dict[str, PairRecord]


@dataclass(frozen=True, kw_only=True)
class LoadedState:
    """
    The result of reading the state file: the records by fingerprint, or the reason why there are none.

    ``problem`` completes a sentence that begins with the file; it is None if there is no file yet. ``must_be_kept``:
    the file cannot be used, and must be renamed before a new one is written.
    """

    records: Mapping[str, PairRecord] = field(default_factory=dict)
    problem: str | None = None
    must_be_kept: bool = False
    is_missing: bool = False


class StateStore:
    """The records by fingerprint, and the file that holds them; only ``edit`` and ``save`` write."""

    def __init__(self, path: Path, client_id: str) -> None:
        self.path = Path(os.path.realpath(path))  # a link stays a link; two names of one file share one lock
        self.lock_path = Path(f"{self.path}.lock")
        self.records: Mapping[str, PairRecord] = {}
        self._client_id = client_id
        self._has_lock = True

    def load(self) -> LoadedState:
        """Read the file into ``records`` and return the result; a file that cannot be used is a warning."""
        loaded = self.read()
        if loaded.problem:
            log.warning("state file %s %s", self.path, loaded.problem)
        self.records = dict(loaded.records)
        return loaded

    def read(self) -> LoadedState:
        """Return what the file holds now; ``records`` stay as they are."""
        try:
            with open(self.path, "rb", opener=_open_without_waiting) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # a device must not be renamed
                    return LoadedState(problem="is not a regular file")
                data = file.read()
        except FileNotFoundError:
            return LoadedState(is_missing=True)
        except OSError as error:
            if error.errno in (errno.EISDIR, errno.ENXIO):  # a directory, a socket
                return LoadedState(problem="is not a regular file")
            if is_out_of_memory(error):
                raise
            return LoadedState(problem=f"cannot be read: {error.strerror}")
        return decode(data, self._client_id)

    @contextlib.contextmanager
    def edit(self) -> Iterator[dict[str, PairRecord]]:
        """
        Yield the records to be changed; after the block the changes are durably on disk and in ``records``.

        Just before writing, the file is read again and only what this run changed is replaced, field by field: another
        host may have written it in between. If nothing has changed, nothing is written. Raises StateError if the file
        cannot be written; the old file is then intact, and ``records`` are as before.
        """
        edited = dict(self.records)
        yield edited
        before = self.records
        changed = {key: edited.get(key) for key in {**before, **edited} if edited.get(key) != before.get(key)}
        if changed:
            try:
                with turn_to_write(self.path, has_lock=self._has_lock):
                    self._write(changed)
            except OSError as error:
                raise self._unwritable(error) from error
            self.records = edited

    def save(self, records: Mapping[str, PairRecord]) -> None:
        """Replace all records by ``records``, like ``edit``: a record that is missing there is removed."""
        with self.edit() as edited:
            edited.clear()
            edited |= records

    def _write(self, changed: Mapping[str, PairRecord | None]) -> None:
        on_disk = self.read()
        if on_disk.must_be_kept:
            self._set_aside()
        elif on_disk.problem:
            raise StateError(
                f"state file {self.path} {on_disk.problem}; nothing was started. Correct that, or name another file "
                "with --state-file"
            )
        is_usable = not (on_disk.must_be_kept or on_disk.is_missing)
        records = dict(on_disk.records if is_usable else self.records)
        for key, ours in changed.items():
            merged = merge(self.records.get(key), ours, records.get(key))
            if merged is None:
                records.pop(key, None)
            else:
                records[key] = merged
        document = _Document(version=VERSION, client_id=self._client_id, pairs=records)
        _replace_durably(self.path, _encode(document))

    def _set_aside(self) -> None:
        """Rename a file that cannot be used, so that a person can still read it."""
        kept = Path(f"{self.path}.unusable-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
        try:
            self.path.rename(kept)
        except FileNotFoundError:
            return  # somebody else has renamed it already
        log.warning("state file %s was renamed to %s; the list of our tasks at Globus replaces it", self.path, kept)

    @contextlib.contextmanager
    def lock(self, now: datetime) -> Iterator[None]:
        """
        Hold this state file's lock inside the ``with`` block.

        Raises LockHeld, with the holder's name, if another run holds it, and StateError if the lock file cannot be
        created. A file system without locks is a warning: Globus itself still prevents two tasks of one pair.
        """
        try:
            descriptor = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
        except OSError as error:
            raise self._unwritable(error) from error
        try:
            self._take_lock(descriptor, now)
            yield
        finally:
            os.close(descriptor)

    def find_old_holder(self, now: datetime) -> LockHeld | None:
        """Return what is to be said if a run holds this state file's lock for longer than a day; takes no lock."""
        return lock.find_old_holder(self.lock_path, now)

    def _take_lock(self, descriptor: int, now: datetime) -> None:
        if problem := lock.find_problem(descriptor):
            raise StateError(
                f"the lock file {self.lock_path} {problem}; nothing was started. Look at it and remove it, or choose "
                "another state file with --state-file"
            )
        try:
            lock.take(descriptor, now)
        except OSError as error:
            if error.errno not in _ERRORS_WITHOUT_LOCKS:
                raise self._unwritable(error) from error
            self._has_lock = False
            log.warning("no locks on the file system of %s (%s); continuing without", self.lock_path, error.strerror)
        lock.sign(descriptor, now)
        if self._has_lock:
            self._remove_left_over(descriptor)

    def _unwritable(self, error: OSError) -> StateError:
        fix = "Make its directory writable"
        if error.errno == errno.ENOENT:
            fix = "Create its directory"
        elif error.errno in (errno.ENOSPC, errno.EDQUOT):
            fix = "Free some space"
        elif error.errno == errno.ELOOP:
            fix = f"Remove the link {self.lock_path}"
        elif self.lock_path.exists() and not os.access(self.lock_path, os.W_OK):
            fix = f"Run the tool as the owner of {self.lock_path}"
        return StateError(
            f"state file {self.path} cannot be written: {error.strerror or error}; nothing more was started. {fix}, "
            "or choose another file with --state-file"
        )

    def _remove_left_over(self, lock_descriptor: int) -> None:
        """Remove the files of killed runs; only called while the lock is held, just after its file was written."""
        with contextlib.suppress(OSError):
            remove_left_over(self.path)
            os.fsync(lock_descriptor)
            now = os.fstat(lock_descriptor).st_mtime  # by the clock that dates the other files, a file server's perhaps
            for path in self.path.parent.iterdir():
                is_ours = path.name.startswith(f"{self.path.name}.") and path.name.endswith(".tmp")
                if is_ours and now - path.lstat().st_mtime > _STALE_SECONDS:
                    path.unlink()


def decode(data: bytes, client_id: str) -> LoadedState:
    """Return the records in the content of a state file, if that belongs to this client id."""
    if not data.strip():
        return LoadedState(must_be_kept=True, problem="is empty")
    try:
        header = msgspec.json.decode(data, type=_Header)
        if header.version not in (1, VERSION):
            problem = f"was written by another version of this tool (format {header.version}, not {VERSION})"
            return LoadedState(must_be_kept=True, problem=problem)
        if header.client_id != client_id:
            return LoadedState(must_be_kept=True, problem="belongs to another client id")
        if header.version == 1:
            document = msgspec.convert(_from_version_1(msgspec.json.decode(data)), type=_Document)
        else:
            document = msgspec.json.decode(data, type=_Document)
    except (msgspec.MsgspecError, RecursionError, ValueError, TypeError, KeyError, AttributeError) as error:
        return LoadedState(must_be_kept=True, problem=f"is damaged: {error}")
    return LoadedState(records=document.pairs)


def merge(before: PairRecord | None, ours: PairRecord | None, theirs: PairRecord | None) -> PairRecord | None:
    """Return ``theirs``, which is on disk, with what ``ours`` has changed since ``before``; None: removed."""
    if ours is None or theirs is None:
        return ours
    blank = PairRecord(name=theirs.name, first_seen=ours.first_seen)
    old = before or blank
    names = [part.name for part in fields(ours)]
    changes = {name: getattr(ours, name) for name in names if getattr(ours, name) != getattr(old, name)}
    return replace(theirs, **changes)


def _from_version_1(document: dict[str, Any]) -> dict[str, Any]:
    """Return a document of version 1 with the names of version 2."""
    statuses = {"NOT_STARTABLE": "blocked", "REFUSED": "rejected"}
    pairs = {}
    for key, old in document["pairs"].items():
        record = {**old, "pending": old["reservation"], "has_history": True}
        setback = old.get("setback")
        if setback and setback["verdict"] in statuses:
            problem = {"reason": setback["what"], "fix": setback["cure"], "command": setback.get("command", "")}
            status = statuses[setback["verdict"]]
            record["failed_start"] = {"status": status, "problem": problem, "since": setback["since"]}
        mailed = old.get("mailed") or {}
        record["mailed"] = {address: _mailed_from_version_1(known) for address, known in mailed.items()}
        pairs[key] = record
    return {**document, "pairs": pairs}


def _mailed_from_version_1(known: dict[str, Any]) -> dict[str, Any]:
    # The keys of problems have changed, so a problem that persists is mailed once more; its end is mailed as before.
    unsent = [{"headline": headline, "lines": text.splitlines()} for headline, text in known["unsent"]]
    return {"problems": known["troubles"], "well_since": known["well_since"], "unsent": unsent}


def _encode(document: _Document) -> bytes:
    """Return the content of a state file; a lone surrogate, which UTF-8 cannot hold, becomes a question mark."""
    text = json.dumps(msgspec.to_builtins(document), ensure_ascii=False, indent=1, sort_keys=True)
    return text.encode(errors="replace") + b"\n"


def _open_without_waiting(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)  # not for the writer of a pipe


def _replace_durably(path: Path, data: bytes) -> None:
    descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".tmp", dir=path.parent)
    try:
        try:
            written = 0
            while written < len(data):
                written += os.write(descriptor, data[written:])
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        Path(temporary).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync a directory
            raise
    finally:
        os.close(directory)
