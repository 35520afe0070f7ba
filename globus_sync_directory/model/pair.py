"""A pair of directories, and the label by which its Globus tasks are recognised."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from functools import cached_property

LABEL_LENGTH = 128  # Source: Globus Transfer API, task_submit, "label".
_OURS = re.compile(r"(?:^|(?P<name>.*) )sync-(?P<fingerprint>[0-9a-f]{16})-(?P<nonce>[0-9a-f]{8})$")
# Usual paths of data on clusters and desktops; without /data and similar names, which collections have too.
_LOCAL_PATH = re.compile(r"/(nesi|home|mnt|media|Users|Volumes|gpfs|lustre|scale_[a-z0-9_]+)/.")


class SyncLevel(IntEnum):
    """When a file that exists on both sides is copied again; the numbers are those of the Transfer API."""

    EXISTS = 0
    SIZE = 1
    MTIME = 2
    CHECKSUM = 3


@dataclass(frozen=True, kw_only=True)
class Directory:
    """A directory on a collection, in normal form: lower-case UUID, absolute path without trailing slash."""

    collection: str
    path: str

    @property
    def path_with_slash(self) -> str:
        """The path as Globus wants it for a directory."""
        return self.path if self.path == "/" else self.path + "/"

    def contains(self, other: Directory) -> bool:
        """Return whether ``other`` is this directory or lies inside it."""
        if self.collection != other.collection:
            return False
        return self.path in ("/", other.path) or other.path.startswith(self.path + "/")

    def overlaps(self, other: Directory) -> bool:
        """Return whether one of the two directories contains the other."""
        return self.contains(other) or other.contains(self)

    @property
    def loosely(self) -> Directory:
        """
        This directory in a form in which names of one place are equal, whatever the storage ignores of them.

        Storage may ignore upper and lower case or the form of Unicode text, and ``/~/`` is often the top of a
        collection. For comparisons only: two places may have the same form.
        """
        path = self.path.removeprefix("/~") if f"{self.path}/".startswith("/~/") else self.path
        path = unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())
        return Directory(collection=self.collection, path=path or "/")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One source directory and the one destination it is copied to: at most one live transfer task at a time."""

    name: str  # the section's name in config.ini
    source: Directory
    destination: Directory
    sync_level: SyncLevel = SyncLevel.CHECKSUM
    time_limit: timedelta | None = None
    max_age: timedelta | None = None
    exclude: tuple[str, ...] = ()  # patterns for names; a trailing slash means directories only
    email: tuple[str, ...] = ()
    allow_empty: bool = False  # whether a source that has lost all its files is as it should be

    @cached_property
    def fingerprint(self) -> str:
        """
        The 16 hex digits that identify tasks and records of this pair, even if its name changes.

        SHA-256 over source collection, source path, destination collection and destination path in normal
        form, one on each line. It must never change: another formula would orphan every live task.
        """
        four = (self.source.collection, self.source.path, self.destination.collection, self.destination.path)
        return hashlib.sha256("\n".join(four).encode()).hexdigest()[:16]


def task_label(name: str, fingerprint: str, submission_id: str) -> str:
    """
    Return the label of the task that ``submission_id`` (a UUID) starts, at most 128 characters.

    Letters, digits, space, ``-`` and ``_`` of the name are kept, anything else becomes ``_``: tasks cannot be
    searched for by a label with other characters.
    """
    tail = f"sync-{fingerprint}-{submission_id.lower()[:8]}"
    plain = name_for_label(name)
    return f"{plain} {tail}" if plain else tail


def name_for_label(name: str) -> str:
    """Return a pair's name as it is written in a label."""
    longest = LABEL_LENGTH - len(" sync-0123456789abcdef-01234567")
    return re.sub(r"[^A-Za-z0-9 _-]", "_", name)[:longest].strip()


def fingerprint_in(label: str | None) -> str | None:
    """Return the fingerprint in a task's label, or None if this tool did not write the label."""
    match = _OURS.match(label or "")
    return match["fingerprint"] if match else None


def name_in(label: str | None) -> str:
    """Return the pair's name in a task's label; empty if this tool did not write the label."""
    match = _OURS.match(label or "")
    return (match["name"] or "") if match else ""


def looks_like_local_path(path: str) -> bool:
    """Return whether a path looks like one of a computer's file system, rather than one of a Globus collection."""
    return _LOCAL_PATH.match(path) is not None
