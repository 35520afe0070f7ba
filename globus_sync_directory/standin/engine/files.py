"""What a client does with files itself: list, look at and rename them, and make directories."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from os import stat_result

from .. import storage
from ..storage import Parts, StorageError
from .collection import Collection
from .errors import (
    CollectionOffline,
    DirectoryTooLarge,
    FileOperationFailed,
    InvalidPath,
    LoginFailed,
    OperationPaused,
    StatNotSupported,
)
from .service import Service


@dataclass(frozen=True, kw_only=True)
class FileEntry:
    """
    One entry of a listing. ``status`` is the file's own or, behind a good link, that of the link's target.

    ``link`` and ``target`` are the status and the text of the link itself.
    """

    name: bytes
    status: stat_result
    link: stat_result | None = None
    target: bytes | None = None


class Files:
    """The operations on the files of all collections. Every method raises ServiceError."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def list_directory(self, identity: str, collection_id: str, path: str, *, show_hidden: bool) -> list[FileEntry]:
        """Return what is in a directory, by name."""
        with (
            self._operation("ls", identity, collection_id, path) as (collection, parts),
            storage.directory(collection.root, parts) as directory,
        ):
            names = list(storage.kinds(directory))
            if len(names) > collection.list_limit:
                raise DirectoryTooLarge(collection.list_limit, parts)
            return [
                _entry(collection, name, directory, (*parts, name))
                for name in names if show_hidden or not name.startswith(b".")
            ]  # fmt: skip

    def look_at(self, identity: str, collection_id: str, path: str) -> FileEntry:
        """Return the entry of a single path."""
        with self._operation("stat", identity, collection_id, path) as (collection, parts):
            if not self._service.behaviour.stat_supported:
                raise StatNotSupported
            with storage.located(collection.root, parts, follow=False) as (name, parent):
                return _entry(collection, name, parent, parts)

    def make_directory(self, identity: str, collection_id: str, path: str) -> None:
        """Make one directory, whose parent must exist."""
        with self._operation("mkdir", identity, collection_id, path) as (collection, parts):
            if not parts:
                raise StorageError("EXISTS")
            with storage.located(collection.root, parts, follow=False) as (name, parent):
                if collection.full:
                    raise StorageError("QUOTA_EXCEEDED")
                os.mkdir(name, dir_fd=parent)

    def rename(self, identity: str, collection_id: str, path: str, new_path: str) -> None:
        """Give a file or directory another path on the same collection."""
        with self._operation("rename", identity, collection_id, path) as (collection, old):
            new = read_path(new_path)
            collection.check(identity, new, "w")
            if not (old and new):
                raise storage.path_not_allowed()
            with (
                storage.located(collection.root, old, follow=False) as (old_name, old_parent),
                storage.located(collection.root, new, follow=False) as (new_name, new_parent),
            ):
                os.rename(old_name, new_name, src_dir_fd=old_parent, dst_dir_fd=new_parent)

    @contextmanager
    def _operation(self, name: str, identity: str, collection_id: str, path: str) -> Iterator[tuple[Collection, Parts]]:
        """Yield the collection and the path if ``identity`` may use both; errors of the block become ServiceErrors."""
        collection = self._service.use_collection(collection_id, identity)
        if not collection.online:
            raise CollectionOffline(collection, name)
        if collection.login_failure:
            raise LoginFailed(collection, name)
        for rule in collection.pause_rules:
            if name in rule.operations:
                raise OperationPaused(rule.message)
        parts = read_path(path)
        try:
            with storage.errors():
                collection.check(identity, parts, "r" if name in ("ls", "stat") else "w")
                yield collection, parts
        except StorageError as error:
            raise FileOperationFailed(name, collection, path, error) from error


def read_path(text: str) -> Parts:
    """Return the components of a path. Raises InvalidPath for an impossible name, or a path above the root."""
    try:
        return storage.split_path(text)
    except StorageError as error:
        raise InvalidPath(str(error)) from None


def _entry(collection: Collection, name: bytes, parent: int, path: Parts) -> FileEntry:
    """Return one entry. A link shows its target, unless that is missing or outside the root."""
    shown = path[-1] if path else b"/"
    status = os.lstat(name, dir_fd=parent)
    try:
        target = os.readlink(name, dir_fd=parent)
    except OSError:
        return FileEntry(name=shown, status=status)
    try:
        with storage.errors(), storage.located(collection.root, path) as (last, there):
            return FileEntry(name=shown, status=os.lstat(last, dir_fd=there), link=status, target=target)
    except StorageError:
        return FileEntry(name=shown, status=status, link=status, target=target)
