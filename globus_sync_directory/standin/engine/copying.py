"""One attempt at a task: walks the source, decides by sync level and filter rules, copies and verifies, or deletes."""

import hashlib
import os
import stat
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from fnmatch import fnmatchcase

from .. import storage
from ..api.documents import when
from ..storage import Parts, StorageError, join_path
from .collection import Collection
from .submission import CHECKSUMS, Item
from .task import Key, Skip, Success, Task, TransferError

BLOCK = 1 << 20
_LARGE = 4 * BLOCK  # from here on both sides are read for their checksums at the same time
_SENDS = 3  # how often a file is sent in one attempt when it comes out wrong
_SKIPPABLE = ("FILE_NOT_FOUND", "PERMISSION_DENIED", "AMBIGUOUS_PATH")  # Source: task_behavior
_SPACE = ("QUOTA_EXCEEDED", "NO_SPACE_LEFT")

Place = tuple[bytes, int]  # a name, and a descriptor of the directory that it is in
Checkpoint = Callable[[], None]  # called between all steps; may wait, and raises to end the attempt


class Transfer:
    """One attempt at a transfer task; files done in an earlier attempt are left alone."""

    def __init__(
        self, task: Task, destination: Collection, checkpoint: Checkpoint, *, missing_is_fatal: bool = False
    ) -> None:
        self.task = task
        self.source = task.source_collection
        self.destination = destination
        self.checkpoint = checkpoint
        self.missing_is_fatal = missing_is_fatal
        self.items = task.submission.items
        self.options = task.submission.options
        self._failures = 0

    def run(self) -> bool:
        """Go through all items, note what fails, and return whether nothing did. Raises TransferError that ends it."""
        for index in range(len(self.items)):
            with self._guard((index, ()), is_directory=True):
                self._item((index, ()))
        return not self._failures

    def _item(self, top: Key) -> None:
        item = self.items[top[0]]
        self._step()
        with self._reading(top), storage.located(self.source.root, item.source) as (name, parent):
            is_directory = stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode)
            if item.recursive not in (None, is_directory):
                raise StorageError("IS_A_DIRECTORY" if is_directory else "NOT_A_DIRECTORY")
            if is_directory:
                with storage.directory_below(parent, (name,)) as base:
                    self._tree(top, base)
                return
            with self._writing(top), self._target(item.destination[:-1], create=True) as target:
                if not item.destination:
                    raise StorageError("IS_A_DIRECTORY")
                self._file(top, (name, parent), (item.destination[-1], target))

    def _tree(self, top: Key, base: int) -> None:
        failures = self._failures
        walked: list[Key] = []
        pending = [top]
        while pending:
            key = pending.pop()
            if key in self.task.skipped:
                continue
            walked.append(key)
            with self._guard(key, is_directory=True):
                pending.extend(reversed(self._directory(key, base)))
        if not self.options.get("delete_destination_extra") or failures != self._failures:
            return
        if any(key[0] == top[0] for key in self.task.skipped):
            self.task.add_event("DELETE_DESTINATION_EXTRA_SKIPPED", join_path(self._paths(top)[1]))
        else:
            for key in walked:
                self._delete_extra(key, base)

    def _directory(self, key: Key, base: int) -> list[Key]:
        """Copy the files of one directory and return its directories."""
        index, below = key
        inner: list[Key] = []
        with self._reading(key), storage.directory_below(base, below) as directory:
            self.task.found(key, is_directory=True)
            here = storage.kinds(directory)
            with self._writing(key), self._target(self._paths(key)[1], create=True) as target:
                if self.options.get("delete_destination_extra"):
                    self._remove(key, target, {name for name, kind in here.items() if kind}, here)
                for name, kind in here.items():
                    if kind == "dir" and self._included(name, kind):
                        inner.append((index, (*below, name)))
                    elif kind == "file" and self._included(name, kind):
                        with self._guard((index, (*below, name))):
                            self._file((index, (*below, name)), (name, directory), (name, target))
            self.task.done.add(key)
        return inner

    def _file(self, key: Key, source: Place, target: Place) -> None:
        if key in self.task.done:
            return
        self._step()
        with self._reading(key), storage.opened(storage.open_file(*source)) as file, self._writing(key):
            self.task.found(key)
            if self._in_step(key, file, target):
                self.task.files_skipped += 1
            else:
                self._copy(key, file, target)
        self.task.finished(key)

    def _in_step(self, key: Key, file: int, target: Place) -> bool:
        """Whether the sync level finds nothing to copy. Source: task_submit, 'sync_level'."""
        name, parent = target
        try:
            there = os.lstat(name, dir_fd=parent)
        except FileNotFoundError:
            return False
        if stat.S_ISDIR(there.st_mode):
            raise StorageError("IS_A_DIRECTORY")
        level, here = self.task.submission.sync_level, os.fstat(file)
        if level is None or not stat.S_ISREG(there.st_mode):
            return False
        if level == 2:
            return here.st_mtime_ns <= there.st_mtime_ns
        if level < 2 or here.st_size != there.st_size:
            return level == 0 or here.st_size == there.st_size
        with storage.opened(storage.open_file(name, parent)) as copy:
            ours, theirs = self._checksums(key, file, copy)
        self.task.bytes_checksummed += here.st_size
        return ours == theirs

    def _copy(self, key: Key, file: int, target: Place) -> None:
        """Send a file under a temporary name until it is right, then give it its own."""
        name, parent = target
        temporary = storage.temporary_name()
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        copy = os.open(temporary, flags, 0o666, dir_fd=parent)
        try:
            with storage.opened(copy):
                checksum = self._sent(key, file, copy)
                size = os.fstat(copy).st_size
                if self.options.get("preserve_timestamp"):
                    status = os.fstat(file)
                    os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
                self.checkpoint()
            os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
        except BaseException:
            with suppress(OSError):
                os.unlink(temporary, dir_fd=parent)
            raise
        self.task.files_transferred += 1
        source, destination = map(join_path, self._paths(key))
        algorithm = self.items[key[0]].checksum_algorithm if checksum else None
        self.task.successes.append(Success(source, destination, size, checksum, algorithm))

    def _sent(self, key: Key, file: int, copy: int) -> str | None:
        """Send the contents, again if they come out wrong, and return their checksum if it was asked for."""
        for _ in range(_SENDS - 1):
            try:
                return self._send(key, file, copy)
            except StorageError as error:
                if error.code not in ("VERIFY_CHECKSUM", "FILE_SIZE_CHANGED"):
                    raise
                self.task.add_fault(TransferError(error.code, self.destination, self._paths(key)[0]))
        return self._send(key, file, copy)

    def _send(self, key: Key, file: int, copy: int) -> str | None:
        expected = os.fstat(file).st_size
        os.ftruncate(copy, 0)
        buffer = memoryview(bytearray(min(BLOCK, expected + 1)))
        offset = 0
        while True:
            self._step()
            if self.destination.full:
                raise StorageError("QUOTA_EXCEEDED")
            count = os.preadv(file, [buffer], offset)
            if not count:
                break
            written = 0
            while written < count:
                written += os.pwrite(copy, buffer[written:count], offset + written)
            offset += count
            self.task.bytes_transferred += count
        if self.source.changing_files > 0:
            self.source.changing_files -= 1
            raise StorageError("FILE_SIZE_CHANGED")
        if offset != expected or os.fstat(file).st_size != expected:
            raise StorageError("FILE_SIZE_CHANGED")
        wanted = self.items[key[0]].external_checksum
        if not self.options.get("verify_checksum") and wanted is None:
            return None
        ours, theirs = self._checksums(key, file, copy)
        if self.destination.wrong_checksums > 0:
            self.destination.wrong_checksums -= 1
            raise StorageError("VERIFY_CHECKSUM")
        if ours != theirs:
            raise StorageError("VERIFY_CHECKSUM")
        if wanted is not None and wanted.lower() != ours:
            raise TransferError("EXTERNAL_CHECKSUM_MISMATCH", self.destination, self._paths(key)[0], hopeless=True)
        return ours

    def _checksums(self, key: Key, *files: int) -> Iterable[str]:
        algorithm = CHECKSUMS[self.items[key[0]].checksum_algorithm]

        def checksum(file: int) -> str:
            digest = hashlib.new(algorithm, usedforsecurity=False)
            buffer = memoryview(bytearray(BLOCK))
            offset = 0
            while count := os.preadv(file, [buffer], offset):
                digest.update(buffer[:count])
                offset += count
                self.checkpoint()
            return digest.hexdigest()

        if os.fstat(files[0]).st_size < _LARGE:
            return map(checksum, files)
        with ThreadPoolExecutor(len(files)) as readers:
            return readers.map(checksum, files)

    def _delete_extra(self, key: Key, base: int) -> None:
        """Remove what the destination has and the source has not; names that the filter rules exclude stay."""
        self.checkpoint()
        with self._reading(key), storage.directory_below(base, key[1]) as directory:
            here = storage.kinds(directory)
            with self._writing(key), self._target(self._paths(key)[1]) as target:
                self._remove(key, target, storage.kinds(target), here)

    def _remove(self, key: Key, target: int, names: Container[bytes], here: Mapping[bytes, str | None]) -> None:
        """Remove those ``names`` of a directory that are not ``here`` at the source, or of another type there."""
        for name, kind in storage.kinds(target).items():
            extra = name in names and (kind is None or here.get(name) != kind)
            if extra and self._included(name, kind or "file"):
                self.destination.check(self.task.owner, (*self._paths(key)[1], name), "w")
                storage.remove(name, target)

    def _step(self) -> None:
        self.checkpoint()
        check_online(self.source, self.destination)

    def _paths(self, key: Key) -> tuple[Parts, Parts]:
        """Return where something is at the source and at the destination."""
        item = self.items[key[0]]
        return item.source + key[1], item.destination + key[1]

    def _target(self, path: Parts, *, create: bool = False) -> AbstractContextManager[int]:
        return storage.directory(self.destination.root, path, create=create)

    def _included(self, name: bytes, kind: str) -> bool:
        """Whether the first matching filter rule, if any, includes a name. Source: SDK, add_filter_rule."""
        for rule in self.task.submission.filter_rules or ():
            if rule["type"] in (None, kind) and fnmatchcase(storage.to_text(name), rule["name"]):
                return bool(rule["method"] == "include")
        return True

    @contextmanager
    def _guard(self, key: Key, *, is_directory: bool = False) -> Iterator[None]:
        """Note what goes wrong in the block, as a skipped path where the task allows that, and go on."""
        try:
            yield
        except TransferError as trouble:
            if trouble.wide or trouble.hopeless:
                raise
            skippable = trouble.at_source and trouble.code in _SKIPPABLE
            if not (skippable and self.options.get("skip_source_errors")):
                if self.missing_is_fatal and trouble.at_source and (trouble.code, key[1]) == ("FILE_NOT_FOUND", ()):
                    trouble.hopeless = True
                    raise
                self._failures += 1
                self.task.add_fault(trouble)
            elif key not in self.task.done:
                self.task.done.add(key)
                source, destination = map(join_path, self._paths(key))
                now = when(self.task.clock.now())
                self.task.skips.append(Skip(source, destination, trouble.code, str(trouble), now, is_directory))
                self.task.skipped.add(key)

    @contextmanager
    def _reading(self, key: Key) -> Iterator[None]:
        """Turn what goes wrong in the block, from the right to read the path onwards, into TransferError at the source."""
        path = self._paths(key)[0]
        try:
            with storage.errors():
                self.source.check(self.task.owner, path, "r")
                yield
        except StorageError as error:
            raise TransferError(error.code, self.source, path, str(error), at_source=True) from error

    @contextmanager
    def _writing(self, key: Key) -> Iterator[None]:
        """Turn what goes wrong in the block, from the right to write the path onwards, into TransferError there."""
        path = self._paths(key)[1]
        try:
            with storage.errors():
                self.destination.check(self.task.owner, path, "w")
                yield
        except StorageError as error:
            no_space = error.code in _SPACE
            raise TransferError(
                error.code, self.destination, path, str(error), wide=no_space or error.code == "PERMISSION_DENIED",
                hopeless=no_space and bool(self.options.get("fail_on_quota_errors")),
            ) from error  # fmt: skip


class Delete:
    """One attempt at a delete task, whose errors are final. Source: task_behavior; SDK fixtures."""

    def __init__(self, task: Task, checkpoint: Checkpoint) -> None:
        self.task = task
        self.collection = task.source_collection
        self.checkpoint = checkpoint
        self.options = task.submission.options

    def run(self) -> bool:
        """Remove the paths; nothing remains to be tried again. Raises TransferError."""
        for index, item in enumerate(self.task.submission.items):
            self.checkpoint()
            check_online(self.collection)
            if (index, ()) in self.task.done:
                continue
            try:
                with storage.errors():
                    self._item(item)
            except StorageError as error:
                if error.code != "FILE_NOT_FOUND" or not self.options.get("ignore_missing"):
                    raise TransferError(error.code, self.collection, item.source, str(error), hopeless=True) from error
            self.task.finished((index, ()))
        return True

    def _item(self, item: Item) -> None:
        if not item.source:
            raise StorageError("PERMISSION_DENIED", "Path not allowed")
        with storage.directory(self.collection.root, item.source[:-1]) as parent:
            names = [item.source[-1]]
            if self.options.get("interpret_globs"):
                pattern = storage.to_text(names[0])
                names = [name for name in storage.kinds(parent) if fnmatchcase(storage.to_text(name), pattern)]
            if not names:
                raise StorageError("FILE_NOT_FOUND")
            for name in names:
                self.collection.check(self.task.owner, (*item.source[:-1], name), "w")
                is_directory = stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode)
                if is_directory and not self.options.get("recursive"):
                    raise StorageError("IS_A_DIRECTORY")
                self.task.directories += is_directory
                self.task.files += not is_directory
                storage.remove(name, parent)


def check_online(*collections: Collection) -> None:
    """Raise TransferError for a collection that cannot be reached."""
    for side in collections:
        if side.deleted:
            raise TransferError("ENDPOINT_ERROR", side, (), "Endpoint has been deleted", wide=True)
        if not side.online:
            raise TransferError("GC_NOT_CONNECTED" if side.is_personal else "CONNECT_FAILED", side, (), wide=True)
