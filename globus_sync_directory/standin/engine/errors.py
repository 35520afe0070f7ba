"""
Why the service rejects a request, and why a step of a task fails.

These errors know no HTTP status and no code of an error document: ``api.errors`` adds both.
"""

from dataclasses import dataclass

from ..storage import Parts, StorageError
from .collection import Collection


class ServiceError(Exception):
    """The service rejects a request."""


@dataclass(eq=False)
class UnknownCollection(ServiceError):
    collection_id: str


@dataclass(eq=False)
class CollectionDeleted(ServiceError):
    collection_id: str


@dataclass(eq=False)
class CollectionNotShared(ServiceError):
    """No rule of the collection gives this identity anything."""

    collection_id: str


@dataclass(eq=False)
class ConsentRequired(ServiceError):
    """The identity has not given its data_access consent."""

    collection_id: str


@dataclass(eq=False)
class PolicyNotMet(ServiceError):
    """The collection has an authentication policy, and no application can meet one."""

    policy_id: str


@dataclass(eq=False)
class CollectionOffline(ServiceError):
    collection: Collection
    operation: str  # "transfer", or as in FileOperationFailed


@dataclass(eq=False)
class OperationPaused(ServiceError):
    """A manager of the collection paused this operation."""

    message: str


class StatNotSupported(ServiceError):
    """The collection cannot describe a single path."""


@dataclass(eq=False)
class InvalidPath(ServiceError):
    reason: str


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
class UnknownTask(ServiceError):
    """There is no record of this task, or it belongs to somebody else."""

    task_id: str


class TaskEnded(ServiceError):
    """A task that has ended cannot be changed."""


class IdenticalPaths(ServiceError):
    """A live transfer has the same paths."""


@dataclass(eq=False)
class TooManyTasks(ServiceError):
    limit: int


@dataclass(eq=False)
class SubmissionIdRejected(ServiceError):
    reason: str


class WrongSecret(ServiceError):
    """There is no client with this id and secret."""


@dataclass(eq=False)
class InvalidScope(ServiceError):
    reason: str


class TooManyRequests(ServiceError):
    """The identity sends more requests than the service allows."""


@dataclass(eq=False)
class TransferError(Exception):
    """One step of a task failed."""

    code: str  # an event code of the Transfer API
    collection: Collection
    path: Parts
    message: str = ""
    at_source: bool = False
    ends_attempt: bool = False  # the rest of this attempt would fail too
    permanent: bool = False  # no later attempt can help
