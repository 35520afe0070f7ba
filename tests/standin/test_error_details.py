"""What servers say about errors, as recorded, in each form and with each spelling of line ends."""

import errno
import json
from collections.abc import Callable
from typing import Any

import pytest
from globus_sdk import TransferAPIError

from globus_sync_directory.standin import Behaviour
from globus_sync_directory.standin.api.error_details import event_details
from globus_sync_directory.standin.engine.errors import TransferError
from globus_sync_directory.standin.storage import StorageError, errors, split_path

from .helpers import World


def told(world: World, text: str) -> str:
    """Return a text with the words that this file uses for the ids of the two collections."""
    return text.replace(world.src.id, "SRC").replace(world.dst.id, "DST")


def error_of(world: World, task_id: str) -> tuple[str, str]:
    """Return code and details of a task's newest error."""
    event = next(iter(world.tc.task_event_list(task_id, query_params={"filter": "is_error:1"})))
    return event["code"], told(world, event["details"])


def newest_error(world: World, *paths: str) -> tuple[str, str]:
    """Copy and return code and details of the newest error."""
    return error_of(world, world.run(*paths)["task_id"])


def text(name: str, where: str, file: str, command: str, *said: str) -> str:
    """Return details as text."""
    file = f"File: {file}\nCommand: {command} {file}\n" if command else ""
    message = "Message: Fatal FTP response\n---\nDetails: " if said else ""
    return (
        f"Error ({name})\nEndpoint: {where}\nServer: localhost:443\n{file}{message}"
        + "".join(rf"{line}\r\n" for line in said)
    )  # fmt: skip


def missing(world: World) -> Any:
    return newest_error(world, "/none")


def not_shared(world: World) -> Any:
    world.write("deep/a")
    world.src.rules[world.client_id, split_path("/deep")] = ""
    return newest_error(world)


def unreadable(world: World) -> Any:
    world.write("a")
    world.src.unreadable.add("/a")
    return newest_error(world)


def not_writable(world: World) -> Any:
    world.dst.rules[world.client_id, ()] = "r"
    return newest_error(world, "/", "/copy")


def file_in_the_way(world: World) -> Any:
    world.write("deep/a")
    world.write("copy/deep", at_target=True)
    return newest_error(world, "/", "/copy")


def directory_in_the_way(world: World) -> Any:
    world.write("x")
    world.write("copy/x/inside", at_target=True)
    return newest_error(world, "/", "/copy")


def full(world: World) -> Any:
    world.write("a")
    world.dst.full = True
    return newest_error(world, "/", "/copy")


def wrong_checksum(world: World) -> Any:
    world.write("a")
    world.dst.wrong_checksums = 1
    task = world.run("/", "/copy", verify_checksum=True)
    return error_of(world, task["task_id"])


def changed_file(world: World) -> Any:
    world.write("a")
    world.src.changing_files = 1
    return newest_error(world, "/", "/copy")


def offline(world: World) -> Any:
    world.dst.online = False
    return newest_error(world)


def personal_offline(world: World) -> Any:
    world.dst.entity_type = "GCP_guest_collection"
    world.globus.hold()
    task_id = world.submit()
    world.globus.wait()
    world.dst.online = False
    world.globus.release()
    world.globus.wait()
    return error_of(world, task_id)


def login(failure: str) -> Callable[[World], Any]:
    def failed_login(world: World) -> Any:
        world.dst.login_failure = failure
        return newest_error(world)

    return failed_login


def structured(number: int, code: str, error: int, call: str, words: str) -> tuple[str, ...]:
    """Return the lines of a server's answer that names the system's error."""
    lines = (f"GlobusError: v=1 c={code}", f"GridFTP-Errno: {error}", f"GridFTP-Reason: System error in {call}")
    return (*(f"{number}-{line}" for line in lines), f"{number}-GridFTP-Error-String: {words}", f"{number} End.")


LAB, ARCHIVE = "Lab (SRC)", "Archive (DST)"
_LOGIN = "530-Login incorrect. : Mapping collection to specified ID failed."
_NO_MAPPING = (
    "530-GridFTP-Message: Identity set contains an identity from an allowed domain, but it does not map to a valid "
    "username for this connector"
)

# What happens, and the code and the details of the event.
EVENTS: dict[Callable[[World], Any], tuple[str, str]] = {
    missing: (
        "FILE_NOT_FOUND",
        text("list", LAB, "/none", "MLST", *structured(550, "PATH_NOT_FOUND", 2, "stat", "No such file or directory")),
    ),
    not_shared: (
        "PERMISSION_DENIED", text("list", LAB, "/deep", "MLST", "500 Command failed : Path not allowed.")
    ),
    unreadable: (
        "PERMISSION_DENIED",
        text("transfer", LAB, "/a", "RETR", "500-Command failed. : System error in open: Permission denied",
             "500 End."),
    ),
    not_writable: (
        "PERMISSION_DENIED",
        text("make directories", ARCHIVE, "/copy", "MKD", "550-GlobusError: v=1 c=PERMISSION_DENIED",
             "550-GridFTP-Error: Path not allowed.", "550 End."),
    ),
    file_in_the_way: (
        "UNKNOWN",
        text("make directories", ARCHIVE, "/copy/deep", "MKD",
             *structured(553, "PATH_EXISTS", 17, "mkdir", "File exists")),
    ),
    directory_in_the_way: (
        "IS_A_DIRECTORY",
        text("transfer", ARCHIVE, "/copy/x", "STOR", "500-Command failed. : System error in open: Is a directory",
             "500 End."),
    ),
    full: (
        "QUOTA_EXCEEDED",
        text("transfer", ARCHIVE, "/copy/a", "STOR", "500-Command failed. : System error in write: Disk quota exceeded",
             "500 End."),
    ),
    wrong_checksum: (
        "VERIFY_CHECKSUM",
        text("transfer", ARCHIVE, "", "")
        + "File: /copy/a\nMessage: The checksums of the source and the destination file differ",
    ),
    changed_file: (
        "FILE_SIZE_CHANGED",
        text("transfer", LAB, "", "") + "File: /a\nMessage: The size of the file changed while it was transferred",
    ),
    offline: (
        "CONNECT_FAILED",
        text("connect", ARCHIVE, "", "") + "Message: Could not connect to server\n---\n"
        r"Details: globus_xio: Unable to connect to localhost:443\n"
        r"globus_xio: System error in connect: Connection refused\n"
        r"globus_xio: A system call failed: Connection refused\n",
    ),
    personal_offline: (
        "GC_NOT_CONNECTED",
        "The Globus Connect Personal endpoint 'Archive (DST)' is not currently connected to Globus",
    ),
    login("LOGIN_DENIED"): (
        "AUTH",
        text("login", ARCHIVE, "", "") + f"Message: Login Failed\n---\nDetails: {_LOGIN}"
        rf"\r\n530-GlobusError: v=1 c=LOGIN_DENIED\r\n{_NO_MAPPING}\r\n530 End.\r\n",
    ),
    login("ENDPOINT_ERROR"): (
        "ENDPOINT_ERROR",
        text("login", ARCHIVE, "", "") + f"Message: Login Failed\n---\nDetails: {_LOGIN}"
        r"\r\n530-GlobusError: v=1 c=ENDPOINT_ERROR\r\n530-GCS Manager Internal Error\r\n530 End.\r\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize("happen", EVENTS, ids=lambda happen: happen.__name__)
def test_event(world: World, happen: Callable[[World], Any]) -> None:
    """The event has the code and the details that are recorded for such an error."""
    assert happen(world) == EVENTS[happen]


def of_the_disk(world: World, operation: Any, number: int) -> TransferError:
    """Return the error of a step at the destination that failed with this error number of the system."""
    with pytest.raises(StorageError) as caught, errors():
        raise OSError(number, "")
    error = caught.value
    return TransferError(error.code, world.dst, split_path("/copy/deep"), operation, error)


@pytest.mark.parametrize(
    ("operation", "number", "code", "said"),
    [
        ("write", errno.EROFS, "ENDPOINT_ERROR",
         ("500-Command failed. : System error in open: Read-only file system", "500 End.")),
        ("write", errno.ENOSPC, "NO_SPACE_LEFT",
         ("500-Command failed. : System error in write: No space left on device", "500 End.")),
        ("mkdir", errno.EROFS, "ENDPOINT_ERROR",
         structured(550, "INTERNAL_ERROR", 30, "mkdir", "Read-only file system")),
        ("mkdir", errno.EDQUOT, "QUOTA_EXCEEDED",
         structured(552, "QUOTA_EXCEEDED", 122, "mkdir", "Disk quota exceeded")),
        ("list", errno.ESTALE, "ENDPOINT_ERROR", structured(451, "INTERNAL_ERROR", 116, "stat", "Stale file handle")),
        ("list", errno.ENOTDIR, "NOT_A_DIRECTORY", structured(550, "NOT_A_DIRECTORY", 20, "stat", "Not a directory")),
        ("delete", errno.EPERM, "PERMISSION_DENIED",
         structured(550, "INTERNAL_ERROR", 1, "unlink", "Operation not permitted")),
    ],
)  # fmt: skip
def test_errors_of_the_disk(world: World, operation: Any, number: int, code: str, said: tuple[str, ...]) -> None:
    """Each error of the file system is told as a GridFTP server tells it."""
    error = of_the_disk(world, operation, number)
    details = event_details(error, Behaviour())
    assert (error.code, details.partition("\nDetails: ")[2]) == (code, "".join(rf"{line}\r\n" for line in said))


_BODY = "550-GlobusError: v=1 c=PATH_NOT_FOUND|550-GridFTP-Errno: 2|"


@pytest.mark.parametrize(
    ("form", "line_ends", "expected"),
    [
        ("text", "recorded", r"\r\n"), ("text", "escaped", r"\r\n"), ("text", "percent", "%0D%0A"),
        ("text", "crlf", "\r\n"), ("json", "recorded", "%0D%0A"), ("json", "escaped", r"\r\n"),
        ("json", "percent", "%0D%0A"), ("json", "crlf", "\r\n"),
    ],
)  # fmt: skip
def test_forms(world: World, form: Any, line_ends: Any, expected: str) -> None:
    """The same error is told as text and as JSON, with each spelling of line ends; so is a skipped path."""
    world.globus.behaviour = Behaviour(error_details=form, line_ends=line_ends)
    _, details = missing(world)
    said = json.loads(details)["error"]["body"] if form == "json" else details.partition("\nDetails: ")[2]
    assert said.startswith(_BODY.replace("|", expected))
    (path,) = world.tc.task_skipped_errors(world.run("/no", "/b", skip_source_errors=True)["task_id"])
    percent = line_ends in ("recorded", "percent")
    assert path["error_details"].startswith(_BODY.replace("|", "%0D%0A" if percent else expected))


def test_json(world: World) -> None:
    """In JSON, the operation and the path are the context, and the error names collection, server and number."""
    world.globus.behaviour = Behaviour(error_details="json")
    where = {"endpoint": LAB, "server": "localhost:443", "type": "FTPServerError"}
    assert json.loads(not_shared(world)[1]) == {
        "context": [{"operation": "Directory List / File Scan", "path": "/deep"}],
        "error": {"body": "500 Command failed : Path not allowed.\n", "code": 500, **where},
    }
    world.src.rules.clear()
    world.src.rules[world.client_id, ()] = "r"
    assert json.loads(changed_file(world)[1]) == {
        "context": [{"operation": "FTP RETR", "path": "/a"}],
        "error": {"body": "The size of the file changed while it was transferred", **where},
    }


@pytest.mark.parametrize("failure", ["LOGIN_DENIED", "ENDPOINT_ERROR"])
def test_a_failed_login(world: World, failure: str) -> None:
    """An identity that has no account is told apart from an outage only by what the server said."""
    world.src.login_failure = failure
    with pytest.raises(TransferAPIError) as caught:
        world.tc.operation_ls(world.src.id)
    error = caught.value
    assert (error.http_status, error.code) == (502, "ExternalError.DirListingFailed.LoginFailed")
    assert told(world, error.message or "").startswith(
        "Command Failed: Error (login)\nEndpoint: Lab (SRC)\nServer: localhost:443\nMessage: Login Failed\n---\n"
        rf"Details: {_LOGIN}\r\n530-GlobusError: v=1 c={failure}\r\n530-"
    )
    assert ("does not map to a valid username" in (error.message or "")) == (failure == "LOGIN_DENIED")


def test_answers_to_file_operations(world: World) -> None:
    """The answer to a file operation ends with what the server said, as the SDK's recordings do."""
    world.src.unreadable.add("/")
    world.dst.full = True
    calls: list[tuple[Callable[[], object], str]] = [
        (lambda: world.tc.operation_stat(world.dst.id, "~/foo"),
         "Path not found, Error (list)\nEndpoint: Archive (DST)\nServer: localhost:443\n"
         "Message: No such file or directory\n---\n"
         r"Details: Error: '~/foo' not found\r\n550-GlobusError: v=1 c=PATH_NOT_FOUND\r\n550-GridFTP-Errno: 2\r\n"
         r"550-GridFTP-Reason: System error in stat\r\n550-GridFTP-Error-String: No such file or directory\r\n"
         r"550 End.\r\n"),
        (lambda: world.tc.operation_ls(world.src.id, path="/"),
         "Denied by endpoint, Error (list)\nEndpoint: Lab (SRC)\nServer: localhost:443\nCommand: MLST /\n"
         "Message: Fatal FTP Response\n---\n"
         r"Details: 550-GlobusError: v=1 c=PERMISSION_DENIED\r\n550-GridFTP-Errno: 13\r\n"
         r"550-GridFTP-Reason: System error in stat\r\n550-GridFTP-Error-String: Permission denied\r\n550 End.\r\n"),
        (lambda: world.tc.operation_mkdir(world.dst.id, "/new"),
         "Endpoint Error, Error (mkdir)\nEndpoint: Archive (DST)\nServer: localhost:443\nCommand: MKD /new\n"
         "Message: Fatal FTP Response\n---\n"
         r"Details: 552-GlobusError: v=1 c=QUOTA_EXCEEDED\r\n552-GridFTP-Errno: 122\r\n"
         r"552-GridFTP-Reason: System error in mkdir\r\n552-GridFTP-Error-String: Disk quota exceeded\r\n552 End.\r\n"),
    ]  # fmt: skip
    for call, message in calls:
        with pytest.raises(TransferAPIError) as caught:
            call()
        assert told(world, caught.value.message or "") == message + "\n"
