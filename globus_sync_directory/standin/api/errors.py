"""The only place where errors of the engine become HTTP statuses and error documents."""

import uuid
from collections.abc import Callable
from typing import Any

from ..behaviour import Behaviour
from ..engine import errors
from ..engine.errors import ServiceError
from ..engine.scopes import TRANSFER_SCOPE, data_access_scope
from ..http.error_document import error_document
from ..storage import join_path
from .error_details import login_details, not_connected, operation_details

Document = dict[str, Any]


class ApiError(Exception):
    """An error answer of Transfer: HTTP status, ``code``, ``message``, and other fields of the error document."""

    def __init__(self, status: int, code: str, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self._extra = extra

    def document(self, path: str) -> Document:
        """Return the answer to a request to this path."""
        return error_document(self.code, self.message, path, **self._extra)


class OAuthError(ApiError):
    """An error answer of Auth, in the form of OAuth."""

    def __init__(self, status: int, error: str, **fields: Any) -> None:
        super().__init__(status, error, error)
        self._document = {"error": error, **fields}

    def document(self, path: str) -> Document:
        return self._document


def bad_request(message: str, code: str = "ClientError.BadRequest") -> ApiError:
    return ApiError(400, code, message)


def unauthorized(status: int, code: str, detail: str = "Call must be authenticated") -> OAuthError:
    """Return an error in the general form of Auth. Source: SDK, auth/_common."""
    words = {"title": "Unauthorized", "detail": detail}
    listed = [{"status": str(status), "id": str(uuid.uuid4()), "code": code, **words}]
    return OAuthError(status, "unauthorized", error_description="Unauthorized", errors=listed)


def api_error(error: ServiceError, behaviour: Behaviour) -> ApiError:
    """Return the error answer for an error of the engine."""
    if type(error) in FIXED:
        status, code, message = FIXED[type(error)]
        return ApiError(status, code, message.format(error=error))
    return COMPUTED[type(error)](error, behaviour)


# Errors that always have the same status and code.
FIXED: dict[type[ServiceError], tuple[int, str, str]] = {
    errors.UnknownCollection: (404, "EndpointNotFound", "No such endpoint '{error}'"),
    errors.CollectionDeleted: (404, "EndpointDeleted", "Endpoint '{error}' has been deleted"),
    errors.CollectionNotShared: (403, "PermissionDenied", "Not authorized for that endpoint"),
    errors.NoPermission: (403, "PermissionDenied", "No effective ACL rules on the endpoint '{error}'"),
    errors.HostDeleted: (409, "Conflict", "Host endpoint of shared endpoint '{error}' has been deleted"),
    errors.BeingMigrated: (409, "ClientError.Conflict", "Endpoint '{error}' is being migrated"),
    errors.OperationPaused: (409, "OperationPaused", "{error}"),
    errors.StatNotSupported: (409, "NotSupported", "The endpoint does not support this operation"),
    errors.InvalidPath: (400, "InvalidPath", "Invalid path: {error}"),
    errors.SubmissionIdRejected: (400, "ClientError.BadRequest", "{error}"),
    errors.SubmissionIdInUse: (
        409, "ClientError.Conflict.SubmissionIdInUse", "The submission id belongs to a {error} task"
    ),
    errors.TaskInProgress: (
        400, "ClientError.BadRequest",
        "Task '{error}' is still in progress, successful transfers are not yet available",
    ),
    errors.TaskEnded: (409, "ClientError.Conflict", "The task has completed and cannot be changed"),
    errors.TooManyTasks: (
        409, "ClientError.Conflict.TooManyPendingJobs", "You have too many pending tasks; the limit is {error}"
    ),
}  # fmt: skip


def _consent_required(error: errors.ConsentRequired, behaviour: Behaviour) -> ApiError:
    message = "Missing required data_access consent"
    scopes = [f"{TRANSFER_SCOPE}[*{data_access_scope(str(error))}]"]
    required = {"session_message": message, "required_scopes": scopes}
    return ApiError(403, "ConsentRequired", message, required_scopes=scopes, authorization_parameters=required)


def _policy_not_met(error: errors.PolicyNotMet, behaviour: Behaviour) -> ApiError:
    message = "Failing collection authentication policy"
    required = {"session_message": message, "session_required_policies": str(error)}
    return ApiError(403, "AuthPolicyFailed", message, authorization_parameters=required)


def _offline(error: errors.CollectionOffline, behaviour: Behaviour) -> ApiError:
    if not error.collection.is_personal:
        return ApiError(502, "EndpointError", f"Cannot connect to endpoint '{error.collection.label}'")
    if error.operation in ("ls", "stat"):
        message = "The GCP endpoint is not currently connected to Globus"
        return ApiError(502, "ExternalError.DirListingFailed.GCDisconnected", message)
    return ApiError(409, "GCDisconnectedException", not_connected(error.collection))


def _directory_too_large(error: errors.DirectoryTooLarge, behaviour: Behaviour) -> ApiError:
    message = f"Directory limit of {error.limit} reached: '{join_path(error.path)}'"
    return ApiError(502, "ExternalError.DirListingFailed.SizeLimit", message)


def _file_operation_failed(error: errors.FileOperationFailed, behaviour: Behaviour) -> ApiError:
    operation, code, path = error.operation, error.cause.code, error.path
    details = operation_details(operation, path, error.cause, error.collection, behaviour)
    if code == "FILE_NOT_FOUND" or (code == "NOT_A_DIRECTORY" and operation != "ls"):
        if operation == "stat":
            return ApiError(404, "NotFound", f"Path not found, {details}\n")
        what = "Directory" if operation in ("ls", "mkdir") else "Path"
        return ApiError(404, "ClientError.NotFound", f"{what} '{path}' not found on endpoint")
    if code == "NOT_A_DIRECTORY":
        return ApiError(502, "ExternalError.DirListingFailed.NotDirectory", f"'{path}' is not a directory")
    if code == "EXISTS" and operation == "mkdir":
        message = f"Path already exists, Error Path '{path}' already exists\n"
        return ApiError(502, "ExternalError.MkdirFailed.Exists", message)
    if code == "PERMISSION_DENIED":
        is_mkdir = operation == "mkdir"
        return ApiError(
            403,
            "ExternalError.MkdirFailed.PermissionDenied" if is_mkdir else "EndpointPermissionDenied",
            f"Denied by endpoint, {details}",
        )
    return ApiError(502, "EndpointError", f"Endpoint Error, {details}")


def _login_failed(error: errors.LoginFailed, behaviour: Behaviour) -> ApiError:
    family = "MkdirFailed" if error.operation == "mkdir" else "DirListingFailed"
    message = f"Command Failed: {login_details(error.collection, behaviour)}"
    return ApiError(502, f"ExternalError.{family}.LoginFailed", message)


def _unknown_task(error: errors.UnknownTask, behaviour: Behaviour) -> ApiError:
    if behaviour.unknown_task == 403:
        return ApiError(403, "PermissionDenied", f"You do not have permission on task '{error}'")
    return ApiError(404, "ClientError.NotFound", f"No task found with id '{error}'")


def _identical_paths(error: errors.IdenticalPaths, behaviour: Behaviour) -> ApiError:
    message = "A transfer with identical paths has not yet completed"
    return ApiError(409, behaviour.identical_paths_code, message)


def _too_many_requests(error: errors.TooManyRequests, behaviour: Behaviour) -> ApiError:
    return ApiError(behaviour.rate_limit_status, "ClientError.TooManyRequests", "Too many requests")


def _wrong_secret(error: errors.WrongSecret, behaviour: Behaviour) -> ApiError:
    status = behaviour.wrong_secret_status
    is_general = behaviour.wrong_secret_body == "globus"  # noqa: S105 - not a secret, but the form of an error
    if is_general:
        return unauthorized(status, "UNAUTHORIZED", "Basic auth failed")
    return OAuthError(status, "invalid_client")


def _invalid_scope(error: errors.InvalidScope, behaviour: Behaviour) -> ApiError:
    return OAuthError(400, "invalid_scope", error_description=str(error))


# Errors whose answer depends on their fields, or on the behaviour.
COMPUTED: dict[type[ServiceError], Callable[[Any, Behaviour], ApiError]] = {
    errors.ConsentRequired: _consent_required,
    errors.PolicyNotMet: _policy_not_met,
    errors.CollectionOffline: _offline,
    errors.DirectoryTooLarge: _directory_too_large,
    errors.LoginFailed: _login_failed,
    errors.FileOperationFailed: _file_operation_failed,
    errors.UnknownTask: _unknown_task,
    errors.IdenticalPaths: _identical_paths,
    errors.TooManyRequests: _too_many_requests,
    errors.WrongSecret: _wrong_secret,
    errors.InvalidScope: _invalid_scope,
}
