"""
The state file: what this tool must remember between runs, and the lock that keeps two runs apart.

It is not a cache: an open reservation (a submission id that may already have started a task) is known nowhere else.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import logging
import os
import socket
import stat
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import LockHeld, StateError
from globus_sync_directory.model.pair import Directory

VERSION = 1
_NO_LOCKS_HERE = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL, errno.ENOTTY}
_STALE_SECONDS = 3600
_PATIENCE = 10  # seconds; writing the state takes milliseconds

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PendingSubmission:
    """A submission id that was, or was about to be, sent with this document; no answer is on record."""

    submission_id: str
    document: Mapping[str, Any]
    reserved_at: datetime


@dataclass(frozen=True, kw_only=True)
class FailedStart:
    """Why the last attempt to start a pair came to nothing; gone once a task is started."""

    verdict: str
    reason: str
    fix: str
    since: datetime  # of the first attempt in a row that ended like this
    command: str = ""


@dataclass(frozen=True, kw_only=True)
class LastTask:
    """The newest task known for a pair; kept after its end so that ``-d`` can be asked twice."""

    task_id: str
    submitted_at: datetime
    deadline: datetime | None = None  # the one this tool sent


@dataclass(frozen=True, kw_only=True)
class Success:
    """The last task of a pair that ended with nothing missing."""

    task_id: str
    ended_at: datetime
    files: int
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Mailed:
    """What one address was told of a pair: the troubles since it was last well, and the task that made it so."""

    troubles: tuple[str, ...] = ()  # names of verdicts, each with its cure, and TOO_OLD
    well_since: str | None = None  # a task id: what the same task says again is no news
    unsent: tuple[tuple[str, str], ...] = ()  # what the mail server did not take: headline and text of each


@dataclass(frozen=True, kw_only=True)
class PairRecord:
    """All that is remembered of one pair; times are aware UTC."""

    name: str
    first_seen: datetime
    source: Directory | None = None  # unknown for a task found by its label alone; likewise the destination
    destination: Directory | None = None
    reservation: PendingSubmission | None = None
    task: LastTask | None = None
    success: Success | None = None
    setback: FailedStart | None = None
    waiting_since: datetime | None = None  # when Globus first had no room for a task of this pair
    mailed: Mapping[str, Mailed] = field(default_factory=dict)  # by address


@dataclass(frozen=True, kw_only=True)
class LoadedState:
    """What a look at the state file gave: the memories by fingerprint, and why there are none if it was of no use."""

    memories: Mapping[str, PairRecord] = field(default_factory=dict)
    usable: bool = True
    trouble: str | None = None  # one sentence; None also for a file that is simply not there yet
    to_set_aside: bool = False  # the file is there and must be kept under another name before a new one is written


class StateFile:
    """One state file on disk. Times inside are ISO 8601 in UTC."""

    def __init__(self, path: Path, client_id: str) -> None:
        self.path = Path(os.path.realpath(path))  # a link stays a link; two names of one file share one lock
        self._client_id = client_id
        self._locked = True
        self.lock_path = Path(f"{self.path}.lock")

    def read(self) -> LoadedState:
        """Return what is remembered; a file that cannot be read or understood gives an empty, unusable Recall."""
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):  # to open a pipe would wait, to rename a device do harm
                return LoadedState(usable=False, trouble="is not a regular file")
            data = self.path.read_bytes()
        except FileNotFoundError:
            return LoadedState(usable=False)
        except OSError as error:
            return LoadedState(usable=False, trouble=f"cannot be read: {error.strerror}")
        try:
            document = json.loads(data)
            if not isinstance(document, dict) or not isinstance(document.get("version"), int):
                raise ValueError
        except (ValueError, RecursionError):
            trouble = "is damaged" if data.strip() else "is empty"
            return LoadedState(usable=False, to_set_aside=True, trouble=trouble)
        if document["version"] != VERSION:
            return LoadedState(
                usable=False,
                to_set_aside=True,
                trouble=f"was written by another version of this tool (format {document['version']}, not {VERSION})",
            )
        if document.get("client_id") != self._client_id:
            return LoadedState(usable=False, to_set_aside=True, trouble="belongs to another client id")
        try:
            memories = {str(key): _memory_from_json(value) for key, value in document["pairs"].items()}
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            return LoadedState(usable=False, to_set_aside=True, trouble="is damaged")
        return LoadedState(memories=memories)

    def set_aside(self, now: datetime) -> Path | None:
        """
        Rename a file that could not be understood, so that nothing of it is lost; None if it has gone meanwhile.

        Raises StateError where that is not possible.
        """
        stamp = now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
        for number in range(1000):
            kept = Path(f"{self.path}.unusable-{stamp}" + (f"-{number}" if number else ""))
            if kept.exists():
                continue
            try:
                self.path.rename(kept)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise self._unwritable(error) from error
            return kept
        raise StateError(f"state file {sanitize(self.path)}: a thousand unusable ones lie beside it; move them away")

    def update(
        self,
        changes: Mapping[str, PairRecord | None],
        additions: Mapping[str, PairRecord] | None = None,
        otherwise: Mapping[str, PairRecord] | None = None,
        mailed: Mapping[str, Mapping[str, Mailed]] | None = None,
    ) -> None:
        """
        Durably write ``changes`` (fingerprint -> memory, None to forget) into the file as it is on disk now.

        ``mailed`` replaces that one field of pairs that are there, and leaves the rest as another run may have it.

        Pairs that are not named, and ``additions`` that are there already, keep what another run may have written
        meanwhile; a file that is of no use by now is made anew from ``otherwise``. After return the new contents
        survive a power cut. Raises StateError if anything fails; the file is then whole, old or new.
        """
        with contextlib.nullcontext() if self._locked else self._turn_to_write():
            self._update(changes, additions or {}, otherwise or {}, mailed or {})

    def _update(
        self,
        changes: Mapping[str, PairRecord | None],
        additions: Mapping[str, PairRecord],
        otherwise: Mapping[str, PairRecord],
        mailed: Mapping[str, Mapping[str, Mailed]],
    ) -> None:
        on_disk = self.read()
        if on_disk.to_set_aside:  # somebody else's, or damaged, since this run began
            self.set_aside(datetime.now(UTC))
        memories = dict(on_disk.memories if on_disk.usable else otherwise)
        for fingerprint, addition in additions.items():
            memories.setdefault(fingerprint, addition)
        for fingerprint, memory in changes.items():
            if memory is None:
                memories.pop(fingerprint, None)
            else:
                memories[fingerprint] = memory
        for fingerprint, told in mailed.items():
            if fingerprint in memories:
                memories[fingerprint] = replace(memories[fingerprint], mailed=told)
        document = {
            "version": VERSION,
            "client_id": self._client_id,
            "pairs": {fingerprint: asdict(memory) for fingerprint, memory in sorted(memories.items())},
        }
        text = json.dumps(document, indent=1, default=_time_to_json) + "\n"
        try:
            _replace_durably(self.path, text.encode())
        except OSError as error:
            raise self._unwritable(error) from error

    @contextlib.contextmanager
    def lock(self, now: datetime) -> Iterator[None]:
        """
        Hold this state file's lock inside the ``with`` block.

        Raises LockHeld, naming the holder, when another run has it, and StateError when the lock file cannot be
        made. A file system without locks is a warning: Globus' own rules keep the promise there.
        """
        try:
            descriptor = os.open(self.lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise self._unwritable(error, more="") from error
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockHeld(f"another run holds the lock: {_holder(descriptor)}; this run starts nothing") from None
            except OSError as error:
                if error.errno not in _NO_LOCKS_HERE:
                    raise self._unwritable(error, more="") from error
                self._locked = False
                log.warning("no locks on the file system of %s (%s); going on without", self.lock_path, error.strerror)
            else:
                self._remove_stale_temporaries()
            with contextlib.suppress(OSError):  # the contents only tell others who holds it
                since = now.astimezone().isoformat(timespec="seconds")
                holder = f"{socket.gethostname()} pid {os.getpid()} since {since}\n".encode()
                os.pwrite(descriptor, holder, 0)  # before it is cut, or a reader could find it empty
                os.ftruncate(descriptor, len(holder))
            yield
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        """Keep two runs that share no lock from reading and writing at once: who makes the file has the turn."""
        turn = Path(f"{self.path}.writing")
        for _ in range(_PATIENCE * 20):
            try:
                os.close(os.open(turn, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
                break
            except FileExistsError:
                with contextlib.suppress(FileNotFoundError):
                    if time.time() - turn.stat().st_mtime > _PATIENCE:  # left behind by a run that was killed
                        turn.unlink()
                time.sleep(0.05)
            except OSError as error:
                raise self._unwritable(error) from error
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                turn.unlink()

    def _unwritable(self, error: OSError, more: str = " more") -> StateError:
        missing = error.errno == errno.ENOENT
        cure = "Make its directory" if missing else "Make its directory writable (and not full)"
        if error.errno == errno.ELOOP:
            cure = f"Remove the link {sanitize(self.lock_path)}"
        return StateError(
            f"state file {sanitize(self.path)} cannot be written: {error.strerror or error}; nothing{more} was started. "
            f"{cure}, or name another file with --state-file"
        )

    def _remove_stale_temporaries(self) -> None:
        """Remove what killed runs left behind; only called while the lock is held."""
        with contextlib.suppress(OSError):
            for left in self.path.parent.iterdir():
                ours = left.name.startswith(f"{self.path.name}.") and left.name.endswith(".tmp")
                if ours and time.time() - left.lstat().st_mtime > _STALE_SECONDS:
                    left.unlink()


def _replace_durably(path: Path, data: bytes) -> None:
    temporary = Path(f"{path}.{sanitize(socket.gethostname())}.{os.getpid()}.tmp")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
        try:
            os.fchmod(descriptor, 0o600)
            written = 0
            while written < len(data):
                written += os.write(descriptor, data[written:])
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems cannot sync a directory
            raise
    finally:
        os.close(directory)


def _holder(descriptor: int) -> str:
    """Return who holds the lock, as written in its file; who has just taken it is given a moment to write."""
    for _ in range(20):
        holder = sanitize(os.pread(descriptor, 300, 0).decode(errors="replace"))
        if holder:
            return holder
        time.sleep(0.025)
    return "its holder left no name"


def _memory_from_json(value: Any) -> PairRecord:
    reservation, task, success = value["reservation"], value["task"], value["success"]
    setback = value.get("setback")
    return PairRecord(
        name=_text(value["name"]),
        first_seen=_time(value["first_seen"]),
        source=_place(value["source"]),
        destination=_place(value["destination"]),
        reservation=None
        if reservation is None
        else PendingSubmission(
            submission_id=_uuid(reservation["submission_id"]),
            document=dict(reservation["document"]),
            reserved_at=_time(reservation["reserved_at"]),
        ),
        task=None
        if task is None
        else LastTask(
            task_id=_uuid(task["task_id"]),
            submitted_at=_time(task["submitted_at"]),
            deadline=_optional_time(task["deadline"]),
        ),
        success=None
        if success is None
        else Success(
            task_id=_uuid(success["task_id"]),
            ended_at=_time(success["ended_at"]),
            files=int(success["files"]),
            bytes=int(success["bytes"]),
        ),
        setback=None
        if setback is None
        else FailedStart(
            verdict=_text(setback["verdict"]),
            reason=_text(setback["reason"]),
            fix=_text(setback["fix"]),
            command=_text(setback.get("command", "")),
            since=_time(setback["since"]),
        ),
        waiting_since=_optional_time(value.get("waiting_since")),
        mailed={_text(address): _mailed(told) for address, told in (value.get("mailed") or {}).items()},
    )


def _mailed(value: Any) -> Mailed:
    well_since = value["well_since"]
    return Mailed(
        troubles=tuple(_text(trouble) for trouble in value["troubles"]),
        well_since=None if well_since is None else _text(well_since),
        unsent=tuple((_text(headline), _text(text)) for headline, text in value["unsent"]),
    )


def _place(value: Any) -> Directory | None:
    return Directory(collection=_text(value["collection"]), path=_text(value["path"])) if value is not None else None


def _time_to_json(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def _optional_time(value: Any) -> datetime | None:
    return None if value is None else _time(value)


def _time(value: Any) -> datetime:
    moment = datetime.fromisoformat(_text(value))
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment


def _uuid(value: Any) -> str:
    return str(UUID(_text(value)))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value
