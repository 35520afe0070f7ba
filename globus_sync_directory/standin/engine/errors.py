"""
Why the service rejects a request, and why a step of a task fails.

These errors know no HTTP status and no code of an error document: ``api.errors`` adds both.
"""

from dataclasses import dataclass
from typing import Literal

from ..storage import Parts, StorageError
from .collection import Collection


class ServiceError(Exception):
    """The service rejects a request. The text of most errors is only the id, the limit or the reason."""


class UnknownCollection(ServiceError):
    """There is no collection with this id."""


class CollectionDeleted(ServiceError):
    """The collection with this id has been deleted."""


class HostDeleted(ServiceError):
    """The collection behind the guest collection with this name and id has been deleted."""


class BeingMigrated(ServiceError):
    """The collection with this name and id is being moved to another server."""


class CollectionNotShared(ServiceError):
    """The collection is not shared with the identity at all, which asks for its description."""


class NoPermission(ServiceError):
    """The collection with this id is not shared with the identity at all, which wants to use it."""


class ConsentRequired(ServiceError):
    """The identity has not given its data_access consent for the collection with this id."""


class PolicyNotMet(ServiceError):
    """The collection has the authentication policy with this id, and no application can meet one."""


class OperationPaused(ServiceError):
    """A manager of the collection paused the operation, for this reason."""


class StatNotSupported(ServiceError):
    """The collection cannot describe a single path."""


class InvalidPath(ServiceError):
    """The path is impossible, for this reason."""


class TaskInProgress(ServiceError):
    """The task with this id has not ended, and what was asked for comes with its end."""


class UnknownTask(ServiceError):
    """There is no record of the task with this id, or it belongs to somebody else."""


class TaskEnded(ServiceError):
    """The task has ended and cannot be changed."""


class IdenticalPaths(ServiceError):
    """A live transfer has the same paths."""


class TooManyTasks(ServiceError):
    """The identity has this many pending tasks already."""


class SubmissionIdRejected(ServiceError):
    """The submission id cannot be used, for this reason."""


class SubmissionIdInUse(ServiceError):
    """The submission id belongs to a task of another kind: this one."""


class WrongSecret(ServiceError):
    """There is no client with this id and secret."""


class InvalidScope(ServiceError):
    """The scope string cannot be granted, for this reason."""


class TooManyRequests(ServiceError):
    """The identity sends more requests than the service allows."""


@dataclass(eq=False)
class CollectionOffline(ServiceError):
    collection: Collection
    operation: str  # "transfer", or as in FileOperationFailed


@dataclass(eq=False)
class DirectoryTooLarge(ServiceError):
    limit: int
    path: Parts


@dataclass(eq=False)
class FileOperationFailed(ServiceError):
    operation: str  # "ls", "stat", "mkdir" or "rename"
    collection: Collection
    path: str  # as it was written in the request
    cause: StorageError


@dataclass(eq=False)
class LoginFailed(ServiceError):
    collection: Collection
    operation: str  # as in FileOperationFailed


@dataclass(eq=False)
class TransferError(Exception):
    """One step of a task failed."""

    code: str  # an event code of the Transfer API
    collection: Collection
    path: Parts
    operation: Literal["connect", "login", "list", "read", "write", "mkdir", "delete"]
    cause: StorageError | None = None
    at_source: bool = False
    ends_attempt: bool = False  # the rest of this attempt would fail too
    permanent: bool = False  # no later attempt can help
