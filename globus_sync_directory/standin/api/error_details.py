"""
What servers say about an error, as Globus passes it on: the details of events and skipped paths, and of error answers.

A GridFTP server answers with a number on every line. Most often it adds a code of Globus and the system's error number;
what fails while a file is open, it tells in a line of words. Sources: the server's globus_i_gfs_response_error.c; SDK
fixtures operation_stat and task_event_list; details that users published.
"""

import errno
import json
import os
from collections.abc import Sequence
from typing import NamedTuple

from ..behaviour import Behaviour
from ..engine.collection import Collection
from ..engine.errors import TransferError
from ..storage import PATH_NOT_ALLOWED, StorageError, join_path


class _Step(NamedTuple):
    """What Globus was doing: its word for that, the command to the server, the system call, and the word in JSON."""

    name: str
    command: str
    call: str
    context: str


class _Reply(NamedTuple):
    """What a server said: the number, and the whole text, of which each line ends with CR LF."""

    number: int
    text: str


_STEPS = {
    "list": _Step("list", "MLST", "stat", "Directory List / File Scan"),
    "read": _Step("transfer", "RETR", "open", "FTP RETR"),
    "write": _Step("transfer", "STOR", "open", "FTP STOR"),
    "mkdir": _Step("make directories", "MKD", "mkdir", "FTP MKD"),
    "delete": _Step("delete", "DELE", "unlink", "FTP DELE"),
    "rename": _Step("rename", "RNFR", "rename", "FTP RNFR"),
    "connect": _Step("connect", "", "connect", "Connect"),
    "login": _Step("login", "", "", "Login"),
}
# The server's number and code for an error number of the system; all others are 451 INTERNAL_ERROR.
_CODES = {
    errno.ENOENT: (550, "PATH_NOT_FOUND"), errno.ENOTDIR: (550, "NOT_A_DIRECTORY"),
    errno.EISDIR: (550, "IS_A_DIRECTORY"), errno.EACCES: (550, "PERMISSION_DENIED"),
    errno.EPERM: (550, "INTERNAL_ERROR"), errno.EROFS: (550, "INTERNAL_ERROR"), errno.ENOSPC: (552, "NO_SPACE_LEFT"),
    errno.EDQUOT: (552, "QUOTA_EXCEEDED"), errno.EEXIST: (553, "PATH_EXISTS"),
}  # fmt: skip
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_NO_MAPPING = (
    "GridFTP-Message: Identity set contains an identity from an allowed domain, but it does not map to a valid "
    "username for this connector"
)
_SENTENCES = {
    "FILE_SIZE_CHANGED": "The size of the file changed while it was transferred",
    "VERIFY_CHECKSUM": "The checksums of the source and the destination file differ",
    "EXTERNAL_CHECKSUM_MISMATCH": "The checksum of the file is not the one that was submitted",
}


def event_details(error: TransferError, behaviour: Behaviour) -> str:
    """Return the details of an event about an error."""
    collection, path = error.collection, join_path(error.path)
    if collection.deleted:
        return f"Endpoint '{collection.id}' has been deleted"
    if error.code == "GC_NOT_CONNECTED":
        return not_connected(collection)
    reply = _reply(error)
    if behaviour.error_details == "json":
        return _json(error, reply, behaviour)
    step = _STEPS[error.operation]
    lines = [f"File: {path}"] if error.path or step.command else []
    lines += [f"Command: {step.command} {path}"] if error.cause else []
    return frame(step.name, collection, lines, _message(error), reply and _spelled(reply.text, behaviour))


def skip_details(error: TransferError, behaviour: Behaviour) -> str:
    """Return the details of a skipped path: what the server said, and nothing else."""
    reply = _reply(error)
    return _spelled(reply.text, behaviour, usual="percent") if reply else _message(error)


def operation_details(
    operation: str, path: str, cause: StorageError, collection: Collection, behaviour: Behaviour
) -> str:
    """Return what the answer to a file operation ("ls", "stat", "mkdir", "rename") says about an error."""
    step = _STEPS["list" if operation in ("ls", "stat") else operation]
    said = _spelled(server_reply(step, cause).text, behaviour)
    if operation == "stat" and cause.code == "FILE_NOT_FOUND":
        return frame(
            step.name, collection, [], str(cause), _spelled(f"Error: '{path}' not found\r\n", behaviour) + said
        )
    name = "mkdir" if operation == "mkdir" else step.name
    return frame(name, collection, [f"Command: {step.command} {path}"], "Fatal FTP Response", said + "\n")


def login_details(collection: Collection, behaviour: Behaviour) -> str:
    """Return what the answer to a file operation says about a failed login."""
    return frame("login", collection, [], "Login Failed", _spelled(_login_reply(collection).text, behaviour) + "\n")


def not_connected(collection: Collection) -> str:
    return f"The Globus Connect Personal endpoint '{collection.label}' is not currently connected to Globus"


def frame(name: str, collection: Collection, lines: Sequence[str], message: str, said: str | None) -> str:
    """Return details as text: what failed where, Globus' message and, below a line, what the server ``said``."""
    head = [f"Error ({name})", f"Endpoint: {collection.label}", f"Server: {_server(collection)}", *lines]
    return "\n".join([*head, f"Message: {message}", *([f"---\nDetails: {said}"] if said else [])])


def _json(error: TransferError, reply: _Reply | None, behaviour: Behaviour) -> str:
    said: dict[str, object] = {"body": _message(error)}
    if reply:
        body = _spelled(reply.text, behaviour, usual="percent")
        if behaviour.line_ends == "recorded" and reply.text.count("\n") == 1:
            body = reply.text.replace("\r", "")
        said = {"body": body} | ({"code": reply.number} if reply.number else {})
    where = {"endpoint": error.collection.label, "server": _server(error.collection), "type": "FTPServerError"}
    context = {"operation": _STEPS[error.operation].context, "path": join_path(error.path)}
    return json.dumps({"context": [context], "error": said | where})


def _server(collection: Collection) -> str:
    return "Globus Connect" if collection.is_personal else "localhost:443"


def _message(error: TransferError) -> str:
    """Return Globus' own message, which says little where a server said more."""
    if error.cause:
        return "Fatal FTP response"
    fixed = {"connect": "Could not connect to server", "login": "Login Failed"}
    return fixed.get(error.operation) or _SENTENCES[error.code]


def _reply(error: TransferError) -> _Reply | None:
    """Return what the server said, if one said anything."""
    if error.operation == "login":
        return _login_reply(error.collection)
    if error.operation == "connect":
        why = os.strerror(errno.ECONNREFUSED)
        said = (f"Unable to connect to {_server(error.collection)}", f"System error in connect: {why}")
        return _Reply(0, "".join(f"globus_xio: {line}\n" for line in (*said, f"A system call failed: {why}")))
    return server_reply(_STEPS[error.operation], error.cause) if error.cause else None


def server_reply(step: _Step, cause: StorageError) -> _Reply:
    """Return what a GridFTP server says about an error of its file system."""
    why = str(cause)
    if why == PATH_NOT_ALLOWED and step.command == "MKD":
        return _numbered(550, "GlobusError: v=1 c=PERMISSION_DENIED", f"GridFTP-Error: {why}.")
    if why == PATH_NOT_ALLOWED:
        return _Reply(500, f"500 Command failed : {why}.\r\n")
    if step.command in ("RETR", "STOR"):
        call = "write" if cause.number in _NO_ROOM else step.call
        return _numbered(500, f"Command failed. : System error in {call}: {why}")
    number, code = _CODES.get(cause.number, (451, "INTERNAL_ERROR"))
    return _numbered(
        number,
        f"GlobusError: v=1 c={code}",
        f"GridFTP-Errno: {cause.number}",
        f"GridFTP-Reason: System error in {step.call}",
        f"GridFTP-Error-String: {why}",
    )


def _login_reply(collection: Collection) -> _Reply:
    code = collection.login_failure or ""
    first = "Login incorrect. : Mapping collection to specified ID failed."
    why = _NO_MAPPING if code == "LOGIN_DENIED" else "GCS Manager Internal Error"
    return _numbered(530, first, f"GlobusError: v=1 c={code}", why)


def _numbered(number: int, *lines: str) -> _Reply:
    return _Reply(number, "".join(f"{number}-{line}\r\n" for line in lines) + f"{number} End.\r\n")


def _spelled(text: str, behaviour: Behaviour, usual: str = "escaped") -> str:
    """Return what a server said with its line ends as the service writes them; a bare LF is never a percent code."""
    spelling = usual if behaviour.line_ends == "recorded" else behaviour.line_ends
    if spelling == "percent":
        text = text.replace("\r\n", "%0D%0A")
    return text if spelling == "crlf" else text.replace("\r", "\\r").replace("\n", "\\n")
