"""
What is known of error codes and of servers' words: the reason and the fix for each.

Source of the codes: Globus Transfer API, file_operations, task_submit and task_events, and the error replies in the
source of the GridFTP server; ``server_words`` has codes of our own too.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from globus_sync_directory.globus.error_text import ErrorText
from globus_sync_directory.globus.server_words import WORDS, code_of_words


class Row(NamedTuple):
    """
    What to say where the code is one of ``codes``, and the server's words match ``says``.

    ``fix`` is for a path of the pair's own, one above it, and one that is not
    known; the other two are for a path below, and ``fix`` again where they are empty.
    """

    codes: tuple[str, ...]
    reason: str
    fix: str
    says: str = ""
    server_code: str = ""  # what the server must call it, too
    below_source: str = ""
    below_destination: str = ""
    is_permanent: bool = False  # waiting cannot help
    is_sharing: bool = False  # the fix is to give this application a permission

    def matches(self, code: str, server_code: str, words: str) -> bool:
        """Return whether this row is about an error with these codes and words."""
        if code not in self.codes or (self.server_code and server_code != self.server_code):
            return False
        return not self.says or re.search(self.says, words, re.IGNORECASE | re.MULTILINE) is not None


_WAIT = "wait; if this persists, ask the collection's administrator"
_ASK = "ask the collection's administrator"
_LEAVE_OUT = "leave it out with exclude"
_NEXT_RUN = "nothing to do: it changed during the transfer, and the next run copies it as it is then"
_READABLE = f"let the account that shares the collection read it, or {_LEAVE_OUT}"
_IN_THE_WAY = "remove or rename {plain_path} at the destination: what the source has there is of another type"
_START = "{find_out_which}start Globus Connect Personal on that computer, or ask the collection's administrator"
_NEW_NAME = f"give it another name at the source, or {_LEAVE_OUT}"
_NEW_GUEST = "ask its owner to create a guest collection there and to share that with {identity}"
_CHANGED = (
    "nothing to do for now: Globus copies it again; if this persists, stop whatever modifies the file, or its copy, "
    f"during transfers, or {_LEAVE_OUT}"
)

_LOGIN = ("LoginFailed", "AUTH", "PERMISSION_DENIED", "PermissionDenied", "EndpointPermissionDenied", "LOGIN_DENIED")
_DENIED = ("PERMISSION_DENIED", "PermissionDenied", "EndpointPermissionDenied", "ACL_CHANGED", "FILE_ACCESS")
_NO_COLLECTION = Row(
    ("EndpointNotFound",),
    "Globus does not know the {side}collection {id}",
    "{correct_endpoint}",
    is_permanent=True,
)
_DELETED = Row(
    ("EndpointDeleted",),
    "{where} has been deleted",
    "create a new guest collection, share it with {identity}, and {correct_endpoint}",
    is_permanent=True,
)
_NO_CREDENTIAL = Row(
    ("STORAGE_CREDENTIAL",),
    "{where} has no valid credential for its storage{message}",
    "ask its owner to enter the credential again, on the collection's page in the Globus web app",
)
# A server refuses a sign-in: with another code of the server it only has a fault.
_LOGINS = (
    Row(
        _LOGIN,
        "the server of {where} has no account for it{message}",
        "if it is a guest collection, the account of the person who shared it is gone: ask another member to share the "
        "directory in a new guest collection with {identity}, and {correct_endpoint}; if it is a mapped collection, "
        "an account mapping is missing: ask its administrator to map {identity} to an account",
        says="does not map to|mapping collection to|no (?:local|such) (?:user|account)|unknown user",
        server_code="LOGIN_DENIED",
        is_permanent=True,
    ),
    Row(
        _LOGIN,
        "{where} admits only certain identities, and this application is none of them{message}",
        _NEW_GUEST,
        says="resource policies|domains allowed|authentication polic",
        server_code="LOGIN_DENIED",
        is_permanent=True,
    ),
    _NO_CREDENTIAL._replace(
        codes=_LOGIN, says=WORDS["STORAGE_CREDENTIAL"], server_code="LOGIN_DENIED", is_permanent=True
    ),
    Row(
        _LOGIN,
        "{where} does not let this application in{message}",
        "ask the collection's administrator, and show these words",
        server_code="LOGIN_DENIED",
    ),
)
_REFUSED = Row(
    _DENIED,
    "the storage refuses access to {path}{message}",
    "let the account that shares the collection {verb} it on the collection's computer",
    below_source=_READABLE,
    is_permanent=True,
)
_NOT_SHARED = Row(
    _DENIED,
    "permission denied for {path}{message}",
    "{share}; if it is shared already, let the account that shares the collection {verb} the directory on the "
    "collection's computer",
    below_source=_READABLE,
    below_destination="on the collection's computer, let the account that shares the collection write to it",
    is_permanent=True,
    is_sharing=True,
)
_PATHS = (
    _NO_COLLECTION._replace(codes=("NotFound",), says="no such (?:endpoint|collection)"),
    Row(
        ("NotFound", "FILE_NOT_FOUND", "PATH_NOT_FOUND"),
        "{missing}",
        "{correct_path}{hints}",
        below_source="nothing to do if it was removed; if it should be there, look for it at the source, and check "
        "that its disk is mounted",
        below_destination="nothing to do: Globus tries again; if this persists, stop what removes files there, and "
        "cancel the task: the next one creates what is missing",
        is_permanent=True,
    ),
    _REFUSED._replace(
        says="operation not permitted$",
        below_destination="on the collection's computer, make the account that shares the collection the owner of "
        "{plain_path}",
        is_permanent=False,
    ),
    _REFUSED._replace(says="^system error in .*permission denied$"),
    _REFUSED._replace(says="^permission denied$", server_code="PERMISSION_DENIED"),
    Row(
        _DENIED,
        "permission denied for {path}{message}",
        "{share}; if it is shared already, have the path allowed on the collection: in Globus Connect Personal under "
        "Accessible Folders, else by its administrator",
        says="path not allowed",
        below_source=f"have the path allowed on the collection, or {_LEAVE_OUT}",
        below_destination="have the path allowed on the collection",
        is_permanent=True,
        is_sharing=True,
    ),
    Row(
        _DENIED,
        "permission denied for {path}{message}",
        "ask the collection's administrator, and show these words",
        says="subscription|policy|agreement|HPSS",
    ),
    _NOT_SHARED._replace(
        reason="permission denied for {path}", says="no effective acl rules|not authorized for that endpoint"
    ),
    _NOT_SHARED,
    Row(
        ("NotDirectory", "NOT_A_DIRECTORY", "IS_A_FILE"),
        "{path} is not a directory",
        "{correct_path}",
        below_source=_NEXT_RUN,
        below_destination="remove or rename what is in the way at the destination: {plain_path}, or a file in place of "
        "a directory above it",
        is_permanent=True,
    ),
    Row(
        ("IS_A_DIRECTORY",),
        "{path} is a directory, where a file is expected",
        "if this persists, ask the collection's administrator",
        below_source=_NEXT_RUN,
        below_destination=_IN_THE_WAY,
    ),
    Row(
        ("PATH_EXISTS", "Exists"),
        "{path} cannot be made, because something of that name exists already (File exists)",
        "look at it: if it is not a directory, {correct_path}; if it is one, let the account that shares the "
        "collection read and write it",
        below_source=_NEXT_RUN,
        below_destination="look at {plain_path} at the destination: if the source has something of another type there, "
        "remove or rename it; if not, let the account that shares the collection read and write it",
    ),
    Row(
        ("NOT_A_FILE",),
        "{path} is neither a file nor a directory",
        "{correct_path}",
        below_source=_LEAVE_OUT,
        below_destination=_IN_THE_WAY,
    ),
    Row(
        ("INVALID_SYMLINK", "NOT_A_SYMLINK"),
        "{path} is not a symbolic link that Globus can follow",
        "{correct_path}",
        below_source=f"correct the link, or {_LEAVE_OUT}",
        below_destination=_IN_THE_WAY,
    ),
    Row(
        ("AMBIGUOUS_PATH",),
        "several files or directories have one path: {path}",
        "{correct_path}",
        below_source=f"rename all but one of them there, or {_LEAVE_OUT}",
        below_destination="rename all but one of them there",
    ),
    Row(
        ("INVALID_PATH_NAME",),
        "the storage does not allow the name of {path}{message}",
        "{correct_path}",
        below_source=_NEW_NAME,
        below_destination=_NEW_NAME,
    ),
    Row(
        ("VERIFY_CHECKSUM", "EXTERNAL_CHECKSUM_MISMATCH"),
        "the checksum of {path} differed after the copy; something may have changed the file during the copy",
        _CHANGED,
    ),
    Row(("FILE_SIZE_CHANGED",), "the size of {path} changed during the copy", _CHANGED),
)
_COLLECTIONS = (
    _DELETED,
    _NO_COLLECTION,
    Row(
        ("ConsentRequired",),
        "{where} needs a data_access consent, which this application could not give itself",
        _NEW_GUEST,
        is_permanent=True,
    ),
    Row(
        ("AuthPolicyFailed", "NoCred"),
        "{where} requires a consent, policy or account that an application cannot have",
        _NEW_GUEST,
        is_permanent=True,
    ),
    Row(
        ("QUOTA_EXCEEDED", "NO_SPACE_LEFT"),
        "no space or quota left for {path_or_destination}",
        "free some space there, or ask for a larger quota",
    ),
    Row(
        ("READ_ONLY",),
        "the storage of {where} is read-only",
        "ask the collection's administrator to make it writable; a disk with faults can become read-only by itself",
    ),
    Row(
        ("STORAGE_FAULT",),
        "the storage has a fault at {path}{message}",
        "wait; if this persists, ask the collection's administrator to look at that storage",
    ),
    _NO_CREDENTIAL,
    Row(
        ("NO_SECURE_CONNECTION",),
        "no secure connection to or from {where} could be made{message}",
        "wait; if this persists, ask the administrators of both collections; a firewall or an old certificate can be "
        "the cause",
    ),
    Row(
        ("LIMIT_EXCEEDED",),
        "{path} exceeds a limit of Globus or of the storage{message}",
        "ask the collection's administrator which limit that is; a directory can have too many entries",
    ),
    Row(("GC_NOT_CONNECTED", "GCDisconnected"), "{where} is not connected", _START),
    Row(("CONNECT_FAILED", "ConnectFailed"), "{where} cannot be reached", _WAIT),
    Row(
        ("GC_PAUSED",),
        "Globus Connect Personal is paused on the computer of {where}",
        "choose Unpause in its menu on that computer",
    ),
    Row(
        ("PAUSED", "PAUSED_BY_ADMIN", "OperationPaused"),
        "paused by the administrator of {where}{quoted_message}",
        "nothing to do during maintenance; if this persists, ask that administrator",
    ),
    Row(
        ("NO_APPEND_FILESYSTEM", "MPU_NOT_FOUND"),
        "the storage of {where} cannot continue a file that was copied in part{message}",
        "wait: Globus starts that file again; if this persists, ask the collection's administrator",
    ),
    Row(("NO_PHYSICALS",), "{where} has no server that could transfer files{message}", _ASK),
    Row(("CLOCK",), "the clock of a server of {where} is wrong{message}", f"{_ASK} to set it"),
    Row(
        ("GSI_DN_MISMATCH", "INVALID_SERVICE_CREDENTIAL"),
        "a server of {where} has a certificate that Globus does not accept{message}",
        _ASK,
    ),
    Row(
        ("SubmissionIdInUse",),
        "{globus_says}",
        "nothing to do: the next run submits it under another submission id",
    ),
    Row(("EXPIRED",), "the deadline of the task passed", "the next run starts a new task"),
    Row(("CANCELED",), "the task was cancelled", "nothing to do, unless this was unintended"),
)
_BY_CODE = (*_LOGINS, *_PATHS, *_COLLECTIONS)
# These only say that something failed, so words can say what it was.
_VAGUE = (
    Row(("ENDPOINT_TOO_BUSY",), "{where} is too busy at the moment{message}", _WAIT),
    Row(
        ("CONNECTION_BROKEN", "CONNECTION_RESET", "DATA_CHANNEL_COMMUNICATION_FAILURE"),
        "the connection to or from {where} broke{message}",
        "wait: Globus tries again; if this persists, ask the administrators of both collections",
    ),
    Row(("TIMEOUT",), "{where} did not answer in time{message}", _WAIT),
    Row(("LoginFailed", "AUTH", "NO_CREDENTIALS"), "Globus could not sign in to {where}{message}", _WAIT),
    Row(("ENDPOINT_ERROR", "EndpointError"), "{where} is not working properly at the moment{message}", _WAIT),
    Row(
        ("INTERNAL_ERROR", "InternalError", "ABEND"),
        "an internal error of Globus or of a server of {where}{message}",
        _WAIT,
    ),
)
_UNKNOWN = Row((), "{globus_says}", "{ask_about_it}")


def choose_row(code: str, found: ErrorText) -> Row:
    """Return the row for an error: that of its code, else of the server's code, else of the server's words."""
    words = found.words.replace(found.path, "") if found.path else found.words  # a name says nothing about the reason
    by_words = code_of_words(words)
    attempts = (
        *((_BY_CODE, known) for known in (code, found.server_code, by_words)),
        *((_VAGUE, known) for known in (by_words, code, found.server_code)),
    )
    for rows, known in attempts:
        for row in rows:
            if row.matches(known, found.server_code, words):
                return row
    return _UNKNOWN
