"""
What an error code of Globus means, and what a person can do about it. Pure; it does not need the SDK.

The rules are the rows ``_PERMANENT`` and ``_PASSING``; ``_words`` has the words for the names between braces.
Source of the codes: Globus Transfer API, file_operations, task_submit and task_events.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from globus_sync_directory.model.answer import Rejected
from globus_sync_directory.model.pair import Directory, Pair, looks_like_local_path
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.task import Pause
from globus_sync_directory.text import quote, shorten


@dataclass(frozen=True, kw_only=True)
class About:
    """
    What an error is about, as far as that is known.

    ``directory`` may be an end of the pair or any path below one; ``identity`` is the application's own.
    """

    pair: Pair | None = None
    directory: Directory | None = None
    identity: str = ""

    @property
    def prefix(self) -> str:
        """The prefix of the config keys for the end of the pair that this is about: ``src_``, ``dst_`` or empty."""
        if self.pair is None or self.directory is None:
            return ""
        if self.pair.source.contains(self.directory):
            return "src_"
        return "dst_" if self.pair.destination.contains(self.directory) else ""

    @property
    def side(self) -> str:
        """The word for that end, with a space after it, or empty."""
        return {"src_": "source ", "dst_": "destination ", "": ""}[self.prefix]

    @property
    def is_below(self) -> bool:
        """Whether it is about a path below an end of the pair."""
        return self.pair is not None and self.directory not in (None, self.pair.source, self.pair.destination)

    @property
    def where(self) -> str:
        """The collection, or the two of which it is one."""
        if self.directory:
            return f"the {self.side}collection {self.directory.collection}"
        if self.pair:
            source, destination = self.pair.source.collection, self.pair.destination.collection
            return f"the source collection {source} or the destination collection {destination}"
        return "one of its collections"


class _Row(NamedTuple):
    """What to say about these codes."""

    codes: tuple[str, ...]
    reason: str
    fix: str


_NOT_FOUND = _Row(("NotFound", "FILE_NOT_FOUND", "PATH_NOT_FOUND"), "{missing}", "{correct_path}{hints}")
_DENIED = _Row(
    ("PERMISSION_DENIED", "PermissionDenied", "EndpointPermissionDenied", "ACL_CHANGED", "FILE_ACCESS"),
    "permission denied for {path}",
    "{share}",
)
_FULL = _Row(
    ("QUOTA_EXCEEDED", "NO_SPACE_LEFT"),
    "no space or quota left for {path}",
    "free some space there, or ask for a larger quota",
)
# The general row: neither code nor details say more.
_TROUBLE = _Row(
    ("ENDPOINT_TOO_BUSY", "ENDPOINT_ERROR", "EndpointError", "TIMEOUT", "CONNECTION_BROKEN", "CONNECTION_RESET"),
    "{where} is not working properly at the moment{message}",
    "wait; if this persists, ask the collection's administrator",
)
_PERMANENT = (
    _NOT_FOUND,
    _DENIED,
    _Row(("EndpointNotFound",), "Globus does not know the {side}collection {id}", "{correct_endpoint}"),
    _Row(
        ("EndpointDeleted",),
        "{where} has been deleted",
        "create a new guest collection, share it with {identity}, and {correct_endpoint}",
    ),
    _Row(
        ("ConsentRequired", "AuthPolicyFailed", "LoginFailed", "NoCred", "AUTH", "NO_CREDENTIALS"),
        "{where} requires a consent, policy or account that an application cannot have",
        "ask its owner to create a guest collection there and to share that with {identity}",
    ),
    _Row(("NotDirectory", "NOT_A_DIRECTORY", "IS_A_FILE"), "{path} is not a directory", "{correct_path}"),
)
_PASSING = (
    _FULL,
    _TROUBLE,
    _Row(
        ("GC_NOT_CONNECTED", "GCDisconnected", "CONNECT_FAILED"),
        "{where} is not connected",
        "{find_out_which}start Globus Connect Personal on that computer, or ask the collection's administrator",
    ),
    _Row(
        ("VERIFY_CHECKSUM", "FILE_SIZE_CHANGED", "EXTERNAL_CHECKSUM_MISMATCH"),
        "the checksum or size of a file differed after the copy; something may have changed it during the copy",
        "nothing to do for now: Globus copies it again; if this persists, stop whatever modifies the files during "
        "transfers",
    ),
    _Row(
        ("PAUSED", "PAUSED_BY_ADMIN", "GC_PAUSED", "OperationPaused"),
        "paused by the administrator of {where}{quoted_message}",
        "nothing to do during maintenance; if this persists, ask that administrator",
    ),
)
_UNKNOWN = _Row((), "{globus_says}", "look at the task in the Globus web app, or ask the collection's administrator")
_BY_CODE = {code: row for row in _PERMANENT + _PASSING for code in row.codes}


def explain(code: str, message: str, about: About) -> Problem:
    """
    Return the problem behind an error ``code`` of the Transfer API or of a task's log.

    ``message`` is the error's message or an event's details. For a code that is not in the table, the reason is in
    Globus' words.
    """
    row = _BY_CODE.get(_last_part(code), _UNKNOWN)
    in_details = re.search(r"\bc=([A-Z_]+)", message)  # what a GridFTP server said
    if row is _TROUBLE and in_details and in_details[1] in _FULL.codes:
        row = _FULL
    if row is _FULL and about.pair and not about.directory:  # space is needed at the destination
        about = replace(about, directory=about.pair.destination)
    words = _words(code, message, about)
    return Problem(
        reason=row.reason.format_map(words),
        fix=row.fix.format_map(words),
        command=words["share_command"] if row is _DENIED else "",
        is_permanent=row in _PERMANENT,
    )


def explain_pause(pauses: Sequence[Pause], pair: Pair | None) -> Problem:
    """Return why a task is paused; the first of ``pauses`` counts."""
    first = pauses[0] if pauses else Pause()
    ends = (pair.source, pair.destination) if pair else ()
    end = next((end for end in ends if end.collection == first.collection), None)
    return explain("PAUSED", first.message, About(pair=pair, directory=end))


def directory_in(details: str, pair: Pair) -> Directory | None:
    """Return which of the pair's collections, and which path on it, the details of an error event are about."""
    endpoint = re.search(r"^Endpoint: .*\(([0-9a-fA-F-]{36})\)\s*$", details, re.MULTILINE)
    if not endpoint:
        return None
    if file := re.search(r"^File: (.+)$", details, re.MULTILINE):
        named = Directory(collection=endpoint[1].lower(), path="/" + file[1].rstrip().strip("/"))
        if pair.source.contains(named) or pair.destination.contains(named):
            return named
    return end_named(endpoint[1], pair)


def end_named(message: str, pair: Pair) -> Directory | None:
    """Return which end of the pair an error is about, where its message names one of the two collections."""
    ends = [end for end in (pair.source, pair.destination) if end.collection in message.lower()]
    return ends[0] if len(ends) == 1 else None


def is_path_not_found(code: str) -> bool:
    """Return whether ``code`` says that a path does not exist."""
    return _last_part(code) in _NOT_FOUND.codes


def is_no_such_task(answer: Rejected) -> bool:
    """Return whether Globus says that we have no such task; which code says that is not documented."""
    return answer.http_status == 404 or (answer.http_status == 403 and answer.code.endswith("PermissionDenied"))


def _last_part(code: str) -> str:
    """Return the part of a code that the table has: "Exists" of "ExternalError.MkdirFailed.Exists"."""
    return code.rpartition(".")[2].removesuffix("Exception")


def _words(code: str, message: str, about: About) -> Mapping[str, str]:
    """Return the words for each name that can be between braces in a row."""
    directory = about.directory
    path, missing = f"a path on {about.where}", f"a file or directory is missing on {about.where}"
    if directory:
        place = f"{quote(directory.path)} on collection {directory.collection}"
        path, missing = f"{about.side}{place}", f"there is no {about.side}directory {place}"
    share, share_command = _share(about)
    line = re.search(r"^Message: (.+)$", message, re.MULTILINE)  # in the details of an event, Globus' own words
    said = shorten(line[1] if line else message)
    globus_says = said or shorten(code)
    return {
        "side": about.side,
        "id": directory.collection if directory else "with that id",
        "where": about.where,
        "path": path,
        "missing": missing,
        "correct_endpoint": _correct(about, "endpoint"),
        "correct_path": _correct(about, "path"),
        "hints": _hints(about),
        "identity": about.identity,
        "share": share,
        "share_command": share_command,
        "find_out_which": "run check to see which one; " if about.pair and not directory else "",
        "message": f": {said}" if said and message != code else "",
        "quoted_message": f": {quote(said)}" if said else "",
        "globus_says": f"Globus says: {globus_says}" if globus_says else "Globus gives no reason",
    }


def _correct(about: About, key: str) -> str:
    if about.pair is None or not about.prefix:
        return "compare the collections and paths in the config file with those in the Globus web app"
    return f"correct [{about.pair.name}] {about.prefix}{key} in the config file"


def _hints(about: About) -> str:
    """Return other possible causes of a missing path, to be added to a fix."""
    path = about.directory.path if about.directory else ""
    hints = ""
    if looks_like_local_path(path):
        hints += "; paths start at the top of the collection, not at the top of the computer's file system"
    if about.pair and about.directory == about.pair.source:
        hints += "; if it existed before, check that its disk is mounted"
    if re.search(r"\s[#;]", path):
        hints += "; in the config file, a comment must be on a line of its own"
    return hints


def _share(about: About) -> tuple[str, str]:
    """Return how to give the permission, in words and, if the directory is known, as a command."""
    directory, is_destination = about.directory, about.prefix == "dst_"
    if about.pair is None or directory is None:
        both = f"both guest collections must be shared with {about.identity}: r at the source, rw at the destination"
        return f"if src_ and dst_ are swapped, exchange them and grant nothing; otherwise {both}", ""
    if about.is_below and is_destination:
        return "on the collection's computer, let the account that shares the collection write to it", ""
    if about.is_below:
        return "let the account that shares the collection read it, or leave it out with exclude", ""
    right, verb, swapped = "r", "read", ""
    if is_destination:
        right, verb = "rw", "read and write"
        swapped = "if your data come from here, src_ and dst_ are swapped: exchange them and grant nothing; otherwise "
    words = (
        f"{swapped}ask its owner to share it with {about.identity}, permission {right}, on the collection's page under "
        "Permissions or with the command below; if it is shared already, let the account that shares the collection "
        f"{verb} the directory on the collection's computer"
    )
    client_id = about.identity.partition("@")[0]
    target = shlex.quote(f"{directory.collection}:{directory.path_with_slash}")
    return words, f"globus endpoint permission create --identity {client_id} --permissions {right} {target}"
