"""What an exception of the SDK means: Globus rejected the request, or no usable reply came."""

from __future__ import annotations

from globus_sdk import AuthAPIError, GlobusError, TransferAPIError

from globus_sync_directory.globus.transport import no_reply_reason
from globus_sync_directory.model.answer import Failure, Rejected, Unavailable
from globus_sync_directory.text import shorten

# What the SDK, or documents.py, raises for a reply that is not what the API promises.
UNEXPECTED_REPLY = (LookupError, TypeError, ValueError, AttributeError, RecursionError)
_SIGN_IN_FIX = (
    "compare clientid with the application's page in the Globus web app; if needed, create a new secret there and "
    "put it into the secret file"
)


def failure_of(error: Exception, what: str, *, was_repeated: bool) -> Failure:
    """Return what ``error`` says about a request to Globus Transfer for ``what``; ``was_repeated`` by the SDK."""
    if isinstance(error, AuthAPIError):  # while it renewed the token
        return sign_in_failure(error)
    if isinstance(error, TransferAPIError):
        return _transfer_failure(error, what, was_repeated)
    if isinstance(error, GlobusError):
        return Unavailable(reason=f"no answer from Globus Transfer: {no_reply_reason(error)}")
    return Unavailable(reason=f"unexpected reply from Globus Transfer when asked for {what}")


def _transfer_failure(error: TransferAPIError, what: str, was_repeated: bool) -> Failure:
    document = error.raw_json if isinstance(error.raw_json, dict) else {}
    code = document.get("code")
    status = error.http_status
    if status == 401:  # the SDK has renewed the token once by now
        reason = "Globus Transfer does not accept the token that Globus Auth gave"
        return Unavailable(reason=reason, fix=_SIGN_IN_FIX, is_sign_in=True)
    if not isinstance(code, str) or not code or _is_temporary(status, code):
        return Unavailable(reason=f"Globus Transfer answered {status} when asked for {what}")
    is_definite = status < 500 and not was_repeated
    return Rejected(http_status=status, code=code, message=error.message or "", is_definite=is_definite)


def _is_temporary(status: int, code: str) -> bool:
    """Return whether the service, rather than a collection, has a problem."""
    is_about_collection = "ExternalError" in code or "EndpointError" in code
    return status in (408, 429) or (status >= 500 and not is_about_collection)


def sign_in_failure(error: AuthAPIError) -> Unavailable:
    """Return what an error reply of Globus Auth means."""
    document = error.raw_json if isinstance(error.raw_json, dict) else {}
    if error.http_status in (408, 429) or error.http_status >= 500:
        return Unavailable(reason=f"Globus Auth answered {error.http_status}")
    if not document:
        reason = f"unexpected reply ({error.http_status}) from Globus Auth; a proxy or login portal may be in between"
        return Unavailable(reason=reason)
    code = document.get("error") or error.code
    shown = f" ({shorten(code, 60)})" if isinstance(code, str) and code else ""
    return Unavailable(
        reason=f"Globus Auth rejects the sign-in{shown}: the client id and the secret do not belong together, "
        "or the secret was removed",
        fix=_SIGN_IN_FIX,
        is_sign_in=True,
    )
