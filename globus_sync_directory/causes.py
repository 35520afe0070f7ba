"""What Globus' refusals and error events mean in plain words, and what the reader can do about each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from globus_sync_directory.clean import clean
from globus_sync_directory.pairs import Pair, Place

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
class Cause:
    """Why something does not go on, and the cure; both are one cleaned line. ``hopeless``: waiting cannot cure it."""

    what: str
    cure: str = ""
    hopeless: bool = False


def explain(code: str, message: str, pair: Pair | None, place: Place | None, identity: str) -> Cause:
    """
    Return the cause behind an error ``code`` of the Transfer API or of a task's log.

    ``place`` is the directory it is about where that is known, ``pair`` the pair, ``identity`` ours. A code nobody
    here has heard of comes back with Globus' own words. Source: Globus Transfer API, file_operations and task_events.
    """
    where = f"collection {place.collection}" if place else "the collection"
    path = f"'{clean(place.path)}' on {where}" if place else "the path"
    is_source = bool(place and pair and pair.source.holds(place))
    side = ("source " if is_source else "destination ") if place and pair else ""
    if _is(code, ("EndpointNotFound",)):
        return Cause(what=f"Globus knows no {side}{where}", cure=_correct(pair, is_source, "endpoint"), hopeless=True)
    if _is(code, ("EndpointDeleted",)):
        return Cause(
            what=f"the {side}{where} has been deleted", cure=_correct(pair, is_source, "endpoint"), hopeless=True
        )
    if _is(code, _PATH_NOT_FOUND):
        return Cause(what=f"there is no {side}directory {path}", cure=_correct(pair, is_source, "path"), hopeless=True)
    if _is(code, _DENIED):
        return Cause(
            what=f"permission denied for {side}{path}",
            cure=_share(pair, place, "r" if is_source else "rw", identity),
            hopeless=True,
        )
    if _is(code, _SIGN_IN):
        return Cause(
            what=f"the {side}{where} asks for a consent, policy or account that an application cannot meet",
            cure=f"let its owner make a guest collection there and share that with {identity}",
            hopeless=True,
        )
    if _is(code, _NOT_A_DIRECTORY):
        return Cause(what=f"{side}{path} is not a directory", cure=_correct(pair, is_source, "path"), hopeless=True)
    if _is(code, _OFFLINE):
        return Cause(
            what=f"the {side}{where} is not connected",
            cure="start Globus Connect Personal there, or ask its administrator; the transfer goes on by itself then",
        )
    if _is(code, _FULL):
        return Cause(
            what=f"no space or quota left for {side}{path}", cure="make room there; Globus goes on by itself then"
        )
    if _is(code, _CHANGED):
        return Cause(
            what="a file's checksum or size differed after copying; it may be written to while it is copied",
            cure="Globus sends the file again; if it goes on, stop what writes there during the transfer",
        )
    if _is(code, _PAUSED):
        return Cause(what=f"paused by the administrator of {where}", cure="ask that administrator")
    if _is(code, _BUSY):
        return Cause(what=f"the {side}{where} does not work properly just now", cure="Globus tries again by itself")
    said = clean(message or code, 160)
    return Cause(
        what=f"Globus says: {said}" if said else "Globus gives no reason",
        cure="look the task up in the Globus web app, or ask the collection's administrator",
    )


def place_in(details: str, pair: Pair) -> Place | None:
    """Return which of the pair's collections, and which path, the details of an error event speak of."""
    endpoint = re.search(r"^Endpoint: .*\(([0-9a-fA-F-]{36})\)\s*$", details, re.MULTILINE)
    if not endpoint:
        return None
    collection = endpoint[1].lower()
    side = next((place for place in (pair.source, pair.destination) if place.collection == collection), None)
    if side is None or pair.source.collection == pair.destination.collection:
        return None
    file = re.search(r"^File: (.+?)\s*$", details, re.MULTILINE)
    path = "/" + file[1].strip("/") if file else side.path
    return side if path == side.path else Place(collection=collection, path=path)


def place_named(message: str, pair: Pair) -> Place | None:
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


def _correct(pair: Pair | None, is_source: bool, what: str) -> str:
    name = f"[{clean(pair.name)}] " if pair else ""
    key = ("src_" if is_source else "dst_") + what
    more = ", or make the directory" if what == "path" else ""
    return f"correct {name}{key} in the config file{more}"


def _share(pair: Pair | None, place: Place | None, right: str, identity: str) -> str:
    if place is None:
        return f"share the guest collection with {identity}"
    if pair and place not in (pair.source, pair.destination):
        return f"make it accessible on the collection's computer to the account that shares the collection, as {right}"
    path = place.path if place.path.endswith("/") else place.path + "/"
    client_id = identity.partition("@")[0]
    return (
        f"its owner must share it with {identity}, permission {right}: on the collection's page, Permissions, or "
        f"with: globus endpoint permission create --identity {client_id} --permissions {right} "
        f"'{place.collection}:{clean(path)}'"
    )
