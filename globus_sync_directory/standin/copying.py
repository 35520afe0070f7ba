"""One attempt at a transfer: walks the source, decides by sync level and filter rules, copies and verifies files."""

import hashlib
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Protocol

from .storage import (
    Collection,
    Parts,
    StorageError,
    join_path,
    located,
    open_below,
    open_directory,
    open_file,
    storage_errors,
    to_text,
)
from .submissions import CHECKSUMS, FilterRule, Item, Submission

BLOCK = 1 << 20
_LARGE = 4 * BLOCK  # from here on both sides are read for their checksums at the same time
_SENDS = 3  # how often a file is sent in one attempt when it comes out wrong
_SKIPPABLE = frozenset({"FILE_NOT_FOUND", "PERMISSION_DENIED", "AMBIGUOUS_PATH"})  # Source: task_behavior
_SPACE = frozenset({"QUOTA_EXCEEDED", "NO_SPACE_LEFT"})
_TEMPORARY = re.compile(rb"\.standin-[0-9a-f]{16}\.part")


class Trouble(Exception):
    """One failed step. ``wide``: no use going on now; ``hopeless``: no use trying again, ever."""

    def __init__(
        self, code: str, side: Collection, path: str, message: str = "", *, at_source: bool = False, wide: bool = False,
        hopeless: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(message or code.replace("_", " ").lower())
        self.code = code
        self.side = side
        self.path = path
        self.at_source = at_source
        self.wide = wide
        self.hopeless = hopeless


@dataclass(frozen=True)
class Success:
    """A file that was copied, by the names of the API's "successful_transfer"."""

    source_path: str
    destination_path: str
    size: int
    checksum: str | None
    checksum_algorithm: str | None
    dynamic: bool = False


@dataclass(frozen=True)
class Skip:
    """A source path that was left out because of an error, by the names of the API's "skipped_error"."""

    source_path: str
    destination_path: str
    error_code: str
    error_details: str
    error_time: datetime
    is_directory: bool
    is_symlink: bool = False
    is_delete_destination_extra: bool = False
    external_checksum: str | None = None
    checksum_algorithm: str | None = None


@dataclass
class Progress:
    """What a task has done so far, over all its attempts; others watch it grow."""

    files: int = 0
    directories: int = 0
    files_transferred: int = 0
    files_skipped: int = 0
    bytes_transferred: int = 0
    bytes_checksummed: int = 0
    seen: set[tuple[int, Parts]] = field(default_factory=set)
    done: set[tuple[int, Parts]] = field(default_factory=set)
    successes: list[Success] = field(default_factory=list)
    skips: list[Skip] = field(default_factory=list)
    items_with_skips: set[int] = field(default_factory=set)


class Gate(Protocol):
    """How an attempt is steered and heard; the first three may raise to end it."""

    def before_file(self) -> None: ...
    def during_file(self, path: str, offset: int) -> None: ...
    def after_file(self) -> None: ...
    def failed(self, trouble: Trouble) -> None: ...
    def extra_kept(self, path: str) -> None: ...
    def now(self) -> datetime: ...


@dataclass
class Transfer:
    """One attempt at a transfer task; files done in an earlier attempt are left alone."""

    submission: Submission
    source: Collection
    destination: Collection
    identity: str
    progress: Progress
    gate: Gate

    def run(self) -> int:
        """Go through all items, tell the gate what fails, and return how much did. Raises Trouble that ends it."""
        for index, item in enumerate(self.submission.items):
            with self._guard((index, ()), item.source, item.destination, is_directory=True):
                self._item(index, item)
        return self._failures

    def _item(self, index: int, item: Item) -> None:
        self.gate.before_file()
        check_online(self.source, self.destination)
        with self._reading(item.source):
            self.source.check(self.identity, item.source, "r")
            with located(self.source.root, item.source) as (parent, name, _):
                is_directory = stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode)
                if item.recursive is not None and item.recursive != is_directory:
                    raise StorageError("IS_A_DIRECTORY" if is_directory else "NOT_A_DIRECTORY")
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                base = os.open(name, flags, dir_fd=parent) if is_directory else os.dup(parent)
        with _closing(base):
            if is_directory:
                self._tree(index, item, base)
                return
            with self._writing(item.destination):
                if not item.destination:
                    raise StorageError("IS_A_DIRECTORY")
                self.destination.check(self.identity, item.destination, "w")
                target, _ = open_directory(self.destination.root, item.destination[:-1], create=True)
            with _closing(target):
                self._file((index, ()), item, (base, name), (target, item.destination[-1]))

    def _tree(self, index: int, item: Item, base: int) -> None:
        failures = self._failures
        pending: list[Parts] = [()]
        while pending:
            below = pending.pop()
            key = (index, below)
            with self._guard(key, item.source + below, item.destination + below, is_directory=True):
                pending.extend(reversed(self._directory(key, item, base)))
        if self.submission.options.get("delete_destination_extra") and failures == self._failures:
            if index in self.progress.items_with_skips:
                self.gate.extra_kept(join_path(item.destination))
            else:
                self._delete_extra(item, base)

    def _directory(self, key: tuple[int, Parts], item: Item, base: int) -> list[Parts]:
        """Copy the files of one directory and return its directories."""
        index, below = key
        with self._reading(item.source + below):
            self.source.check(self.identity, item.source + below, "r")
            directory = open_below(base, below)
        inner: list[Parts] = []
        with _closing(directory):
            if key not in self.progress.seen:
                self.progress.seen.add(key)
                self.progress.directories += 1
            with self._writing(item.destination + below):
                self.destination.check(self.identity, item.destination + below, "w")
                target, _ = open_directory(self.destination.root, item.destination + below, create=True)
            with _closing(target):
                for name in _names(directory):
                    path = (*below, name)
                    with self._guard((index, path), item.source + path, item.destination + path):
                        with self._reading(item.source + path):
                            kind = _kind(os.lstat(name, dir_fd=directory))
                        if kind is None or not _included(self.submission.filter_rules, name, kind):
                            continue
                        if kind == "dir":
                            inner.append(path)
                        else:
                            self._file((index, path), item, (directory, name), (target, name))
            self.progress.done.add(key)
        return inner

    def _file(
        self, key: tuple[int, Parts], item: Item, source: tuple[int, bytes], target: tuple[int, bytes]
    ) -> None:
        if key in self.progress.done:
            return
        self.gate.before_file()
        check_online(self.source, self.destination)
        path = item.source + key[1]
        with self._reading(path):
            self.source.check(self.identity, path, "r")
            file, status = open_file(source[1], source[0])
        with _closing(file), self._writing(item.destination + key[1]):
            if key not in self.progress.seen:
                self.progress.seen.add(key)
                self.progress.files += 1
            self.destination.check(self.identity, item.destination + key[1], "w")
            if self._in_step(file, status, target, item, join_path(path)):
                self.progress.files_skipped += 1
            else:
                self._copy(file, status, target, item, key[1])
        self.progress.done.add(key)
        self.gate.after_file()

    def _in_step(
        self, file: int, status: os.stat_result, target: tuple[int, bytes], item: Item, path: str
    ) -> bool:
        """Whether the sync level finds nothing to copy. Source: task_submit, 'sync_level'."""
        try:
            there = os.lstat(target[1], dir_fd=target[0])
        except FileNotFoundError:
            return False
        if stat.S_ISDIR(there.st_mode):
            raise StorageError("IS_A_DIRECTORY")
        if self.submission.sync_level is None or not stat.S_ISREG(there.st_mode):
            return False
        if self.submission.sync_level == 0:
            return True
        if self.submission.sync_level == 2:
            return status.st_mtime_ns <= there.st_mtime_ns
        if status.st_size != there.st_size or self.submission.sync_level == 1:
            return status.st_size == there.st_size
        copy, _ = open_file(target[1], target[0])
        with _closing(copy):
            ours, theirs = self._checksums(file, copy, item, path, status.st_size)
        self.progress.bytes_checksummed += status.st_size
        return ours == theirs

    def _copy(
        self, file: int, status: os.stat_result, target: tuple[int, bytes], item: Item, below: Parts
    ) -> None:
        """Send a file under a temporary name until it is right, then give it its own."""
        parent, name = target
        path = join_path(item.source + below)
        temporary = b".standin-%s.part" % secrets.token_hex(8).encode()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        copy = os.open(temporary, flags, 0o666, dir_fd=parent)
        try:
            with _closing(copy):
                for attempt in range(_SENDS):
                    try:
                        checksum = self._send(file, copy, item, path)
                        break
                    except StorageError as error:
                        if error.code not in ("VERIFY_CHECKSUM", "FILE_SIZE_CHANGED") or attempt == _SENDS - 1:
                            raise
                        self.gate.failed(Trouble(error.code, self.destination, path))
                size = os.fstat(copy).st_size
                if self.submission.options.get("preserve_timestamp"):
                    os.utime(copy, ns=(status.st_atime_ns, os.fstat(file).st_mtime_ns))
                self.gate.during_file(path, size)
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=parent)
            raise
        self.progress.files_transferred += 1
        algorithm = item.checksum_algorithm if checksum else None
        self.progress.successes.append(
            Success(path, join_path(item.destination + below), size, checksum, algorithm)
        )

    def _send(self, file: int, copy: int, item: Item, path: str) -> str | None:
        """Copy the contents once and return their checksum if it was asked for."""
        expected = os.fstat(file).st_size
        os.ftruncate(copy, 0)
        buffer = memoryview(bytearray(min(BLOCK, expected + 1)))
        offset = 0
        while True:
            self.gate.during_file(path, offset)
            check_online(self.source, self.destination)
            if self.destination.full:
                raise StorageError("QUOTA_EXCEEDED")
            count = os.preadv(file, [buffer], offset)
            if not count:
                break
            written = 0
            while written < count:
                written += os.pwrite(copy, buffer[written:count], offset + written)
            offset += count
            self.progress.bytes_transferred += count
        if self.source.changing_files > 0:
            self.source.changing_files -= 1
            raise StorageError("FILE_SIZE_CHANGED")
        if offset != expected or os.fstat(file).st_size != expected:
            raise StorageError("FILE_SIZE_CHANGED")
        if not self.submission.options.get("verify_checksum") and item.external_checksum is None:
            return None
        ours, theirs = self._checksums(file, copy, item, path, expected)
        if self.destination.wrong_checksums > 0:
            self.destination.wrong_checksums -= 1
            raise StorageError("VERIFY_CHECKSUM")
        if ours != theirs:
            raise StorageError("VERIFY_CHECKSUM")
        if item.external_checksum is not None and item.external_checksum.lower() != ours:
            raise Trouble("EXTERNAL_CHECKSUM_MISMATCH", self.destination, path, hopeless=True)
        return ours

    def _checksums(self, file: int, copy: int, item: Item, path: str, size: int) -> tuple[str, str]:
        def checksum(descriptor: int) -> str:
            return _checksum(
                descriptor, CHECKSUMS[item.checksum_algorithm], lambda offset: self.gate.during_file(path, offset)
            )

        if size < _LARGE:
            return checksum(file), checksum(copy)
        with ThreadPoolExecutor(1) as helper:
            theirs = helper.submit(checksum, copy)
            return checksum(file), theirs.result()

    def _delete_extra(self, item: Item, base: int) -> None:
        """Remove what the destination has and the source has not; names that the filter rules exclude stay."""
        pending: list[Parts] = [()]
        while pending:
            below = pending.pop()
            self.gate.before_file()
            with self._reading(item.source + below):
                directory = open_below(base, below)
            with _closing(directory), self._writing(item.destination + below):
                target, _ = open_directory(self.destination.root, item.destination + below)
                with _closing(target):
                    for name in _names(target):
                        there = _kind(os.lstat(name, dir_fd=target))
                        try:
                            here = _kind(os.lstat(name, dir_fd=directory))
                        except FileNotFoundError:
                            here = None
                        if not _included(self.submission.filter_rules, name, there or "file"):
                            continue
                        if there is None or here != there:
                            self.destination.check(self.identity, (*item.destination, *below, name), "w")
                            remove(name, target)
                        elif here == "dir":
                            pending.append((*below, name))

    missing_is_fatal: bool = False  # a source that is not there ends the task
    _failures: int = 0

    @contextmanager
    def _guard(
        self, key: tuple[int, Parts], source: Parts, target: Parts, is_directory: bool = False
    ) -> Iterator[None]:
        """Note what goes wrong in the block, as a skipped path where the task allows that, and go on."""
        try:
            yield
        except Trouble as trouble:
            if trouble.wide or trouble.hopeless:
                raise
            skippable = trouble.at_source and trouble.code in _SKIPPABLE
            if not (skippable and self.submission.options.get("skip_source_errors")):
                if self.missing_is_fatal and trouble.at_source and (trouble.code, key[1]) == ("FILE_NOT_FOUND", ()):
                    trouble.hopeless = True
                    raise
                self._failures += 1
                self.gate.failed(trouble)
            elif key not in self.progress.done:
                self.progress.done.add(key)
                paths = join_path(source), join_path(target)
                skip = Skip(*paths, trouble.code, str(trouble), self.gate.now(), is_directory)
                self.progress.skips.append(skip)
                self.progress.items_with_skips.add(key[0])

    @contextmanager
    def _reading(self, path: Parts) -> Iterator[None]:
        try:
            with storage_errors():
                yield
        except StorageError as error:
            raise Trouble(error.code, self.source, join_path(path), str(error), at_source=True) from error

    @contextmanager
    def _writing(self, path: Parts) -> Iterator[None]:
        try:
            with storage_errors():
                yield
        except StorageError as error:
            no_space = error.code in _SPACE
            raise Trouble(
                error.code, self.destination, join_path(path), str(error),
                wide=no_space or error.code == "PERMISSION_DENIED",
                hopeless=no_space and bool(self.submission.options.get("fail_on_quota_errors")),
            ) from error  # fmt: skip


@dataclass
class Delete:
    """One attempt at a delete task, whose errors are final. Source: task_behavior; SDK fixtures."""

    submission: Submission
    collection: Collection
    identity: str
    progress: Progress
    gate: Gate

    def run(self) -> int:
        """Remove the paths and return 0, the number of failures to try again. Raises Trouble."""
        for index, item in enumerate(self.submission.items):
            self.gate.before_file()
            check_online(self.collection)
            if (index, ()) in self.progress.done:
                continue
            try:
                with storage_errors():
                    self._item(item)
            except StorageError as error:
                if error.code != "FILE_NOT_FOUND" or not self.submission.options.get("ignore_missing"):
                    path = join_path(item.source)
                    raise Trouble(error.code, self.collection, path, str(error), hopeless=True) from error
            self.progress.done.add((index, ()))
            self.gate.after_file()
        return 0

    def _item(self, item: Item) -> None:
        if not item.source:
            raise StorageError("PERMISSION_DENIED", "Path not allowed")
        parent, _ = open_directory(self.collection.root, item.source[:-1])
        with _closing(parent):
            names = [item.source[-1]]
            if self.submission.options.get("interpret_globs"):
                names = [name for name in _names(parent) if fnmatchcase(to_text(name), to_text(item.source[-1]))]
            if not names:
                raise StorageError("FILE_NOT_FOUND")
            for name in names:
                self.collection.check(self.identity, (*item.source[:-1], name), "w")
                if stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
                    if not self.submission.options.get("recursive"):
                        raise StorageError("IS_A_DIRECTORY")
                    self.progress.directories += 1
                else:
                    self.progress.files += 1
                remove(name, parent)


def check_online(*collections: Collection) -> None:
    """Raise Trouble for a collection that cannot be reached."""
    for side in collections:
        if side.deleted:
            raise Trouble("ENDPOINT_ERROR", side, "/", "Endpoint has been deleted", wide=True)
        if not side.online:
            raise Trouble("GC_NOT_CONNECTED" if side.is_personal else "CONNECT_FAILED", side, "/", wide=True)


def remove(name: bytes, parent: int) -> None:
    """Remove a file, link or whole directory, following no link. Raises OSError."""
    if stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode):
        shutil.rmtree(name, dir_fd=parent)
    else:
        os.unlink(name, dir_fd=parent)


def is_temporary(name: bytes) -> bool:
    """Whether a name is that of a copy in progress, which no listing shows."""
    return _TEMPORARY.fullmatch(name) is not None


def _names(directory: int) -> list[bytes]:
    return sorted(name for name in map(os.fsencode, os.listdir(directory)) if not is_temporary(name))


def _kind(status: os.stat_result) -> str | None:
    """Return "dir", "file", or None for what transfers ignore."""
    if stat.S_ISDIR(status.st_mode):
        return "dir"
    return "file" if stat.S_ISREG(status.st_mode) else None


def _included(rules: tuple[FilterRule, ...] | None, name: bytes, kind: str) -> bool:
    """Whether the first matching filter rule, if any, includes a name. Source: SDK, add_filter_rule."""
    for rule in rules or ():
        if rule.type in (None, kind) and fnmatchcase(to_text(name), rule.name):
            return rule.method == "include"
    return True


def _checksum(descriptor: int, algorithm: str, tick: Callable[[int], None]) -> str:
    digest = hashlib.new(algorithm, usedforsecurity=False)
    buffer = memoryview(bytearray(BLOCK))
    offset = 0
    while count := os.preadv(descriptor, [buffer], offset):
        digest.update(buffer[:count])
        offset += count
        tick(offset)
    return digest.hexdigest()


@contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
