"""Every row of the table: its words for each side, at the pair's path and below it."""

from __future__ import annotations

import shlex
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globus_sync_directory.globus.explain import (
    About,
    explain,
    is_no_such_task,
    is_path_not_found,
)
from globus_sync_directory.model.answer import Rejected
from globus_sync_directory.model.pair import Directory, Pair

ONE, TWO = "763d50ee-e814-4080-878b-6a8be5cf7570", "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
CLIENT = "3f2a0c52-0000-4000-8000-0000000000aa"
IDENTITY = f"{CLIENT}@clients.auth.globus.org"
PAIR = Pair(
    name="lab", source=Directory(collection=ONE, path="/images"), destination=Directory(collection=TWO, path="/copy")
)
BELOW_SOURCE = Directory(collection=ONE, path="/images/a  b")
BELOW_DESTINATION = Directory(collection=TWO, path="/copy/x")

NO_PAIR = About(identity=IDENTITY)
NO_SIDE = About(pair=PAIR, identity=IDENTITY)
SOURCE = About(pair=PAIR, directory=PAIR.source, identity=IDENTITY)
DESTINATION = About(pair=PAIR, directory=PAIR.destination, identity=IDENTITY)
IN_SOURCE = About(pair=PAIR, directory=BELOW_SOURCE, identity=IDENTITY)
IN_DESTINATION = About(pair=PAIR, directory=BELOW_DESTINATION, identity=IDENTITY)
ELSEWHERE = About(pair=PAIR, directory=Directory(collection="x", path="/y"), identity=IDENTITY)

EITHER = f"the source collection {ONE} or the destination collection {TWO}"
COMPARE = "compare the collections and paths in the config file with those in the Globus web app"
MOUNTED = "; if it existed before, check that its disk is mounted"
LOCAL = "; paths start at the top of the collection, not at the top of the computer's file system"
COMMENT = "; in the config file, a comment must be on a line of its own"
ASK = f"ask its owner to share it with {IDENTITY}, permission "
GIVE = (
    ", on the collection's page under Permissions or with the command below; if it is shared already, let the account "
    "that shares the collection "
)
SWAPPED = "if your data come from here, src_ and dst_ are swapped: exchange them and grant nothing; otherwise "
BOTH = (
    "if src_ and dst_ are swapped, exchange them and grant nothing; otherwise both guest collections must be shared "
    f"with {IDENTITY}: r at the source, rw at the destination"
)
GUEST = f"ask its owner to create a guest collection there and to share that with {IDENTITY}"
NEW = f"create a new guest collection, share it with {IDENTITY}, and "
START = "start Globus Connect Personal on that computer, or ask the collection's administrator"
FREE = "free some space there, or ask for a larger quota"
AGAIN = (
    "nothing to do for now: Globus copies it again; if this persists, stop whatever modifies the file, or its copy, "
    "during transfers, or leave it out with exclude"
)
DIFFERED = " differed after the copy; something may have changed the file during the copy"
MAINTENANCE = "nothing to do during maintenance; if this persists, ask that administrator"
WAIT = "wait; if this persists, ask the collection's administrator"
SEND = "if this persists, send these words to the collection's administrator"
LOOK = "look at the task in the Globus web app, or ask the collection's administrator"
NOT_FOUND = ("NotFound", "ClientError.NotFound", "FILE_NOT_FOUND", "PATH_NOT_FOUND", "ExternalError.Stat.NotFound")
DENIED = (
    *("PERMISSION_DENIED", "PermissionDenied", "EndpointPermissionDenied", "ACL_CHANGED", "FILE_ACCESS"),
    "ExternalError.DirListingFailed.PermissionDenied",
)
SIGN_IN = ("AuthPolicyFailed", "NoCredException", "ClientError.Conflict.NoCredException")
NO_DIRECTORY = ("NotDirectory", "NOT_A_DIRECTORY", "IS_A_FILE", "ExternalError.DirListingFailed.NotDirectory")
OFFLINE = ("GC_NOT_CONNECTED", "GCDisconnectedException", "ClientError.GCDisconnected")
FULL = ("QUOTA_EXCEEDED", "NO_SPACE_LEFT")
CHANGED = ("VERIFY_CHECKSUM", "EXTERNAL_CHECKSUM_MISMATCH")
PAUSED = ("PAUSED", "PAUSED_BY_ADMIN", "OperationPaused")
BUSY = ("ENDPOINT_ERROR", "EndpointError")

PERMANENT_CASES = [
    (("EndpointNotFound",), NO_PAIR, "Globus does not know the collection with that id", COMPARE),
    (("EndpointNotFound",), NO_SIDE, "Globus does not know the collection with that id", COMPARE),
    (("EndpointNotFound",), SOURCE, f"Globus does not know the source collection {ONE}", "[lab] src_endpoint"),
    (
        ("EndpointNotFound",),
        DESTINATION,
        f"Globus does not know the destination collection {TWO}",
        "[lab] dst_endpoint",
    ),
    (("EndpointNotFound",), ELSEWHERE, "Globus does not know the collection x", COMPARE),
    (("EndpointDeleted",), NO_PAIR, "one of its collections has been deleted", NEW + COMPARE),
    (("EndpointDeleted",), NO_SIDE, f"{EITHER} has been deleted", NEW + COMPARE),
    (("EndpointDeleted",), SOURCE, f"the source collection {ONE} has been deleted", f"{NEW}correct [lab] src_endpoint"),
    (("EndpointDeleted",), DESTINATION, f"the destination collection {TWO} has been deleted", "[lab] dst_endpoint"),
    (NOT_FOUND, NO_PAIR, "a file or directory is missing on one of its collections", COMPARE),
    (NOT_FOUND, NO_SIDE, f"a file or directory is missing on {EITHER}", COMPARE),
    (NOT_FOUND, SOURCE, f"there is no source directory '/images' on collection {ONE}", "[lab] src_path"),
    (NOT_FOUND, DESTINATION, f"there is no destination directory '/copy' on collection {TWO}", "[lab] dst_path"),
    (
        NOT_FOUND,
        IN_SOURCE,
        f"source '/images/a  b' on collection {ONE} was gone when it was to be copied",
        "nothing to do",
    ),
    (
        NOT_FOUND,
        IN_DESTINATION,
        f"there is no destination '/copy/x' on collection {TWO}",
        "stop what removes files there",
    ),
    (NOT_FOUND, ELSEWHERE, "there is no '/y' on collection x", COMPARE),
    (DENIED, NO_PAIR, "permission denied for a path on one of its collections", BOTH),
    (DENIED, NO_SIDE, f"permission denied for a path on {EITHER}", BOTH),
    (DENIED, SOURCE, f"permission denied for source '/images' on collection {ONE}", f"{ASK}r{GIVE}read the"),
    (DENIED, DESTINATION, f"permission denied for destination '/copy' on collection {TWO}", f"{SWAPPED}{ASK}rw{GIVE}"),
    (
        DENIED,
        IN_SOURCE,
        f"permission denied for source '/images/a  b' on collection {ONE}",
        "leave it out with exclude",
    ),
    (DENIED, IN_DESTINATION, f"permission denied for destination '/copy/x' on collection {TWO}", "write to it"),
    (SIGN_IN, NO_PAIR, "one of its collections requires a consent, policy or account that an application", GUEST),
    (SIGN_IN, NO_SIDE, f"{EITHER} requires a consent, policy or account that an application cannot have", GUEST),
    (SIGN_IN, SOURCE, f"the source collection {ONE} requires a consent, policy or account that an", GUEST),
    (SIGN_IN, DESTINATION, f"the destination collection {TWO} requires a consent, policy or account that", GUEST),
    (NO_DIRECTORY, NO_PAIR, "a path on one of its collections is not a directory", COMPARE),
    (NO_DIRECTORY, SOURCE, f"source '/images' on collection {ONE} is not a directory", "correct [lab] src_path"),
    (NO_DIRECTORY, DESTINATION, f"destination '/copy' on collection {TWO} is not a directory", "[lab] dst_path"),
]
PASSING_CASES = [
    (OFFLINE, NO_PAIR, "one of its collections is not connected", START),
    (OFFLINE, NO_SIDE, f"{EITHER} is not connected", f"run check to see which one; {START}"),
    (OFFLINE, SOURCE, f"the source collection {ONE} is not connected", START),
    (OFFLINE, IN_DESTINATION, f"the destination collection {TWO} is not connected", START),
    (FULL, NO_PAIR, "no space or quota left for a path on one of its collections", FREE),
    (FULL, NO_SIDE, f"no space or quota left for destination '/copy' on collection {TWO}", FREE),
    (FULL, IN_DESTINATION, f"no space or quota left for destination '/copy/x' on collection {TWO}", FREE),
    (FULL, SOURCE, f"no space or quota left for source '/images' on collection {ONE}", FREE),
    (CHANGED, IN_SOURCE, f"the checksum of source '/images/a  b' on collection {ONE}{DIFFERED}", AGAIN),
    (CHANGED, NO_PAIR, f"the checksum of a path on one of its collections{DIFFERED}", AGAIN),
    (PAUSED, SOURCE, f"paused by the administrator of the source collection {ONE}", MAINTENANCE),
    (PAUSED, NO_SIDE, f"paused by the administrator of {EITHER}", MAINTENANCE),
    (BUSY, DESTINATION, f"the destination collection {TWO} is not working properly at the moment", WAIT),
    (BUSY, NO_PAIR, "one of its collections is not working properly at the moment", WAIT),
    (("",), SOURCE, f"Globus gives no reason for source '/images' on collection {ONE}", LOOK),
    (("NEVER_HEARD_OF",), NO_PAIR, "Globus says: never heard of", SEND),
]


@pytest.mark.parametrize(("codes", "about", "reason", "fix"), PERMANENT_CASES)
def test_what_waiting_cannot_help(codes: tuple[str, ...], about: About, reason: str, fix: str) -> None:
    """These codes say what only a person can put right, and where."""
    for code in codes:
        problem = explain(code, "", about)
        assert problem.reason.startswith(reason), code
        assert fix in problem.fix, code
        assert problem.is_permanent, code


@pytest.mark.parametrize(("codes", "about", "reason", "fix"), PASSING_CASES)
def test_what_may_pass(codes: tuple[str, ...], about: About, reason: str, fix: str) -> None:
    """These codes say what may be over by itself, or what only Globus can explain."""
    for code in codes:
        problem = explain(code, "", about)
        assert (problem.reason, problem.fix, problem.is_permanent) == (reason, fix, False), code
        assert problem.command == "", code


@pytest.mark.parametrize(("code", "about", "hints"), [
    ("NotFound", SOURCE, MOUNTED),
    ("NotFound", DESTINATION, ""),
])  # fmt: skip
def test_a_source_that_is_missing_may_not_be_mounted(code: str, about: About, hints: str) -> None:
    """Only where the pair's source itself is missing, the fix speaks of its disk."""
    assert explain(code, "", about).fix == f"correct [lab] {about.prefix}path in the config file{hints}"


@pytest.mark.parametrize(("path", "hint"), [
    ("/nesi/project/uoa1/data", LOCAL),
    ("/home/me/data", LOCAL),
    ("/scale_wlg_persistent/filesets/project", LOCAL),
    ("/mnt/disk/data", LOCAL),
    ("/Users/me/data", LOCAL),
    ("/data/run1", ""),
    ("/home", ""),
    ("/nesi2/x", ""),
    ("/images/home/x", ""),
    ("/~/home/x", ""),
    ("/images # mine", COMMENT),
    ("/images ; mine", COMMENT),
    ("/images#1", ""),
    ("/home/me ; mine", LOCAL + COMMENT),
])  # fmt: skip
def test_hints_about_a_missing_path(path: str, hint: str) -> None:
    """A path of the computer's own, and a comment that became part of a path, are pointed out."""
    end = Directory(collection=TWO, path=path)
    pair = Pair(name="lab", source=PAIR.source, destination=end)
    problem = explain("NotFound", "", About(pair=pair, directory=end, identity=IDENTITY))
    assert problem.fix == f"correct [lab] dst_path in the config file{hint}"


@pytest.mark.parametrize("path", ["/my  lab", "/it's", "/$HOME/`x`", "/" + "long" * 100, "/"])
@pytest.mark.parametrize(("end", "right"), [("source", "r"), ("destination", "rw")])
def test_the_command_can_be_pasted(path: str, end: str, right: str) -> None:
    """The command gives this right on exactly this directory, whatever its name holds."""
    ends = {"source": PAIR.source, "destination": PAIR.destination}
    directory = Directory(collection=ends[end].collection, path=path)
    ends[end] = directory
    pair = Pair(name="lab", source=ends["source"], destination=ends["destination"])
    problem = explain("PermissionDenied", "", About(pair=pair, directory=directory, identity=IDENTITY))
    assert shlex.split(problem.command) == [
        *("globus", "endpoint", "permission", "create", "--identity", CLIENT, "--permissions", right),
        f"{directory.collection}:{directory.path_with_slash}",
    ]
    assert f"'{path}'" in problem.reason


@pytest.mark.parametrize("about", [NO_PAIR, NO_SIDE, IN_SOURCE, IN_DESTINATION])
def test_no_command_where_it_is_not_known_what_to_give(about: About) -> None:
    """A right on a path below the pair's own is given on the collection's computer, not by Globus."""
    assert explain("PermissionDenied", "", about).command == ""


@pytest.mark.parametrize(("code", "message", "reason"), [
    ("TIMEOUT", "TIMEOUT", "did not answer in time"),
    ("TIMEOUT", "the server is slow", "did not answer in time: the server is slow"),
    ("ENDPOINT_ERROR", f"Error (x)\nEndpoint: ({ONE})\nMessage: too bad\n---\nDetails: y",
     "is not working properly at the moment: y"),
    ("ENDPOINT_ERROR", f"Endpoint: ({ONE})\nMessage: too bad", "is not working properly at the moment: too bad"),
    ("ENDPOINT_ERROR", "500 v=1 c=QUOTA_EXCEEDED", f"no space or quota left for source '/images' on collection {ONE}"),
    ("TIMEOUT", "c=NO_SPACE_LEFT", f"no space or quota left for source '/images' on collection {ONE}"),
    ("ENDPOINT_ERROR", "500 v=1 c=SOMETHING_ELSE", "is not working properly at the moment"),
    ("UNHEARD_OF", "500 v=1 c=QUOTA_EXCEEDED", f"no space or quota left for source '/images' on collection {ONE}"),
    ("UNHEARD_OF", "Message: no tape", f"Globus says of source '/images' on collection {ONE}: unheard of: no tape"),
    ("UNKNOWN", "Message: what it was", f"Globus says of source '/images' on collection {ONE}: what it was"),
    ("UNKNOWN", "Message: Fatal FTP response", f"Globus gives no reason for source '/images' on collection {ONE}"),
    ("UNHEARD_OF", "x" * 300, f"Globus says of source '/images' on collection {ONE}: " + "x" * 159 + "…"),
    ("PAUSED", "back at\tnoon", "paused by the administrator of the source collection " + ONE + ": 'back at noon'"),
])  # fmt: skip
def test_the_message_is_used(code: str, message: str, reason: str) -> None:
    """The words of the server are shown where the code alone says too little; its own code is more exact."""
    assert explain(code, message, SOURCE).reason.endswith(reason)


def test_braces_in_names_are_only_text() -> None:
    """A name with braces is shown as it is."""
    end = Directory(collection=ONE, path="/{identity}")
    pair = Pair(name="{fix}", source=end, destination=PAIR.destination)
    problem = explain("NotFound", "{0}", About(pair=pair, directory=end))
    assert "'/{identity}'" in problem.reason
    assert "[{fix}]" in problem.fix


TEXT = st.text(max_size=60)
CODES = st.sampled_from([*NOT_FOUND, *DENIED, *SIGN_IN, *OFFLINE, *FULL, *CHANGED, *PAUSED, *BUSY]) | TEXT


@given(CODES, TEXT, TEXT, st.sampled_from([NO_PAIR, NO_SIDE, SOURCE, IN_SOURCE, IN_DESTINATION, ELSEWHERE]))
def test_any_text(code: str, message: str, path: str, about: About) -> None:
    """Whatever code, message and details hold, there is a reason and a fix."""
    problem = explain(code, message, about)
    assert problem.reason
    assert problem.fix


SAME = Pair(name="x", source=Directory(collection=ONE, path="/a"), destination=Directory(collection=ONE, path="/b"))
BOTH_SAME = f"the source collection {ONE} or the destination collection {ONE}"


@pytest.mark.parametrize(("text", "pair", "place"), [
    (f"Endpoint: ({ONE})\nFile: /images/a  b\nCommand: x", PAIR, f"source '/images/a  b' on collection {ONE}"),
    (f"Error\nEndpoint: ({ONE.upper()})\nFile: /images/a  b/", PAIR, f"source '/images/a  b' on collection {ONE}"),
    (f"Endpoint: ({TWO})", PAIR, f"the destination collection {TWO}"),
    (f"Endpoint: ({TWO})\nFile: /elsewhere", PAIR, f"destination '/elsewhere' on collection {TWO}"),
    (f"Endpoint: ({ONE})\nFile: /b/c", SAME, f"destination '/b/c' on collection {ONE}"),
    (f"Endpoint: ({ONE})\nFile: /c", SAME, f"'/c' on collection {ONE}"),
    (f"Endpoint: ({ONE})", SAME, f"the collection {ONE}"),
    (f"Endpoint: ({CLIENT})\nFile: /images", PAIR, f"'/images' on collection {CLIENT}"),
    ("File: /images/x", PAIR, f"source '/images/x' on collection {ONE}"),
    ("File: /elsewhere", PAIR, f"'/elsewhere' on {EITHER}"),
    (f"Endpoint: ({TWO})\nFile: /x", None, f"'/x' on collection {TWO}"),
    (f"The collection 'Lab' ({ONE}) is slow", PAIR, f"the source collection {ONE}"),
    (f"'{TWO.upper()}' is slow", PAIR, f"the destination collection {TWO}"),
    (f"{ONE} and {TWO} are slow", PAIR, ""),
    ("slow", PAIR, ""),
])  # fmt: skip
def test_the_place_is_taken_from_the_text(text: str, pair: Pair | None, place: str) -> None:
    """The text names the collection or the path, and with that the side; what it does not name is not blamed."""
    reason = explain("UNHEARD_OF", text, About(pair=pair, identity=IDENTITY)).reason
    assert reason.startswith(f"Globus says of {place}: " if place else "Globus says: ")


@pytest.mark.parametrize("text", [f"Endpoint: ({ONE})\nMessage: x", "x", f"Endpoint: ({ONE})\nFile: /images/x"])
@pytest.mark.parametrize("code", ["FILE_NOT_FOUND", "NOT_A_DIRECTORY", "IS_A_DIRECTORY", "PATH_EXISTS"])
def test_no_path_of_the_config_is_blamed_for_another(code: str, text: str) -> None:
    """A fix names ``src_path`` only where the trouble is known to be with it."""
    problem = explain(code, text, NO_SIDE)
    assert "src_path" not in problem.reason + problem.fix
    assert "dst_path" not in problem.reason + problem.fix


@pytest.mark.parametrize(("code", "expected"), [
    *((code, True) for code in NOT_FOUND), ("EndpointNotFound", False), ("TaskNotFound", False), ("", False),
])  # fmt: skip
def test_is_path_not_found(code: str, expected: bool) -> None:
    """A collection or a task that is not found is no path."""
    assert is_path_not_found(code) is expected


@pytest.mark.parametrize(("status", "code", "expected"), [
    (404, "TaskNotFound", True),
    (404, "ClientError.NotFound", True),
    (403, "PermissionDenied", True),
    (403, "ClientError.PermissionDenied", True),
    (403, "ConsentRequired", False),
    (400, "ClientError.BadRequest", False),
])  # fmt: skip
def test_is_no_such_task(status: int, code: str, expected: bool) -> None:
    """Globus says in more than one way that a task is not ours or not there."""
    assert is_no_such_task(Rejected(http_status=status, code=code, message="")) is expected


def test_explaining_needs_no_sdk() -> None:
    """Who only words a problem does not wait for the SDK to be imported."""
    code = "import sys, globus_sync_directory.globus.explain; sys.exit('globus_sdk' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0
