"""One attempt at a transfer task: walks the source, and records what is copied, what is skipped and what fails."""

import os
import stat
from collections.abc import Container, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from fnmatch import fnmatchcase
from typing import Literal

from .. import storage
from ..storage import StorageError
from .collection import Collection
from .copying import Checkpoint, Entry, FileCopier
from .errors import TransferError
from .task import Key, Task

_SKIPPABLE = ("FILE_NOT_FOUND", "PERMISSION_DENIED", "AMBIGUOUS_PATH")  # Source: task_behavior
_NO_SPACE = ("QUOTA_EXCEEDED", "NO_SPACE_LEFT")


class Transfer:
    """One attempt. Files that an earlier attempt finished are not copied again."""

    def __init__(
        self, task: Task, destination: Collection, checkpoint: Checkpoint, *, missing_is_fatal: bool = False
    ) -> None:
        self._task = task
        self._source = task.source_collection
        self._destination = destination
        self._checkpoint = checkpoint
        self._missing_is_fatal = missing_is_fatal
        self._options = task.submission.options
        self._copier = FileCopier(task, destination, checkpoint)
        self._failures = 0

    def run(self) -> bool:
        """Copy all items, record what fails, and return whether nothing failed. Raises TransferError that ends it."""
        for index in range(len(self._task.submission.items)):
            with self._record_errors((index, ()), is_directory=True):
                self._copy_item((index, ()))
        return not self._failures

    def _copy_item(self, top: Key) -> None:
        item = self._task.submission.items[top[0]]
        self._copier.step()
        with self._reading(top, "list"), storage.located(self._source.root, item.source) as (name, parent):
            is_directory = stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode)
            if item.recursive not in (None, is_directory):
                raise StorageError("IS_A_DIRECTORY" if is_directory else "NOT_A_DIRECTORY")
            if is_directory:
                with storage.directory_below(parent, (name,)) as base:
                    self._copy_tree(top, base)
                return
            with self._writing(top, "write"), self._target(item.destination[:-1], create=True) as target:
                if not item.destination:
                    raise StorageError("IS_A_DIRECTORY")
                self._copy_file(top, (name, parent), (item.destination[-1], target))

    def _copy_tree(self, top: Key, base: int) -> None:
        failures = self._failures
        walked: list[Key] = []
        pending = [top]
        while pending:
            key = pending.pop()
            if key in self._task.skipped:
                continue
            walked.append(key)
            with self._record_errors(key, is_directory=True):
                pending.extend(reversed(self._copy_directory(key, base)))
        if not self._options.get("delete_destination_extra") or failures != self._failures:
            return
        if any(key[0] == top[0] for key in self._task.skipped):
            self._task.add_event("DELETE_DESTINATION_EXTRA_SKIPPED", storage.join_path(self._task.paths(top)[1]))
        else:
            for key in walked:
                self._delete_extra(key, base)

    def _copy_directory(self, key: Key, base: int) -> list[Key]:
        """Copy the files of one directory and return its directories."""
        index, below = key
        directories: list[Key] = []
        with self._reading(key, "list"), storage.directory_below(base, below) as directory:
            self._task.count(key, is_directory=True)
            source = storage.kinds(directory)
            with self._writing(key, "mkdir"), self._target(self._task.paths(key)[1], create=True) as target:
                if self._options.get("delete_destination_extra"):
                    self._remove(key, target, {name for name, kind in source.items() if kind}, source)
                for name, kind in source.items():
                    inner = index, (*below, name)
                    if kind is None or not self._is_included(name, kind):
                        continue
                    if kind == "dir":
                        directories.append(inner)
                    else:
                        with self._record_errors(inner):
                            self._copy_file(inner, (name, directory), (name, target))
            self._task.done.add(key)
        return directories

    def _copy_file(self, key: Key, source: Entry, target: Entry) -> None:
        if key in self._task.done:
            return
        self._copier.step()
        self._task.count(key)
        with (
            self._reading(key, "read"),
            storage.opened(storage.open_file(*source)) as file,
            self._writing(key, "write"),
        ):
            if self._copier.is_up_to_date(key, file, target):
                self._task.files_skipped += 1
            else:
                self._copier.copy(key, file, target)
        self._task.finish(key)

    def _delete_extra(self, key: Key, base: int) -> None:
        """Remove what only the destination has; names that the filter rules exclude stay."""
        self._checkpoint()
        with self._reading(key, "list"), storage.directory_below(base, key[1]) as directory:
            source = storage.kinds(directory)
            with self._writing(key, "delete"), self._target(self._task.paths(key)[1]) as target:
                self._remove(key, target, storage.kinds(target), source)

    def _remove(self, key: Key, target: int, names: Container[bytes], source: Mapping[bytes, str | None]) -> None:
        """Remove those ``names`` of a directory that the source does not have, or has as another type."""
        for name, kind in storage.kinds(target).items():
            is_extra = name in names and (kind is None or source.get(name) != kind)
            if is_extra and self._is_included(name, kind or "file"):
                self._destination.check(self._task.owner, (*self._task.paths(key)[1], name), "w")
                storage.remove(name, target)

    def _target(self, path: storage.Parts, *, create: bool = False) -> AbstractContextManager[int]:
        return storage.directory(self._destination.root, path, create=create)

    def _is_included(self, name: bytes, kind: str) -> bool:
        """Whether the first matching filter rule, if any, includes a name. Source: SDK, add_filter_rule."""
        for rule in self._task.submission.filter_rules or ():
            if rule["type"] in (None, kind) and fnmatchcase(storage.to_text(name), rule["name"]):
                return bool(rule["method"] == "include")
        return True

    @contextmanager
    def _record_errors(self, key: Key, *, is_directory: bool = False) -> Iterator[None]:
        """Record an error of the block, as a skipped path where the task allows that, and continue after the block."""
        try:
            yield
        except TransferError as error:
            if error.ends_attempt or error.permanent:
                raise
            if error.at_source and error.code in _SKIPPABLE and self._options.get("skip_source_errors"):
                self._task.add_skip(key, error, is_directory=is_directory)
                return
            is_source_missing = error.at_source and (error.code, key[1]) == ("FILE_NOT_FOUND", ())
            if self._missing_is_fatal and is_source_missing:
                error.permanent = True
                raise
            self._failures += 1
            self._task.add_fault(error)

    @contextmanager
    def _reading(self, key: Key, operation: Literal["list", "read"]) -> Iterator[None]:
        """Turn errors of the block into TransferErrors at the source; the first is the missing right to read."""
        path = self._task.paths(key)[0]
        try:
            with storage.errors():
                self._source.check(self._task.owner, path, "r")
                yield
        except StorageError as error:
            raise TransferError(error.code, self._source, path, operation, error, at_source=True) from error

    @contextmanager
    def _writing(self, key: Key, operation: Literal["write", "mkdir", "delete"]) -> Iterator[None]:
        """Turn errors of the block into TransferErrors at the destination; the first is the missing right to write."""
        path = self._task.paths(key)[1]
        try:
            with storage.errors():
                self._destination.check(self._task.owner, path, "w")
                yield
        except StorageError as error:
            if operation == "mkdir" and error.code == "NOT_A_DIRECTORY":  # a file has the name of the directory
                error = StorageError("EXISTS")
            no_space = error.code in _NO_SPACE
            raise TransferError(
                "UNKNOWN" if error.code == "EXISTS" else error.code, self._destination, path, operation, error,
                ends_attempt=no_space or error.code == "PERMISSION_DENIED",
                permanent=no_space and bool(self._options.get("fail_on_quota_errors")),
            ) from error  # fmt: skip
