"""
What is known of error codes and of servers' words: the reason and the fix for each.

Source of the codes: Globus Transfer API, file_operations, task_submit and task_events; of the words: recorded replies
of GridFTP servers, and the error replies in the source of the GridFTP server.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Row(NamedTuple):
    """
    What to say where the code is one of ``codes`` and the server's words match ``says``.

    Without codes the words alone decide, but only where no row knows the code. ``fix`` is for a path of the pair's own,
    and for a path that is not known; the other two are for a path below, and ``fix`` again where they are empty.
    """

    codes: tuple[str, ...]
    reason: str
    fix: str
    says: str = ""
    below_source: str = ""
    below_destination: str = ""
    is_permanent: bool = False  # waiting cannot help
    is_sharing: bool = False  # the fix is to give this application a permission

    def matches(self, code: str, words: str) -> bool:
        """Return whether this row is about an error with this code and these words."""
        if self.codes and code not in self.codes:
            return False
        return not self.says or re.search(self.says, words, re.IGNORECASE) is not None


_WAIT = "wait; if this persists, ask the collection's administrator"
_ASK = "ask the collection's administrator"
_LEAVE_OUT = "or leave it out with exclude"
_NEXT_RUN = "nothing to do: it changed during the transfer, and the next run copies it as it is then"
_READABLE = f"let the account that shares the collection read it, {_LEAVE_OUT}"
_IN_THE_WAY = "remove or rename {plain_path} at the destination: what the source has there is of another type"
_START = "{find_out_which}start Globus Connect Personal on that computer, or ask the collection's administrator"
_NEW_NAME = f"give it another name at the source, {_LEAVE_OUT}"
_NEW_GUEST = "ask its owner to create a guest collection there and to share that with {identity}"

_LOGIN = ("LoginFailed", "AUTH", "PERMISSION_DENIED", "PermissionDenied", "EndpointPermissionDenied", "LOGIN_DENIED")
_DENIED = ("PERMISSION_DENIED", "PermissionDenied", "EndpointPermissionDenied", "ACL_CHANGED", "FILE_ACCESS")
_DELETED = Row(
    ("EndpointDeleted",),
    "{where} has been deleted",
    "create a new guest collection, share it with {identity}, and {correct_endpoint}",
    is_permanent=True,
)


def _at_login(words: str) -> str:
    """Return the pattern for words of a server that refuses a sign-in; with any other code it has a fault."""
    return rf"\A(?:LOGIN_DENIED)?\n[\s\S]*(?:{words})"


_LOGINS = (
    Row(
        _LOGIN,
        "the server of {where} has no account for it{message}",
        "if it is a guest collection, the account of the person who shared it is gone: ask another member to share the "
        "directory in a new guest collection with {identity}, and {correct_endpoint}; if it is a mapped collection, "
        "an account mapping is missing: ask its administrator to map {identity} to an account",
        says=_at_login("does not map to|mapping collection to|no (?:local|such) (?:user|account)|unknown user"),
        is_permanent=True,
    ),
    Row(
        _LOGIN,
        "{where} admits only certain identities, and this application is none of them{message}",
        _NEW_GUEST,
        says=_at_login("resource policies|allowed domain|domains allowed|authentication polic"),
        is_permanent=True,
    ),
    Row(
        _LOGIN,
        "{where} has no valid credential for its storage{message}",
        "ask its owner to enter the credential again, on the collection's page in the Globus web app",
        says=_at_login("invalid_credential|credential requires|credentials? .*(?:expired|invalid|missing)"),
        is_permanent=True,
    ),
    Row(
        _LOGIN,
        "{where} does not let this application in{message}",
        _NEW_GUEST,
        says=r"\ALOGIN_DENIED",
        is_permanent=True,
    ),
)
_BY_CODE = (
    *_LOGINS,
    Row(
        ("NotFound", "FILE_NOT_FOUND", "PATH_NOT_FOUND"),
        "{missing}",
        "{correct_path}{hints}",
        below_source="nothing to do: the next run copies what is there then; if it should be there, look for it at the "
        "source",
        below_destination="nothing to do: Globus tries again; if this persists, stop what removes files there, and "
        "cancel the task: the next one creates what is missing",
        is_permanent=True,
    ),
    Row(
        _DENIED,
        "the storage refuses access to {path}{message}",
        "let the account that shares the collection {verb} it on the collection's computer",
        says=r"system error in|Errno: (?:1|13)\b",
        below_source=_READABLE,
        is_permanent=True,
    ),
    Row(
        _DENIED,
        "permission denied for {path}{message}",
        "{share}; if it is shared already, have the path allowed on the collection: in Globus Connect Personal under "
        "Accessible Folders, else by its administrator",
        says="path not allowed",
        below_source=f"have the path allowed on the collection, {_LEAVE_OUT}",
        below_destination="have the path allowed on the collection",
        is_permanent=True,
        is_sharing=True,
    ),
    Row(
        _DENIED,
        "permission denied for {path}",
        "{share}; if it is shared already, let the account that shares the collection {verb} the directory on the "
        "collection's computer",
        below_source=_READABLE,
        below_destination="on the collection's computer, let the account that shares the collection write to it",
        is_permanent=True,
        is_sharing=True,
    ),
    Row(
        ("EndpointNotFound",),
        "Globus does not know the {side}collection {id}",
        "{correct_endpoint}",
        is_permanent=True,
    ),
    _DELETED,
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
        "{correct_path}",
        below_source=_NEXT_RUN,
        below_destination=_IN_THE_WAY,
        is_permanent=True,
    ),
    Row(
        ("PATH_EXISTS", "Exists"),
        "{path} exists already (File exists), as something else than a directory",
        "{correct_path}",
        below_source=_NEXT_RUN,
        below_destination=_IN_THE_WAY,
    ),
    Row(
        ("NOT_A_FILE",),
        "{path} is neither a file nor a directory",
        f"remove it, {_LEAVE_OUT}",
        below_destination=_IN_THE_WAY,
    ),
    Row(
        ("INVALID_SYMLINK", "NOT_A_SYMLINK"),
        "{path} is not a symbolic link that Globus can follow",
        f"correct the link, or remove it, {_LEAVE_OUT}",
        below_destination=_IN_THE_WAY,
    ),
    Row(
        ("AMBIGUOUS_PATH",),
        "more than one file or directory has the path of {path}",
        f"rename all but one of them there, {_LEAVE_OUT}",
    ),
    Row(
        ("INVALID_PATH_NAME",),
        "the storage does not allow the name of {path}{message}",
        _NEW_NAME,
    ),
    Row(
        ("QUOTA_EXCEEDED", "NO_SPACE_LEFT"),
        "no space or quota left for {path_or_destination}",
        "free some space there, or ask for a larger quota",
    ),
    Row(
        ("LIMIT_EXCEEDED",),
        "{path} exceeds a limit of Globus or of the storage{message}",
        "ask the collection's administrator which limit that is; a directory can have too many entries",
    ),
    Row(
        ("VERIFY_CHECKSUM", "EXTERNAL_CHECKSUM_MISMATCH"),
        "the checksum of {path} differed after the copy; something may have changed the file during the copy",
        "nothing to do for now: Globus copies it again; if this persists, stop whatever modifies it during transfers, "
        f"{_LEAVE_OUT}",
    ),
    Row(
        ("FILE_SIZE_CHANGED",),
        "the size of {path} changed during the copy",
        "nothing to do for now: Globus copies it again; if this persists, stop whatever modifies it during transfers, "
        f"{_LEAVE_OUT}",
    ),
    Row(
        ("GC_NOT_CONNECTED", "GCDisconnected"),
        "{where} is not connected",
        _START,
    ),
    Row(("CONNECT_FAILED",), "{where} cannot be reached{message}", _START),
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
_BY_WORDS = (
    _DELETED._replace(codes=(), says="endpoint of shared endpoint .* has been deleted|endpoint has been deleted"),
    Row(
        (),
        "the storage of {where} is read-only",
        "ask the collection's administrator to make it writable; a disk with faults can become read-only by itself",
        says="read-only",
    ),
    Row(
        (),
        "the storage has a fault at {path}{message}",
        "wait; if this persists, ask the collection's administrator to look at that storage",
        says=r"stale (nfs )?file handle|input/output error|transport endpoint|remote i/o error|no such device"
        r"|structure needs cleaning",
    ),
    Row(
        (),
        "no secure connection to {where} could be made{message}",
        "wait; if this persists, ask the collection's administrator; a firewall or an old certificate can be the cause",
        says="secure connection|handshake|certificate|ICE negotiation",
    ),
    Row(
        (),
        "the storage does not allow the name of {path}{message}",
        _NEW_NAME,
        says=r"name too long|character|invalid ?(bucket|object|file|path)? ?name|illegal (name|byte)",
    ),
)
# Words for what rows above know by a code. A server that has no code for an error sends only these.
_WORDS_OF_CODES = (
    ("QUOTA_EXCEEDED", r"quota (space|exceeded|exhausted)|exceed\w* .*quota|no space left|not enough space|disk full"),
    (
        "PERMISSION_DENIED",
        r"permission denied|operation not permitted|path not allowed|access (is )?denied|no effective",
    ),
    ("FILE_NOT_FOUND", r"no such file|file not found|path not found"),
    ("PATH_EXISTS", r"file exists"),
    ("NOT_A_DIRECTORY", r"not a directory"),
    ("IS_A_DIRECTORY", r"is a directory"),
)
_VAGUE_ROWS = (
    Row(("ENDPOINT_TOO_BUSY",), "{where} is too busy at the moment{message}", _WAIT),
    Row((), "{where} is too busy at the moment{message}", _WAIT, says="too busy|too many|resource temporarily|memory"),
    Row(("TIMEOUT",), "{where} did not answer in time{message}", _WAIT),
    Row(
        ("CONNECTION_BROKEN", "CONNECTION_RESET", "DATA_CHANNEL_COMMUNICATION_FAILURE"),
        "the connection to {where} broke{message}",
        "wait: Globus tries again; if this persists, ask the collection's administrator",
    ),
    Row(
        (),
        "the connection to {where} broke{message}",
        "wait: Globus tries again; if this persists, ask the collection's administrator",
        says=r"end[- ]of[- ]file|connection (was )?(reset|refused|closed|timed out)|forcibly closed|broken pipe",
    ),
    Row(("LoginFailed", "AUTH", "NO_CREDENTIALS"), "Globus could not sign in to {where}{message}", _WAIT),
    Row(("ENDPOINT_ERROR", "EndpointError"), "{where} is not working properly at the moment{message}", _WAIT),
    Row(
        ("INTERNAL_ERROR", "InternalError", "ABEND"),
        "an internal error of Globus or of a server of {where}{message}",
        _WAIT,
    ),
)
_UNKNOWN = Row((), "{globus_says}", "{ask_about_it}")


def choose_row(code: str, server_code: str, words: str) -> Row:
    """
    Return the row for an error: that of its code, else of the server's code, else of the words.

    Rows that only say that something failed come last, so that words can say what it was.
    """
    said = f"{server_code}\n{words}"
    by_words = next((known for known, says in _WORDS_OF_CODES if re.search(says, words, re.IGNORECASE)), "")
    attempts = (
        *((_BY_CODE, known) for known in (code, server_code)),
        (_BY_WORDS, ""),
        (_BY_CODE, by_words),
        *((_VAGUE_ROWS, known) for known in (code, server_code)),
    )
    for rows, known in attempts:
        for row in rows:
            if row.matches(known, said):
                return row
    return _UNKNOWN
