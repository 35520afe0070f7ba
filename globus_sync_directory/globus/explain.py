"""
What an error code of Globus means, and what a person can do about it. Pure; it does not need the SDK.

The rules are in the table ``_ROWS``; ``_words`` has the words for the names between braces.
Source of the codes: Globus Transfer API, file_operations, task_submit and task_events.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, kw_only=True)
class _Row:
    """What to say about these codes; ``is_general``: a more specific code in the details replaces this row."""

    codes: tuple[str, ...]
    reason: str
    fix: str
    command: str = ""
    is_permanent: bool = False
    is_general: bool = False


_FULL = _Row(
    codes=("QUOTA_EXCEEDED", "NO_SPACE_LEFT"),
    reason="no space or quota left for {path_written}",
    fix="free some space there, or ask for a larger quota",
)
_NOT_FOUND = _Row(
    codes=("NotFound", "FILE_NOT_FOUND", "PATH_NOT_FOUND"),
    reason="{missing}",
    fix="{correct_path}{hints}",
    is_permanent=True,
)
_ROWS = (
    _Row(
        codes=("EndpointNotFound",),
        reason="Globus does not know the {side}collection {id}",
        fix="{correct_endpoint}",
        is_permanent=True,
    ),
    _Row(
        codes=("EndpointDeleted",),
        reason="{where} has been deleted",
        fix="create a new guest collection, share it with {identity}, and {correct_endpoint}",
        is_permanent=True,
    ),
    _NOT_FOUND,
    _Row(
        codes=("PERMISSION_DENIED", "PermissionDenied", "EndpointPermissionDenied", "ACL_CHANGED", "FILE_ACCESS"),
        reason="permission denied for {path}",
        fix="{share}",
        command="{share_command}",
        is_permanent=True,
    ),
    _Row(
        codes=("ConsentRequired", "AuthPolicyFailed", "LoginFailed", "NoCred", "AUTH", "NO_CREDENTIALS"),
        reason="{where} requires a consent, policy or account that an application cannot have",
        fix="ask its owner to create a guest collection there and to share that with {identity}",
        is_permanent=True,
    ),
    _Row(
        codes=("NotDirectory", "NOT_A_DIRECTORY", "IS_A_FILE"),
        reason="{path} is not a directory",
        fix="{correct_path}",
        is_permanent=True,
    ),
    _Row(
        codes=("GC_NOT_CONNECTED", "GCDisconnected", "CONNECT_FAILED"),
        reason="{where} is not connected",
        fix="{find_out_which}start Globus Connect Personal on that computer, or ask the collection's administrator",
    ),
    _FULL,
    _Row(
        codes=("VERIFY_CHECKSUM", "FILE_SIZE_CHANGED", "EXTERNAL_CHECKSUM_MISMATCH"),
        reason="the checksum or size of a file differed after the copy; something may have changed it during the copy",
        fix="nothing to do for now: Globus copies it again; if this persists, stop whatever modifies the files during "
        "transfers",
    ),
    _Row(
        codes=("PAUSED", "PAUSED_BY_ADMIN", "GC_PAUSED", "OperationPaused"),
        reason="paused by the administrator of {where}{quoted_message}",
        fix="nothing to do during maintenance; if this persists, ask that administrator",
    ),
    _Row(
        codes=(
            "ENDPOINT_TOO_BUSY",
            "ENDPOINT_ERROR",
            "EndpointError",
            "TIMEOUT",
            "CONNECTION_BROKEN",
            "CONNECTION_RESET",
        ),
        reason="{where} is not working properly at the moment{message}",
        fix="wait; if this persists, ask the collection's administrator",
        is_general=True,
    ),
)
_BY_CODE = {code: row for row in _ROWS for code in row.codes}
_UNKNOWN = _Row(
    codes=(),
    reason="{globus_says}",
    fix="look at the task in the Globus web app, or ask the collection's administrator",
)


def explain(code: str, message: str, about: About) -> Problem:
    """
    Return the problem behind an error ``code`` of the Transfer API or of a task's log.

    ``message`` is the error's message or an event's details. For a code that is not in the table, the reason is in
    Globus' words.
    """
    row = _BY_CODE.get(_last_part(code), _UNKNOWN)
    in_details = re.search(r"\bc=([A-Z_]+)", message)  # what a GridFTP server said
    if row.is_general and in_details and in_details[1] in _FULL.codes:
        row = _FULL
    words = _words(code, message, about)
    return Problem(
        reason=row.reason.format_map(words),
        fix=row.fix.format_map(words),
        command=row.command.format_map(words),
        is_permanent=row.is_permanent,
    )


def explain_pause(pauses: Sequence[Pause], pair: Pair | None) -> Problem:
    """Return why a task is paused; the first of ``pauses`` counts."""
    first = pauses[0] if pauses else Pause(collection="", message="")
    ends = (pair.source, pair.destination) if pair else ()
    end = next((end for end in ends if end.collection == first.collection), None)
    return explain("PAUSED", first.message, About(pair=pair, directory=end))


def directory_in(details: str, pair: Pair) -> Directory | None:
    """Return which of the pair's collections, and which path on it, the details of an error event are about."""
    endpoint = re.search(r"^Endpoint: .*\(([0-9a-fA-F-]{36})\)\s*$", details, re.MULTILINE)
    if not endpoint:
        return None
    file = re.search(r"^File: (.+)$", details, re.MULTILINE)
    ends = [end for end in (pair.source, pair.destination) if end.collection == endpoint[1].lower()]
    named = Directory(collection=endpoint[1].lower(), path="/" + file[1].rstrip().strip("/")) if file else None
    if named and any(end.contains(named) for end in ends):
        return named
    return ends[0] if len(ends) == 1 else None


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
    where = _where(about)
    place = f"{quote(directory.path)} on collection {directory.collection}" if directory else ""
    path = f"{about.side}{place}" if place else f"a path on {where}"
    missing = f"there is no {about.side}directory {place}" if place else f"a file or directory is missing on {where}"
    path_written = path
    if about.pair and not directory:  # space is needed at the destination
        end = about.pair.destination
        path_written = f"destination {quote(end.path)} on collection {end.collection}"
    share, share_command = _share(about)
    said = _said(message)
    other_than_code = said if message != code else ""
    globus_says = said or shorten(code)
    return {
        "side": about.side,
        "id": directory.collection if directory else "with that id",
        "where": where,
        "path": path,
        "path_written": path_written,
        "missing": missing,
        "correct_endpoint": _correct(about, "endpoint"),
        "correct_path": _correct(about, "path"),
        "hints": _hints(about),
        "identity": about.identity,
        "share": share,
        "share_command": share_command,
        "find_out_which": "run check to see which one; " if about.pair and not directory else "",
        "message": f": {other_than_code}" if other_than_code else "",
        "quoted_message": f": {quote(said)}" if said else "",
        "globus_says": f"Globus says: {globus_says}" if globus_says else "Globus gives no reason",
    }


def _where(about: About) -> str:
    if about.directory:
        return f"the {about.side}collection {about.directory.collection}"
    if about.pair:
        source, destination = about.pair.source.collection, about.pair.destination.collection
        return f"the source collection {source} or the destination collection {destination}"
    return "one of its collections"


def _said(message: str) -> str:
    """Return Globus' own words; of an event's details, only the line with the message."""
    line = re.search(r"^Message: (.+)$", message, re.MULTILINE)
    return shorten(line[1] if line else message)


def _correct(about: About, key: str) -> str:
    if about.pair is None or not about.prefix:
        return "compare the collections and paths in the config file with those in the Globus web app"
    return f"correct [{about.pair.name}] {about.prefix}{key} in the config file"


def _hints(about: About) -> str:
    """Return other possible causes of a missing path, to be added to a fix."""
    if about.directory is None:
        return ""
    hints = ""
    if looks_like_local_path(about.directory.path):
        hints += "; paths start at the top of the collection, not at the top of the computer's file system"
    if about.pair and about.directory == about.pair.source:
        hints += "; if it existed before, check that its disk is mounted"
    if re.search(r"\s[#;]", about.directory.path):
        hints += "; in the config file, a comment must be on a line of its own"
    return hints


def _share(about: About) -> tuple[str, str]:
    """Return how to give the permission, in words and, if the directory is known, as a command."""
    pair, directory = about.pair, about.directory
    if pair is None or directory is None:
        both = f"both guest collections must be shared with {about.identity}: r at the source, rw at the destination"
        return both, ""
    is_destination = pair.destination.contains(directory)
    if about.is_below and is_destination:
        return "on the collection's computer, let the account that shares the collection write to it", ""
    if about.is_below:
        return "let the account that shares the collection read it, or leave it out with exclude", ""
    right = "rw" if is_destination else "r"
    swapped = (
        "if your data come from here, src_ and dst_ are swapped: exchange them and grant nothing; otherwise "
        if is_destination
        else ""
    )
    words = (
        f"{swapped}ask its owner to share it with {about.identity}, permission {right}, on the collection's page under "
        "Permissions or with the command below; if it is shared already, let the account that shares the collection "
        f"{'read and write' if is_destination else 'read'} the directory on the collection's computer"
    )
    client_id = about.identity.partition("@")[0]
    target = shlex.quote(f"{directory.collection}:{directory.path_with_slash}")
    return words, f"globus endpoint permission create --identity {client_id} --permissions {right} {target}"
