"""
Errors as real servers word them, with other names: the reason, the side, the path and a fix that fits.

Each case is tried as text and as JSON, with each spelling of line ends. Sources: public reports of people who automate
transfers, recorded documents of the Globus SDK and CLI, and the error replies in the source of the GridFTP server.
"""

from __future__ import annotations

import itertools
import json
import time

import pytest

from globus_sync_directory.globus.explain import About, explain
from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.model.problem import Problem

LAB, ARCHIVE = "763d50ee-e814-4080-878b-6a8be5cf7570", "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
NAMES = {LAB: "Lab", ARCHIVE: "Archive"}
IDENTITY = "3f2a0c52-0000-4000-8000-0000000000aa@clients.auth.globus.org"
PAIR = Pair(
    name="lab", source=Directory(collection=LAB, path="/data"), destination=Directory(collection=ARCHIVE, path="/copy")
)
LINE_ENDS = (r"\r\n", "%0D%0A", "\r\n")
AT_SOURCE, AT_DESTINATION = (
    f"source '{{}}' on collection 'Lab' ({LAB})",
    f"destination '{{}}' on collection 'Archive' ({ARCHIVE})",
)
SOURCE, DESTINATION = f"the source collection 'Lab' ({LAB})", f"the destination collection 'Archive' ({ARCHIVE})"
UNNAMED_SOURCE, UNNAMED_DESTINATION = f"the source collection {LAB}", f"the destination collection {ARCHIVE}"


def errno_reply(number: int, code: str, errno: int, function: str, words: str) -> str:
    """Return what a GridFTP server replies after a failed call of its operating system."""
    fields = f"v=1 c={code}", f"Errno: {errno}", f"Reason: System error in {function}", f"Error-String: {words}"
    lines = [f"{number}-{'GridFTP-' if index else 'GlobusError: '}{field}" for index, field in enumerate(fields)]
    return "\n".join([*lines, f"{number} End."])


def login_reply(code: str, message: str, words: str = "") -> str:
    """Return what a GridFTP server replies that does not let somebody in."""
    first = f"{words}\n530-GlobusError" if words else "GlobusError"
    return f"530-Login incorrect. : {first}: v=1 c={code}\n530-GridFTP-Message: {message}\n530 End."


def failed(words: str) -> str:
    """Return the short form of a server's reply."""
    return f"500-Command failed. : {words}\n500 End."


def every_form(collection: str, path: str, command: str, reply: str) -> list[str]:
    """Return an event's details as text and as JSON, with each spelling of line ends."""
    endpoint = f"{NAMES[collection]} ({collection})"
    file = f"File: {path}\nCommand: {command} {path}\n" if path else ""
    head = f"Error (transfer)\nEndpoint: {endpoint}\nServer: 192.0.2.1:443\n{file}"
    forms = []
    for line_end in LINE_ENDS:
        body = reply.replace("\n", line_end) + line_end
        forms.append(f"{head}Message: Fatal FTP response\n---\nDetails: {body}")
        context = [{"operation": "Directory List / File Scan", "path": path}] if path else []
        error = {"body": body, "code": 500, "endpoint": endpoint, "server": "192.0.2.1:443", "type": "FTPServerError"}
        forms.append(json.dumps({"context": context, "error": error}))
    return forms


def explained(code: str, text: str) -> Problem:
    """Return what is said of an event of the pair."""
    return explain(code, text, About(pair=PAIR, identity=IDENTITY))


# Code, collection, path, command, reply; then what reason and fix must hold.
EVENTS = [
    # The reason is in the details.
    (
        "PERMISSION_DENIED",
        LAB,
        "/data/deep/",
        "MLSD",
        "500 Command failed : Path not allowed.",
        f"permission denied for {AT_SOURCE.format('/data/deep')}: Path not allowed",
        "leave it out with exclude",
    ),
    (
        "FILE_NOT_FOUND",
        LAB,
        "/data/deep",
        "MLSD",
        errno_reply(550, "PATH_NOT_FOUND", 2, "stat", "No such file or directory"),
        f"{AT_SOURCE.format('/data/deep')} was gone when it was to be copied",
        "nothing to do",
    ),
    (
        "UNKNOWN",
        LAB,
        "/data/deep",
        "MLSD",
        failed("System error in readdir: Stale file handle"),
        f"the storage has a fault at {AT_SOURCE.format('/data/deep')}: Stale file handle",
        "look at that storage",
    ),
    (
        "UNKNOWN",
        ARCHIVE,
        "/copy/deep",
        "MKD",
        errno_reply(553, "PATH_EXISTS", 17, "mkdir", "File exists"),
        f"{AT_DESTINATION.format('/copy/deep')} cannot be made, because something of that name exists already",
        "look at '/copy/deep' at the destination",
    ),
    (
        "ENDPOINT_ERROR",
        ARCHIVE,
        "",
        "",
        "500-Command failed. : globus_xio: The GSI XIO driver failed to establish a "
        "secure connection. The failure occurred during a handshake read.\n500-globus_xio: System error in recv: "
        "Connection reset by peer\n500 End.",
        f"no secure connection to or from {DESTINATION} could be made",
        "firewall",
    ),
    (
        "ENDPOINT_ERROR",
        ARCHIVE,
        "/copy/a",
        "STOR",
        failed("System error in open: Read-only file system"),
        f"the storage of {DESTINATION} is read-only",
        "make it writable",
    ),
    (
        "ENDPOINT_ERROR",
        ARCHIVE,
        "/copy/a",
        "STOR",
        failed("System error in write: Disk quota exceeded"),
        f"no space or quota left for {AT_DESTINATION.format('/copy/a')}",
        "larger quota",
    ),
    (
        "CONNECTION_BROKEN",
        LAB,
        "",
        "",
        "an end-of-file was reached",
        f"the connection to or from {SOURCE} broke: an end-of-file was reached",
        "Globus tries again",
    ),
    (
        "INVALID_PATH_NAME",
        ARCHIVE,
        "/copy/a:b",
        "STOR",
        failed("The file name holds a character that is not allowed"),
        f"the storage does not allow the name of {AT_DESTINATION.format('/copy/a:b')}: The file name "
        "holds a character that is not allowed",
        "another name at the source",
    ),
    # Three more of this kind, and more.
    (
        "ENDPOINT_ERROR",
        ARCHIVE,
        "/copy/a",
        "STOR",
        errno_reply(451, "INTERNAL_ERROR", 30, "open", "Read-only file system"),
        f"the storage of {DESTINATION} is read-only",
        "make it writable",
    ),
    (
        "UNKNOWN",
        LAB,
        "/data/a",
        "RETR",
        errno_reply(451, "INTERNAL_ERROR", 108, "stat", "Cannot send after transport endpoint shutdown"),
        f"the storage has a fault at {AT_SOURCE.format('/data/a')}: Cannot send after transport",
        "storage",
    ),
    (
        "ENDPOINT_ERROR",
        LAB,
        "/data/a",
        "RETR",
        failed("System error in read: Input/output error"),
        f"the storage has a fault at {AT_SOURCE.format('/data/a')}: Input/output error",
        "storage",
    ),
    (
        "ENDPOINT_ERROR",
        ARCHIVE,
        "/copy/a",
        "STOR",
        errno_reply(552, "NO_SPACE_LEFT", 28, "write", "No space left on device"),
        f"no space or quota left for {AT_DESTINATION.format('/copy/a')}",
        "free some space",
    ),
    (
        "UNKNOWN",
        ARCHIVE,
        "/copy/a",
        "STOR",
        "500 Command failed. : open/create : [ERROR] Server responded with an error: "
        "[3021] Unable to get quota space - quota not defined or exhausted /pool/a; Disk quota exceeded",
        f"no space or quota left for {AT_DESTINATION.format('/copy/a')}",
        "larger quota",
    ),
    (
        "ENDPOINT_ERROR",
        ARCHIVE,
        "/copy/a",
        "STOR",
        failed("System error in open: File name too long"),
        f"the storage does not allow the name of {AT_DESTINATION.format('/copy/a')}",
        "another name",
    ),
    (
        "UNKNOWN",
        ARCHIVE,
        "/copy/B",
        "MKD",
        '500-globus_gridftp_server_s3_base: S3\n500-Error accessing "": '
        "ErrorInvalidBucketName: ErrorInvalidBucketName:\n500 End.",
        f"the storage does not allow the name of {AT_DESTINATION.format('/copy/B')}",
        "another name",
    ),
    (
        "ENDPOINT_ERROR",
        LAB,
        "",
        "",
        "500 globus_xio: ICE negotiation failed.",
        f"no secure connection to or from {SOURCE} could be made: ICE negotiation failed",
        "firewall",
    ),
    (
        "ENDPOINT_ERROR",
        ARCHIVE,
        "/copy/a",
        "STOR",
        "500-Command failed. : an end-of-file was reached\n500-globus_xio: An end of file occurred\n500 End.",
        f"the connection to or from {DESTINATION} broke: an end-of-file was reached",
        "again",
    ),
    (
        "PERMISSION_DENIED",
        LAB,
        "/data/a",
        "RETR",
        errno_reply(550, "PERMISSION_DENIED", 13, "open", "Permission denied"),
        f"the storage refuses access to {AT_SOURCE.format('/data/a')}",
        "read it, or leave",
    ),
    (
        "ENDPOINT_ERROR",
        ARCHIVE,
        "/copy/a",
        "STOR",
        failed("System error in open: Operation not permitted"),
        f"the storage refuses access to {AT_DESTINATION.format('/copy/a')}",
        "the owner of '/copy/a'",
    ),
    (
        "ENDPOINT_ERROR",
        ARCHIVE,
        "/copy/a",
        "STOR",
        "500 globus_xio: System error in write: Invalid argument",
        f"{DESTINATION} is not working properly at the moment: Invalid argument",
        "administrator",
    ),
    (
        "UNKNOWN",
        LAB,
        "/data/a",
        "RETR",
        failed("System error in open: Text file busy"),
        f"Globus says of {AT_SOURCE.format('/data/a')}: Text file busy",
        "send these words",
    ),
    (
        "UNKNOWN",
        LAB,
        "/data/a",
        "RETR",
        "500-GlobusError: v=1 c=GENERAL_ERROR\n500-HPSS-Reason: HPSS_ENOATTR\n500 End.",
        f"Globus says of {AT_SOURCE.format('/data/a')}: HPSS_ENOATTR",
        "send these words",
    ),
    # A path below the pair's own.
    (
        "NOT_A_DIRECTORY",
        ARCHIVE,
        "/copy/x",
        "MKD",
        errno_reply(550, "NOT_A_DIRECTORY", 20, "mkdir", "Not a directory"),
        f"{AT_DESTINATION.format('/copy/x')} is not a directory",
        "remove or rename what is in the way at the destination: '/copy/x'",
    ),
    (
        "FILE_NOT_FOUND",
        ARCHIVE,
        "/copy/deep/b.txt",
        "STOR",
        errno_reply(550, "PATH_NOT_FOUND", 2, "open", "No such file or directory"),
        f"there is no {AT_DESTINATION.format('/copy/deep/b.txt')}",
        "stop what removes files there",
    ),
    (
        "FILE_NOT_FOUND",
        LAB,
        "/data/f05.txt",
        "RETR",
        errno_reply(550, "PATH_NOT_FOUND", 2, "open", "No such file or directory"),
        f"{AT_SOURCE.format('/data/f05.txt')} was gone when it was to be copied",
        "nothing to do",
    ),
    (
        "IS_A_DIRECTORY",
        ARCHIVE,
        "/copy/x",
        "STOR",
        errno_reply(550, "IS_A_DIRECTORY", 21, "open", "Is a directory"),
        f"{AT_DESTINATION.format('/copy/x')} is a directory, where a file is expected",
        "remove or rename '/copy/x'",
    ),
    (
        "UNKNOWN",
        ARCHIVE,
        "/copy/x/y",
        "STOR",
        failed("System error in open: Not a directory"),
        f"{AT_DESTINATION.format('/copy/x/y')} is not a directory",
        "a file in place of a directory above it",
    ),
    (
        "NOT_A_FILE",
        LAB,
        "/data/pipe",
        "RETR",
        failed("not a regular file"),
        f"{AT_SOURCE.format('/data/pipe')} is neither a file nor a directory",
        "leave it out with exclude",
    ),
    # The pair's own path.
    (
        "FILE_NOT_FOUND",
        LAB,
        "/data/",
        "MLSD",
        errno_reply(550, "PATH_NOT_FOUND", 2, "stat", "No such file or directory"),
        f"there is no source directory '/data' on collection 'Lab' ({LAB})",
        "correct [lab] src_path in the config file",
    ),
    (
        "NOT_A_DIRECTORY",
        ARCHIVE,
        "/copy",
        "MKD",
        errno_reply(550, "NOT_A_DIRECTORY", 20, "mkdir", "Not a directory"),
        f"{AT_DESTINATION.format('/copy')} is not a directory",
        "correct [lab] dst_path in the config file",
    ),
    (
        "PERMISSION_DENIED",
        ARCHIVE,
        "/copy",
        "MKD",
        "550-GlobusError: v=1 c=PERMISSION_DENIED\n550-GridFTP-Error: Path not allowed.\n550 End.",
        f"permission denied for {AT_DESTINATION.format('/copy')}",
        f"{IDENTITY}, permission rw",
    ),
    (
        "PERMISSION_DENIED",
        LAB,
        "/data",
        "MLSD",
        errno_reply(550, "PERMISSION_DENIED", 13, "open", "Permission denied"),
        f"the storage refuses access to {AT_SOURCE.format('/data')}",
        "read it on the collection's computer",
    ),
    # A sign-in on the collection's server.
    (
        "AUTH",
        LAB,
        "",
        "",
        login_reply("LOGIN_DENIED", "No local user exists for this identity"),
        f"the server of {SOURCE} has no account for it: No local user",
        "ask another member to share",
    ),
    (
        "AUTH",
        LAB,
        "",
        "",
        login_reply("LOGIN_DENIED", "None of your identities are from domains allowed by resource policies"),
        f"{SOURCE} admits only certain identities",
        "create a guest collection there",
    ),
    (
        "AUTH",
        ARCHIVE,
        "",
        "",
        login_reply("LOGIN_DENIED", "Your credential requires some initial setup. code=invalid_credential"),
        f"{DESTINATION} has no valid credential for its storage: Your credential",
        "owner",
    ),
    (
        "AUTH",
        LAB,
        "",
        "",
        login_reply("LOGIN_DENIED", "Something else"),
        f"{SOURCE} does not let this application in: Something else",
        "show these words",
    ),
    (
        "AUTH",
        LAB,
        "",
        "",
        login_reply("ENDPOINT_ERROR", "GCS Manager Internal Error", "Mapping collection to specified ID failed."),
        f"Globus could not sign in to {SOURCE}: GCS Manager Internal Error",
        "wait",
    ),
]


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event[0]} {event[2]} {event[4][:40]}")
def test_events(event: tuple[str, ...]) -> None:
    """An event tells the same reason, side and path in each form; nothing of the other side, no path that it is not."""
    code, collection, path, command, reply, reason, fix = event
    problems = {explained(code, form) for form in every_form(collection, path, command, reply)}
    assert len(problems) == 1
    problem = problems.pop()
    assert problem.reason.startswith(reason)
    assert fix in problem.fix
    assert (ARCHIVE if collection == LAB else LAB) not in problem.reason
    assert "Fatal FTP" not in problem.reason
    if path.rstrip("/") not in ("/data", "/copy"):
        assert "_path" not in problem.fix


LOGIN_FAILED = "ExternalError.DirListingFailed.LoginFailed"
NO_MAPPING = "Identity set contains an identity from an allowed domain, but it does not map to a valid username"
NO_DOMAIN = "None of your identities are from domains allowed by resource policies"


def login_failed(collection: str, reply: str) -> str:
    """Return the message of an error document about a sign-in on a collection's server."""
    head = f"Error (login)\nEndpoint: {NAMES[collection]} ({collection})\nServer: 192.0.2.1:443\n"
    return f"Command Failed: {head}Message: Login Failed\n---\nDetails: " + reply.replace("\n", r"\r\n") + "\n"


# Code and message of an error document, whether waiting can help, and what reason and fix must hold.
ANSWERS = [
    ("Conflict", f"Host endpoint of shared endpoint 'Lab ({LAB})' has been deleted", True,
     f"{UNNAMED_SOURCE} has been deleted", "correct [lab] src_endpoint"),
    ("ClientError.Conflict", f"Endpoint 'Lab ({LAB})' is being migrated", False,
     f"Globus says of {UNNAMED_SOURCE}: Endpoint 'Lab ({LAB})' is being migrated", "send these words"),
    ("ClientError.Conflict.SubmissionIdInUse", "The submission id belongs to a delete task", False,
     "Globus says: The submission id belongs to a delete task", "another submission id"),
    ("ClientError.Conflict", f"The collection 'Archive ({ARCHIVE})' is locked for maintenance", False,
     f"Globus says of {UNNAMED_DESTINATION}: The collection 'Archive ({ARCHIVE})' is locked", "send these words"),
    (LOGIN_FAILED, login_failed(LAB, login_reply("LOGIN_DENIED", NO_MAPPING, "Mapping collection to ID failed.")), True,
     f"the server of {SOURCE} has no account for it: Identity set contains", "ask another member to share"),
    (LOGIN_FAILED, login_failed(LAB, login_reply("ENDPOINT_ERROR", "Failure while contacting GCS Manager API.")), False,
     f"Globus could not sign in to {SOURCE}: Failure while contacting GCS Manager API", "wait"),
    (LOGIN_FAILED, login_failed(LAB, login_reply("LOGIN_DENIED", NO_DOMAIN)), True,
     f"{SOURCE} admits only certain identities", "guest collection"),
    (LOGIN_FAILED, login_failed(LAB, "530 Login incorrect."), False,
     f"Globus could not sign in to {SOURCE}: Login Failed", "wait"),
    ("PermissionDenied", login_failed(ARCHIVE, login_reply("LOGIN_DENIED", NO_DOMAIN)), True,
     f"{DESTINATION} admits only certain identities", "guest collection"),
    ("ExternalError",
     rf"Unable to scan endpoint (1, 'Error (connect)\nEndpoint: Lab ({LAB})\nServer: Globus Connect\nMessage: The "
     r"server may be too busy\n---\nDetails: an end-of-file was reached\nglobus_xio: The GSI XIO driver failed to "
     r"establish a secure connection. The failure occured during a handshake read.\n\n')", False,
     f"no secure connection to or from {SOURCE} could be made", "wait"),
    ("EndpointPermissionDenied",
     f"Denied by endpoint, Error (list)\nEndpoint: Lab ({LAB})\nServer: 192.0.2.1:443\nCommand: MLST /data\nMessage: "
     "Fatal FTP Response\n---\nDetails: 500 Command failed : Path not allowed.\\r\\n\n", True,
     f"permission denied for {AT_SOURCE.format('/data')}: Path not allowed", "Accessible Folders"),
    ("NotFound",
     f"Path not found, Error (list)\nEndpoint: Lab ({LAB})\nMessage: No such file or directory\n---\nDetails: Error: "
     r"'/data' not found\r\n550-GlobusError: v=1 c=PATH_NOT_FOUND\r\n550 End.\r\n", True,
     f"there is no source directory '/data' on collection 'Lab' ({LAB})", "correct [lab] src_path"),
    ("PermissionDenied", f"No effective ACL rules on the endpoint '{ARCHIVE}'", True,
     f"permission denied for a path on {UNNAMED_DESTINATION}", f"{IDENTITY}, permission rw"),
    ("ConsentRequired", "Missing required data_access consent", True,
     "needs a data_access consent", "guest collection"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "message", "is_permanent", "reason", "fix"), ANSWERS)
def test_error_documents(code: str, message: str, is_permanent: bool, reason: str, fix: str) -> None:
    """An error document with a common code is told by its words, and blames the side that it names."""
    problem = explained(code, message)
    assert reason in problem.reason
    assert fix in problem.fix
    assert problem.is_permanent is is_permanent
    assert "another task" not in problem.reason


def details(collection: str, reply: str, *, file: str = "", command: str = "") -> str:
    """Return an event's details as text."""
    lines = [f"Endpoint: {NAMES[collection]} ({collection})", f"File: {file}" if file else "", f"Command: {command}"]
    head = "\n".join(line for line in lines if line)
    return f"Error (transfer)\n{head}\nMessage: Fatal FTP response\n---\nDetails: {reply}"


# Code, details; then what reason and fix must hold, and what neither may.
TRAPS = [
    # The command's path is the one that failed.
    (
        "UNKNOWN",
        details(
            ARCHIVE,
            errno_reply(553, "PATH_EXISTS", 17, "mkdir", "File exists"),
            file="/copy/u/1",
            command="MKD /copy/u",
        ),
        f"{AT_DESTINATION.format('/copy/u')} cannot be made",
        "'/copy/u'",
        "/copy/u/1",
    ),
    (
        "PERMISSION_DENIED",
        details(LAB, "500 x", command="CKSM MD5 0 -1 /data/x  y"),
        AT_SOURCE.format("/data/x  y"),
        "",
        "MD5",
    ),
    (
        "PERMISSION_DENIED",
        details(ARCHIVE, "500 x", command="SITE UTIME 20240101 /copy/a b"),
        AT_DESTINATION.format("/copy/a b"),
        "",
        "UTIME",
    ),
    (
        "PERMISSION_DENIED",
        details(ARCHIVE, "500 x", command="ESTO A 0 /copy/a"),
        AT_DESTINATION.format("/copy/a"),
        "",
        "A 0",
    ),
    (
        "PERMISSION_DENIED",
        details(LAB, "500 x", command="USER :globus-sharing:id=x"),
        f"a path on {SOURCE}",
        "",
        "globus-sharing",
    ),
    ("PERMISSION_DENIED", details(LAB, "500 x", command="REST 0-1000"), f"a path on {SOURCE}", "", "0-1000"),
    (
        "FILE_NOT_FOUND",
        details(LAB, "500 x", command="MLST ~/"),
        "there is no source '/~' on collection",
        "compare",
        "exclude",
    ),
    # A path above the pair's own is not below it.
    (
        "UNKNOWN",
        details(LAB, failed("System error in stat: No such file or directory"), file="/"),
        "there is no source directory '/'",
        "correct [lab] src_path in the config file; if it existed before, check that its disk is mounted",
        "gone",
    ),
    ("NOT_A_DIRECTORY", details(ARCHIVE, "500 x", command="MKD /"), "is not a directory", "[lab] dst_path", "remove"),
    # Nothing at the source is removed, and the pair's own path cannot be left out.
    ("NOT_A_FILE", details(LAB, "500 x", file="/data"), "neither a file nor a directory", "src_path", "exclude"),
    ("NOT_A_FILE", details(LAB, "500 x", file="/data/p"), "neither a file nor a directory", "leave it out", "remove"),
    ("INVALID_SYMLINK", details(LAB, "500 x", file="/data/l"), "symbolic link", "correct the link", "remove"),
    ("IS_A_DIRECTORY", details(LAB, "500 x", file="/data"), "is a directory", "administrator", "src_path"),
    ("INVALID_PATH_NAME", details(ARCHIVE, "500 x", file="/copy"), "does not allow the name", "dst_path", "exclude"),
    ("VERIFY_CHECKSUM", details(ARCHIVE, "500 x", file="/copy/a"), "checksum", "the file, or its copy,", "path"),
    # The name of a file says nothing about the reason.
    *(
        (
            code,
            details(
                LAB,
                f"500-globus_xio: Unable to open file {path}\\r\\n500-globus_xio: System error in open: "
                f"Permission denied\\r\\n500 End.",
                file=path,
            ),
            f"the storage refuses access to {AT_SOURCE.format(path)}",
            "let the account",
            "administrator",
        )
        for code in ("UNKNOWN", "ENDPOINT_ERROR")
        for path in (
            "/data/certificate.pem",
            "/data/read-only/x",
            "/data/characters",
            "/data/disk full",
            "/data/memory",
            "/data/handshake.log",
            "/data/too many users/x",
            "/data/no such file or directory",
        )
    ),
    (
        "UNKNOWN",
        details(LAB, failed("System error in stat: Too many levels of symbolic links"), file="/data/loop"),
        f"{AT_SOURCE.format('/data/loop')} is not a symbolic link that Globus can follow",
        "correct the link",
        "busy",
    ),
    (
        "UNKNOWN",
        details(LAB, failed("System error in link: Too many links"), file="/data/x"),
        "Too many links",
        "",
        "busy",
    ),
    (
        "ENDPOINT_ERROR",
        details(ARCHIVE, "500 there is a directory listing in progress", file="/copy/a"),
        "is not working properly at the moment: there is a directory listing in progress",
        "wait",
        "remove",
    ),
    (
        "ENDPOINT_ERROR",
        details(ARCHIVE, "500 Upload failed: file exists in quarantine", file="/copy/a"),
        "file exists in quarantine",
        "wait",
        "remove",
    ),
    # Storage systems have words of their own.
    (
        "ENDPOINT_ERROR",
        details(LAB, "500 User Rate Limit Exceeded. Rate of requests for user exceed configured project quota"),
        "is too busy at the moment",
        "wait",
        "space",
    ),
    (
        "ENDPOINT_ERROR",
        details(LAB, "500 Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'"),
        "is too busy at the moment",
        "wait",
        "space",
    ),
    (
        "ENDPOINT_ERROR",
        details(ARCHIVE, "500 The user's Drive storage quota has been exceeded", file="/copy/a"),
        "no space or quota left",
        "larger quota",
        "wait",
    ),
    (
        "ENDPOINT_ERROR",
        details(ARCHIVE, "507 insufficient storage", file="/copy/a"),
        "no space or quota left",
        "",
        "wait",
    ),
    (
        "ENDPOINT_ERROR",
        details(LAB, "500 ErrorAccessDenied: AccessDenied: Access Denied", file="/data/a"),
        f"permission denied for {AT_SOURCE.format('/data/a')}",
        "let the account",
        "wait",
    ),
    (
        "ENDPOINT_ERROR",
        details(LAB, "500 ErrorExpiredToken: ExpiredToken"),
        "no valid credential",
        "credential again",
        "wait",
    ),
    (
        "ENDPOINT_ERROR",
        details(
            ARCHIVE,
            '500\nglobus_gridftp_server_s3_base: S3\nError accessing "": ErrorInvalidBucketName: '
            r"ErrorInvalidBucketName: \r\n",
            command="MKD /copy/B",
        ),
        f"the storage does not allow the name of {AT_DESTINATION.format('/copy/B')}: Error accessing",
        "another name",
        "S3:",
    ),
    (
        "UNKNOWN",
        details(
            LAB,
            "500-GlobusError: v=1 c=GENERAL_ERROR\n500-HPSS-Function: HpssAPI_StageBatchInit\n500-HPSS-"
            "Reason: HPSS_EIO\n500 End.",
        ),
        "HPSS_EIO",
        "",
        "HpssAPI",
    ),
    # A refused sign-in has many reasons.
    (
        "AUTH",
        details(LAB, login_reply("LOGIN_DENIED", "The HPSS connector could not log you into HPSS.")),
        f"{SOURCE} does not let this application in: The HPSS connector",
        "administrator",
        "guest",
    ),
    (
        "AUTH",
        details(LAB, login_reply("LOGIN_DENIED", "Your subscription has expired")),
        f"{SOURCE} does not let this application in: Your subscription has expired",
        "administrator",
        "guest",
    ),
    (
        "AUTH",
        details(LAB, login_reply("LOGIN_DENIED", "The refresh token has expired or been revoked")),
        f"{SOURCE} has no valid credential for its storage",
        "enter the credential again",
        "guest",
    ),
    (
        "LoginFailed",
        details(
            LAB,
            "530-Login incorrect. : Mapping collection to specified ID failed.\n530-GCS Manager Internal "
            "Error\n530 End.",
        ),
        f"Globus could not sign in to {SOURCE}",
        "wait",
        "gone",
    ),
    # The server's words stay, also where a code is known.
    (
        "PermissionDenied",
        f"A transfer between two personal collections needs a subscription ({LAB})",
        "needs a subscription",
        "show these words",
        "share",
    ),
    (
        "ClientError.NotFound",
        f"No such endpoint '{LAB}'",
        f"Globus does not know the source collection {LAB}",
        "src_endpoint",
        "src_path",
    ),
    ("Conflict", f"Endpoint '{ARCHIVE}' has been deleted", "has been deleted", "dst_endpoint", "words"),
    (
        "UNKNOWN",
        json.dumps(
            {
                "error": {"details": "Disk quota exceeded", "endpoint": f"Archive ({ARCHIVE})"},
                "context": [{"path": "/copy/a"}],
            }
        ),
        f"no space or quota left for {AT_DESTINATION.format('/copy/a')}",
        "",
        "gives no reason",
    ),
    ("UNKNOWN", '{"error": "Disk quota exceeded"}', "no space or quota left", "", "gives no reason"),
    ("UNKNOWN", '{"error": {"type": "Timeout", "body": {}}}', "Globus says: Timeout", "", "gives no reason"),
    (
        "UNKNOWN",
        f"Error (x)\nEndpoint: Lab ({LAB})\nFile: /data/a\nMessage: Fatal FTP response\n---\nDetails: ",
        f"Globus gives no reason for {AT_SOURCE.format('/data/a')}",
        "",
        "words",
    ),
    (
        "TIMEOUT",
        f"Endpoint: copy of ({ARCHIVE}) ({LAB})\nFile: /data/a",
        "collection",
        "",
        f"destination collection {ARCHIVE}",
    ),
    # Other forms, and what stands nearby.
    (
        "UNKNOWN",
        f"Error (transfer)\nEndpoint: Lab ({LAB})\nFile: /data/a\nMessage: Fatal FTP response\n---\n"
        r"500-Command failed. : System error in read: Input/output error\r\n500 End.\r\n",
        f"the storage has a fault at {AT_SOURCE.format('/data/a')}: Input/output error",
        "wait",
        "no reason",
    ),
    (
        "PERMISSION_DENIED",
        details(LAB, failed("System error in open: Operation not permitted"), file="/data/a"),
        f"the storage refuses access to {AT_SOURCE.format('/data/a')}",
        "read it, or leave it out",
        "owner",
    ),
    (
        "PermissionDenied",
        f"Not authorized for that endpoint ({LAB})",
        f"permission denied for a path on {UNNAMED_SOURCE}",
        IDENTITY,
        "Not authorized",
    ),
    (
        "EndpointError",
        f"Cannot connect to endpoint 'Archive ({ARCHIVE})'",
        f"{UNNAMED_DESTINATION} cannot be reached",
        "administrator",
        "Personal",
    ),
    (
        "Conflict",
        f"Host endpoint of shared endpoint 'Smith's Lab ({LAB})' has been deleted",
        f"{UNNAMED_SOURCE} has been deleted",
        "new guest collection",
        "words",
    ),
    (
        "UNKNOWN",
        details(
            LAB,
            "500-Command failed. : /home/u/DSI/globus_gridftp_server_iRODS.c:make_error:579:\n500-iRODS DSI. "
            "Error: No such file or directory.. USER_FILE_DOES_NOT_EXIST: , status: -310000.\n500 End.",
            file="/data/a",
        ),
        f"{AT_SOURCE.format('/data/a')} was gone",
        "",
        ".c:",
    ),
    (
        "UNKNOWN",
        f"File: /data/{ARCHIVE}/a.txt\nCommand: RETR /data/{ARCHIVE}/a.txt\nMessage: x\n---\nDetails: 500 odd",
        f"source '/data/{ARCHIVE}/a.txt' on collection {LAB}",
        "",
        "destination",
    ),
    ("ENDPOINT_ERROR", details(LAB, "500 odd", command="MLSC /data/x/"), "", "", "no reason"),
    (
        "ENDPOINT_ERROR",
        details(ARCHIVE, "500 Account storage limit reached", file="/copy/a"),
        "no space or quota left",
        "",
        "wait",
    ),
    # A name is shown as it is.
    ("INVALID_PATH_NAME", details(ARCHIVE, "500 no", file="/copy/report "), "'/copy/report '", "", "'/copy/report'"),
    ("PERMISSION_DENIED", details(ARCHIVE, "500 no", file="/copy/%0D%0A"), "'/copy/%0D%0A'", "", "'/copy'"),
    ("PERMISSION_DENIED", details(ARCHIVE, "500 no", file=r"/copy/a\r\nb"), r"'/copy/a\r\nb'", "", "'/copy/a'"),
    ("PERMISSION_DENIED", details(ARCHIVE, "500 no", file="/copy/a\nFile: /copy/b"), "'/copy/a'", "", "'/copy/b'"),
]


@pytest.mark.parametrize("trap", TRAPS, ids=lambda trap: f"{trap[0]} {trap[2][:50]}")
def test_traps(trap: tuple[str, str, str, str, str]) -> None:
    """Words that look like another reason, or like another path, are not taken for it."""
    code, text, reason, fix, never = trap
    problem = explained(code, text)
    assert reason in problem.reason
    assert fix in problem.fix
    assert never not in problem.reason + problem.fix


@pytest.mark.parametrize(
    "piece", ["credential ", "exceed ", "530-", "'", "endpoint '", "a: ", "globus_x: ", "\\n", "1 ", "c="]
)
def test_long_texts_take_no_time(piece: str) -> None:
    """However long a text is and whatever it repeats, it is read in a moment."""
    text = f"530-{piece * (20_000 // len(piece))}"
    for code in ("PERMISSION_DENIED", "UNKNOWN"):
        for form in (text, f"File: {text}\nDetails: {text}", json.dumps({"error": {"body": text}})):
            started = time.process_time()
            explained(code, form)
            assert time.process_time() - started < 0.5


# Every code in the list of event codes that Globus staff published in 2020, and what its reason must hold.
PUBLISHED_CODES = {
    "ABEND": "an internal error of Globus or of a server of {where}",
    "ACL_CHANGED": "permission denied for {path}",
    "AMBIGUOUS_PATH": "several files or directories have one path: {path}",
    "AUTH": "Globus could not sign in to {where}",
    "CANCELED": "the task was cancelled",
    "CLOCK": "the clock of a server of {where} is wrong",
    "CONNECT_FAILED": "{where} cannot be reached",
    "CONNECTION_BROKEN": "the connection to or from {where} broke",
    "CONNECTION_RESET": "the connection to or from {where} broke",
    "ENDPOINT_ERROR": "{where} is not working properly at the moment",
    "ENDPOINT_TOO_BUSY": "{where} is too busy at the moment",
    "EXPIRED": "the deadline of the task passed",
    "EXTERNAL_CHECKSUM_MISMATCH": "the checksum of {path} differed after the copy",
    "FILE_ACCESS": "permission denied for {path}",
    "FILE_NOT_FOUND": "{path} was gone when it was to be copied",
    "FILE_SIZE_CHANGED": "the size of {path} changed during the copy",
    "GC_NOT_CONNECTED": "{where} is not connected",
    "GC_PAUSED": "Globus Connect Personal is paused on the computer of {where}",
    "GSI_DN_MISMATCH": "a server of {where} has a certificate that Globus does not accept",
    "INTERNAL_ERROR": "an internal error of Globus or of a server of {where}",
    "INVALID_PATH_NAME": "the storage does not allow the name of {path}",
    "INVALID_SERVICE_CREDENTIAL": "a server of {where} has a certificate that Globus does not accept",
    "INVALID_SYMLINK": "{path} is not a symbolic link that Globus can follow",
    "IS_A_DIRECTORY": "{path} is a directory",
    "IS_A_FILE": "{path} is not a directory",
    "LIMIT_EXCEEDED": "{path} exceeds a limit of Globus or of the storage",
    "MPU_NOT_FOUND": "the storage of {where} cannot continue a file that was copied in part",
    "NO_APPEND_FILESYSTEM": "the storage of {where} cannot continue a file that was copied in part",
    "NO_CREDENTIALS": "Globus could not sign in to {where}",
    "NO_PHYSICALS": "{where} has no server that could transfer files",
    "NO_SPACE_LEFT": "no space or quota left for {path}",
    "NOT_A_DIRECTORY": "{path} is not a directory",
    "NOT_A_FILE": "{path} is neither a file nor a directory",
    "NOT_A_SYMLINK": "{path} is not a symbolic link that Globus can follow",
    "PAUSED": "paused by the administrator of {where}",
    "PERMISSION_DENIED": "permission denied for {path}",
    "PROGRESS": "Globus says of {path}: progress",
    "QUOTA_EXCEEDED": "no space or quota left for {path}",
    "STARTED": "Globus says of {path}: started",
    "SUCCEEDED": "Globus says of {path}: succeeded",
    "TIMEOUT": "{where} did not answer in time",
    "UNKNOWN": "Globus gives no reason for {path}",
    "UNPAUSED": "Globus says of {path}: unpaused",
    "VERIFY_CHECKSUM": "the checksum of {path} differed after the copy",
}


@pytest.mark.parametrize(("code", "reason"), PUBLISHED_CODES.items())
def test_published_codes(code: str, reason: str) -> None:
    """Each code has a sentence of its own, with the side and the path, even where the server adds nothing."""
    for text in every_form(LAB, "/data/deep/a  b", "RETR", "500 End."):
        problem = explained(code, text)
        assert problem.reason.startswith(reason.format(where=SOURCE, path=AT_SOURCE.format("/data/deep/a  b")))
        assert problem.fix


def test_a_fix_is_about_the_path_that_is_named() -> None:
    """Of all codes and places, only a pair's own path is corrected in the config file."""
    places = ((LAB, "/data/deep"), (ARCHIVE, "/copy/deep"), (LAB, ""), (ARCHIVE, ""))
    for code, (collection, path) in itertools.product(PUBLISHED_CODES, places):
        fix = explained(code, every_form(collection, path, "X", "500 End.")[0]).fix
        assert "src_path" not in fix, (code, path)
        assert "dst_path" not in fix, (code, path)
