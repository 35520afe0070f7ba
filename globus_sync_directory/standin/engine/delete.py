"""One attempt at a delete task, whose errors are final. Source: task_behavior; SDK fixtures."""

import os
import stat
from fnmatch import fnmatchcase

from .. import storage
from ..storage import StorageError
from .copying import Checkpoint, check_online
from .errors import TransferError
from .submission import Item
from .task import Task


class Delete:
    """Removes the paths of a delete task."""

    def __init__(self, task: Task, checkpoint: Checkpoint) -> None:
        self._task = task
        self._collection = task.source_collection
        self._checkpoint = checkpoint
        self._options = task.submission.options

    def run(self) -> bool:
        """Remove the paths and return True, because nothing is left to retry. Raises TransferError."""
        for index, item in enumerate(self._task.submission.items):
            self._checkpoint()
            check_online(self._collection)
            if (index, ()) in self._task.done:
                continue
            try:
                with storage.errors():
                    self._remove(item)
            except StorageError as error:
                if error.code != "FILE_NOT_FOUND" or not self._options.get("ignore_missing"):
                    raise TransferError(
                        error.code, self._collection, item.source, "delete", error, permanent=True
                    ) from error
            self._task.finish((index, ()))
        return True

    def _remove(self, item: Item) -> None:
        if not item.source:
            raise storage.path_not_allowed()
        with storage.directory(self._collection.root, item.source[:-1]) as parent:
            counted = 1  # the item counts as one file until it is known what it is
            for name in self._names(item.source[-1], parent):
                self._collection.check(self._task.owner, (*item.source[:-1], name), "w")
                is_directory = stat.S_ISDIR(os.lstat(name, dir_fd=parent).st_mode)
                if is_directory and not self._options.get("recursive"):
                    raise StorageError("IS_A_DIRECTORY")
                self._task.directories += is_directory
                self._task.files += (not is_directory) - counted
                counted = 0
                storage.remove(name, parent)

    def _names(self, name: bytes, parent: int) -> list[bytes]:
        """Return the names that the last component of a path stands for. Raises StorageError if there are none."""
        if not self._options.get("interpret_globs"):
            return [name]
        pattern = storage.to_text(name)
        names = [other for other in storage.kinds(parent) if fnmatchcase(storage.to_text(other), pattern)]
        if not names:
            raise StorageError("FILE_NOT_FOUND")
        return names
