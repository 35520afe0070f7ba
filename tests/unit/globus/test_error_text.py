"""Every form in which Globus and servers write down an error."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globus_sync_directory.globus.error_text import read_error_text

ONE = "763d50ee-e814-4080-878b-6a8be5cf7570"
MISSING = (
    "550-GlobusError: v=1 c=PATH_NOT_FOUND",
    "550-GridFTP-Errno: 2",
    "550-GridFTP-Reason: System error in stat",
    "550-GridFTP-Error-String: No such file or directory",
    "550 End.",
)
LINE_ENDS = (r"\r\n", "%0D%0A", "%0d%0a", "\r\n", "\n")


def reply(lines: tuple[str, ...], line_end: str) -> str:
    """Return an FTP reply with one spelling of line ends."""
    return "".join(line + line_end for line in lines)


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_text_details(line_end: str) -> None:
    """Lines name the collection, the path and the command; the reply has the server's words."""
    head = f"Error (list)\nEndpoint: Lab ({ONE.upper()})\nServer: h:443\nFile: /a  b/c\nCommand: MLST /a  b/c\n"
    found = read_error_text(f"{head}Message: Fatal FTP response\n---\nDetails: {reply(MISSING, line_end)}")
    assert (found.collection, found.name, found.path) == (ONE, "Lab", "/a  b/c")
    assert (found.server_code, found.said, found.message) == ("PATH_NOT_FOUND", "No such file or directory", "")


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_json_details(line_end: str) -> None:
    """JSON has the same reply as its body."""
    error = {"body": reply(MISSING, line_end), "code": 550, "endpoint": f"Lab ({ONE})", "type": "FTPServerError"}
    found = read_error_text(json.dumps({"context": [{"operation": "x"}, {"path": "/a  b/c"}], "error": error}))
    assert (found.collection, found.path) == (ONE, "/a  b/c")
    assert (found.server_code, found.said) == ("PATH_NOT_FOUND", "No such file or directory")


@pytest.mark.parametrize("line_end", LINE_ENDS)
def test_a_reply_alone(line_end: str) -> None:
    """The details of a skipped path are only the reply."""
    found = read_error_text(reply(MISSING, line_end))
    assert (found.server_code, found.said) == ("PATH_NOT_FOUND", "No such file or directory")


@pytest.mark.parametrize(("details", "said"), [
    ("500 Command failed : Path not allowed.", "Path not allowed"),
    ("500-Command failed. : System error in open: Read-only file system\n500 End.", "Read-only file system"),
    ("500-Command failed. : an end-of-file was reached\n500-globus_xio: An end of file occurred\n500 End.",
     "an end-of-file was reached"),
    ("500-Command failed. : globus_xio: The GSI XIO driver failed to establish a secure connection.\n500-globus_xio: "
     "System error in recv: Connection reset by peer\n500 End.",
     "The GSI XIO driver failed to establish a secure connection"),
    ("500-Command failed. : globus_l_gfs_file_open failed.\n500-globus_xio: Unable to open file /x\n500-globus_xio: "
     "System error in open: No such file or directory\n500-globus_xio: A system call failed: No such file or directory",
     "No such file or directory"),
    ("530-Login incorrect. : GlobusError: v=1 c=LOGIN_DENIED\n530-GridFTP-Message: Not here\n"
     '530-GridFTP-JSON-Result: {"code": "permission_denied"}\n530 End.', "Not here"),
    ("530-Login incorrect. : Mapping failed.\n530-GlobusError: v=1 c=LOGIN_DENIED\n530-GridFTP-Message: It maps to no "
     "user\n530 End.", "It maps to no user"),
    ("530-Login incorrect. : GlobusError: v=1 c=ENDPOINT_ERROR\n530-Failure while contacting GCS Manager API.",
     "Failure while contacting GCS Manager API"),
    ("550-GlobusError: v=1 c=PERMISSION_DENIED\n550-GridFTP-Error: Path not allowed.\n550 End.", "Path not allowed"),
    ("451-GlobusError: v=1 c=INTERNAL_ERROR\n451-GridFTP-Errno: 5\n451-GridFTP-Reason: System error in read\n451 End.",
     "System error in read"),
    ("500-GlobusError: v=1 c=GENERAL_ERROR\n500-HPSS-Reason: HPSS_ENOATTR\n500 End.", "HPSS_ENOATTR"),
    ("500 globus_xio: ICE negotiation failed.", "ICE negotiation failed"),
    ("500 globus_xio: System error in write: Invalid argument", "Invalid argument"),
    ("End.", ""),
    ("500", ""),
])  # fmt: skip
def test_the_words_that_explain_most(details: str, said: str) -> None:
    """The words of the storage come before those of a library, and numbers and names of functions come last."""
    assert read_error_text(f"Message: Fatal FTP Response\n---\nDetails: {details}").said == said
    assert read_error_text(details).said == said


@pytest.mark.parametrize(("text", "said", "message"), [
    ("an end-of-file was reached", "an end-of-file was reached", ""),
    ("Directory '/x' not found on endpoint", "Directory '/x' not found on endpoint", ""),
    ("Error (x)\nMessage: Fatal FTP Response ---\nDetails: 500 No.", "No", ""),
    ("Error (x)\nMessage: The server may be too busy", "", "The server may be too busy"),
    ("Error (x)\nMessage: Fatal FTP response", "", ""),
    ("Command Failed: Error (login)\nMessage: Login Failed\n---\nDetails: 530 Login incorrect.", "", "Login Failed"),
    (r"Unable to scan (1, 'Error (connect)\nMessage: Too busy\n---\nDetails: end-of-file\nglobus_xio: End\n\n')",
     "end-of-file", "Too busy"),
    ("", "", ""),
    ("{", "", ""),
    ("{}", "", ""),
    ('{"error": null, "context": 3}', "", ""),
    ('{"error": {"message": "no"}}', "no", ""),
    ('{"message": "no"}', "no", ""),
    ('{"bytes_transferred": 3}', "", ""),
    ("[1]", "[1]", ""),
])  # fmt: skip
def test_other_forms(text: str, said: str, message: str) -> None:
    """Plain sentences are words; "Fatal FTP response" never is."""
    found = read_error_text(text)
    assert (found.said, found.message) == (said, message)


def test_the_command_names_the_path_too() -> None:
    """Where no line names the file, the command does."""
    assert read_error_text("Error (list)\nCommand: MLST /a b/\nMessage: x").path == "/a b/"


def test_a_backslash_in_a_name_is_no_line_end() -> None:
    """Only the four characters of CR LF end a line; ``\\new`` is a name."""
    assert read_error_text(r"Details: 500 cannot open C:\new\runs").said == r"cannot open C:\new\runs"


TEXT = st.text(max_size=80) | st.text(alphabet='{}[]":,\\rn%0DA- \n5E', max_size=80)


@given(TEXT)
def test_any_text(text: str) -> None:
    """Whatever a text holds, it can be read, and no field breaks a line."""
    for details in (
        text,
        f"Endpoint: x ({text})\nFile: {text}\nDetails: {text}",
        json.dumps({"error": {"body": text}}),
    ):
        found = read_error_text(details)
        assert "\n" not in found.said + found.path + found.collection
