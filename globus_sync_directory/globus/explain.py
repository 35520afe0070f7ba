"""What Globus' refusals and error events mean in plain words, and what the reader can do about each."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass

from globus_sync_directory.text import sanitize, quote
from globus_sync_directory.model.pair import Pair, Directory

_PATH_NOT_FOUND = ("NotFound", "ClientError.NotFound", "FILE_NOT_FOUND", "PATH_NOT_FOUND")
_DENIED = ("PERMISSION_DENIED", "PermissionDenied", "EndpointPermissionDenied", "ACL_CHANGED", "FILE_ACCESS")
_OFFLINE = ("GC_NOT_CONNECTED", "GCDisconnected", "CONNECT_FAILED")
_FULL = ("QUOTA_EXCEEDED", "NO_SPACE_LEFT")
_CHANGED = ("VERIFY_CHECKSUM", "FILE_SIZE_CHANGED", "EXTERNAL_CHECKSUM_MISMATCH")
_SIGN_IN = ("ConsentRequired", "AuthPolicyFailed", "LoginFailed", "NoCredException", "AUTH", "NO_CREDENTIALS")
_PAUSED = ("PAUSED", "PAUSED_BY_ADMIN", "GC_PAUSED", "OperationPaused")
_NOT_A_DIRECTORY = ("NotDirectory", "NOT_A_DIRECTORY", "IS_A_FILE")
_BUSY = ("ENDPOINT_TOO_BUSY", "TIMEOUT", "CONNECTION_BROKEN", "CONNECTION_RESET", "ENDPOINT_ERROR", "EndpointError")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """
    Why something does not go on, the cure, and the command that cures it; each is one cleaned line.

    ``hopeless``: waiting cannot cure it.
    """

    reason: str
    fix: str = ""
    command: str = ""
    permanent: bool = False


def explain(code: str, message: str, pair: Pair | None, place: Directory | None, identity: str) -> Problem:
    """
    Return the cause behind an error ``code`` of the Transfer API or of a task's log.

    ``place`` is the directory it is about where that is known, ``pair`` the pair, ``identity`` ours. A code nobody
    here has heard of comes back with Globus' own words. Source: Globus Transfer API, file_operations and task_events.
    """
    inner = re.search(r"\bc=([A-Z_]+)", message)  # what a GridFTP server said, inside a general error of Globus
    if inner and inner[1] in _FULL and _is(code, _BUSY):
        code = inner[1]
    side = _side(pair, place)
    where = _where(pair, place)
    path = f"{side}'{sanitize(place.path)}' on collection {place.collection}" if place else f"a path on {where}"
    if _is(code, ("EndpointNotFound",)):
        what = f"Globus knows no {side}collection {place.collection if place else 'of that id'}"
        cure = _correct(pair, place, "endpoint")
        return Problem(reason=what, fix=cure, permanent=True)
    if _is(code, ("EndpointDeleted",)):
        cure = f"make a new guest collection, share it with {identity}, and {_correct(pair, place, 'endpoint')}"
        return Problem(reason=f"{where} has been deleted", fix=cure, permanent=True)
    if is_path_not_found(code):
        missing = f"there is no {side}directory '{sanitize(place.path)}' on collection {place.collection}" if place else ""
        what, cure = missing or f"a file or directory is not there on {where}", _correct(pair, place, "path")
        if pair and place == pair.source:
            cure += "; where it was there before, look whether its disk is mounted"
        if place and re.search(r"\s[#;]", place.path):
            cure += "; a comment in that file needs a line of its own"
        return Problem(reason=what, fix=cure, permanent=True)
    if _is(code, _DENIED):
        cure, command = _share(pair, place, identity)
        return Problem(reason=f"permission denied for {path}", fix=cure, command=command, permanent=True)
    if _is(code, _SIGN_IN):
        return Problem(
            reason=f"{where} asks for a consent, policy or account that an application cannot meet",
            fix=f"let its owner make a guest collection there and share that with {identity}",
            permanent=True,
        )
    if _is(code, _NOT_A_DIRECTORY):
        return Problem(reason=f"{path} is not a directory", fix=_correct(pair, place, "path"), permanent=True)
    if _is(code, _OFFLINE):
        which = "" if place or pair is None else "see with check which it is; "
        return Problem(
            reason=f"{where} is not connected",
            fix=f"{which}start Globus Connect Personal on that computer, or ask the collection's administrator",
        )
    if _is(code, _FULL):
        if pair and not place:
            path = f"destination '{sanitize(pair.destination.path)}' on collection {pair.destination.collection}"
        return Problem(
            reason=f"no space or quota left for {path}",
            fix="make room there, or have the quota raised",
        )
    if _is(code, _CHANGED):
        return Problem(
            reason="a file's checksum or size differed after copying; it may be written to while it is copied",
            fix="none for now, it is sent again; if it stays, stop what writes there during the transfer",
        )
    if _is(code, _PAUSED):
        return paused(where, message)
    if _is(code, _BUSY):
        said = _said(message) if message != code else ""
        return Problem(
            reason=f"{where} does not work properly just now" + (f": {said}" if said else ""),
            fix="wait; if it stays, ask the collection's administrator",
        )
    said = _said(message) or sanitize(code, 160)
    return Problem(
        reason=f"Globus says: {said}" if said else "Globus gives no reason",
        fix="look the task up in the Globus web app, or ask the collection's administrator",
    )


def _said(message: str) -> str:
    """Return Globus' own words: of the details of an event only the line that holds them."""
    found = re.search(r"^Message: (.+)$", message, re.MULTILINE)
    return sanitize(found[1] if found else message, 160)


def paused(where: str, message: str) -> Problem:
    """Return the cause of a pause at ``where``, with what the administrator left as a message."""
    said = sanitize(message, 160)
    what = f"paused by the administrator of {where}" + (f": {quote(said)}" if said else "")
    return Problem(reason=what, fix="nothing to do during maintenance; if it stays, ask that administrator")


def place_in(details: str, pair: Pair) -> Directory | None:
    """Return which of the pair's collections, and which path on it, the details of an error event speak of."""
    endpoint = re.search(r"^Endpoint: .*\(([0-9a-fA-F-]{36})\)\s*$", details, re.MULTILINE)
    if not endpoint:
        return None
    file = re.search(r"^File: (.+)$", details, re.MULTILINE)
    sides = [place for place in (pair.source, pair.destination) if place.collection == endpoint[1].lower()]
    named = Directory(collection=endpoint[1].lower(), path="/" + file[1].rstrip().strip("/")) if file else None
    holding = [place for place in sides if named and place.contains(named)]
    if named and holding:
        return named
    return sides[0] if len(sides) == 1 else None


def place_named(message: str, pair: Pair) -> Directory | None:
    """Return which end of the pair a refusal is about, as far as its message names one of the two collections."""
    ends = [place for place in (pair.source, pair.destination) if place.collection in message.lower()]
    return ends[0] if len(ends) == 1 and pair.source.collection != pair.destination.collection else None


def is_path_not_found(code: str) -> bool:
    """Return whether ``code`` says that a path does not exist."""
    return _is(code, _PATH_NOT_FOUND)


def _is(code: str, known: tuple[str, ...]) -> bool:
    """Return whether ``code`` is one of ``known`` or ends in one, as ExternalError.MkdirFailed.Exists does."""
    last = code.rsplit(".", 1)[-1].removesuffix("Exception")
    return code in known or last in known


def _where(pair: Pair | None, place: Directory | None) -> str:
    if place:
        return f"the {_side(pair, place)}collection {place.collection}"
    if pair:
        source, destination = pair.source.collection, pair.destination.collection
        return f"the source collection {source} or the destination collection {destination}"
    return "one of its collections"


def _side(pair: Pair | None, place: Directory | None) -> str:
    if pair is None or place is None:
        return ""
    return "source " if pair.source.contains(place) else "destination " if pair.destination.contains(place) else ""


def _correct(pair: Pair | None, place: Directory | None, what: str) -> str:
    prefix = {"source ": "src_", "destination ": "dst_"}.get(_side(pair, place))
    if pair is None or prefix is None:
        return "compare the collections and paths in the config file with those in the Globus web app"
    return f"correct [{sanitize(pair.name)}] {prefix}{what} in the config file"


def _share(pair: Pair | None, place: Directory | None, identity: str) -> tuple[str, str]:
    """Return how a permission is given, in words and, where it is known what to give, as a command."""
    if pair is None or place is None:
        both = f"both guest collections must be shared with {identity}: r at the source, rw at the destination"
        return both, ""
    right = "rw" if pair.destination.contains(place) else "r"
    if place not in (pair.source, pair.destination):
        if right == "r":
            return "open it to the account that shares the collection, or leave it out with exclude", ""
        return "make it writable, on the collection's computer, for the account that shares the collection", ""
    where = shlex.quote(f"{place.collection}:{place.directory}")
    client_id = identity.partition("@")[0]
    swapped = "if your data come from here, src_ and dst_ are swapped: exchange them and grant nothing; else "
    words = (
        f"{swapped if right == 'rw' else ''}its owner must share it with {identity}, permission {right}: on the "
        "collection's page, under Permissions, or by the command below; if it is shared already, open the directory, "
        "on its computer, to the account that shares the collection"
    )
    return words, f"globus endpoint permission create --identity {client_id} --permissions {right} {where}"
