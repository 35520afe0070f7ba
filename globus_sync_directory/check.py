"""``check``: does everything that a run needs stand ready? Each thing is asked once, several at a time."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePosixPath

from globus_sync_directory.answer import Check
from globus_sync_directory.causes import Cause, explain, is_path_not_found
from globus_sync_directory.clean import clean, quoted
from globus_sync_directory.errors import NoAnswer
from globus_sync_directory.pairs import Pair, Place
from globus_sync_directory.service import CLOCK_TOLERANCE, CollectionInfo, Globus, Refused

PROBE_PATIENCE_SECONDS = 60.0
_KINDS = {
    "GCSv5_guest_collection": "a guest collection",
    "GCSv5_mapped_collection": "a mapped collection",
    "GCP_guest_collection": "a guest collection on Globus Connect Personal",
    "GCP_mapped_collection": "Globus Connect Personal",
}


def check_clock(offset: timedelta) -> Check:
    """Return how far this host's clock is from Globus'."""
    seconds = round(abs(offset).total_seconds())
    if abs(offset) <= CLOCK_TOLERANCE:
        return Check(good=True, what=f"this host's clock is {seconds} s away from Globus'")
    cure = "set the clock; times are counted on Globus' clock meanwhile"
    return Check(good=None, what=f"this host's clock is {round(seconds / 60)} minutes away from Globus'", cure=cure)


def check_pairs(pairs: Sequence[Pair], globus: Globus, *, write_probe: bool) -> list[Check]:
    """Return what is so of the collections and directories of ``pairs``; writes only with ``write_probe``."""
    ends = [place for pair in pairs for place in (pair.source, pair.destination)]
    collections = globus.ask_all(globus.collection, dict.fromkeys(place.collection for place in ends))
    checks = [_collection(globus, pairs, key, answer) for key, answer in collections.items()]
    infos = {key: answer for key, answer in collections.items() if isinstance(answer, CollectionInfo)}
    names = {key: info.name for key, info in infos.items() if info.name != key}
    sources = globus.ask_all(
        lambda place: globus.list_one(place.collection, place.directory), dict.fromkeys(pair.source for pair in pairs)
    )
    destinations = globus.ask_all(
        lambda place: globus.stat(place.collection, place.directory), dict.fromkeys(pair.destination for pair in pairs)
    )
    for pair in pairs:
        checks.append(_source(globus, pair, sources[pair.source], names))
        checks.append(_destination(globus, pair, destinations[pair.destination], names))
    if write_probe:
        probes = globus.ask_all(lambda pair: _probe(globus, pair), pairs)
        checks += [_probe_check(globus, pair, answer) for pair, answer in probes.items()]
    else:
        what = "the right to write at a destination cannot be seen without writing there"
        checks.append(Check(good=None, what=what, cure="check --write-probe makes one directory there and removes it"))
    return checks


def _collection(
    globus: Globus, pairs: Sequence[Pair], collection: str, answer: CollectionInfo | NoAnswer | Refused
) -> Check:
    pair = next(pair for pair in pairs if collection in (pair.source.collection, pair.destination.collection))
    place = pair.source if pair.source.collection == collection else pair.destination
    if not isinstance(answer, CollectionInfo):
        return _trouble(globus, None, _cause(globus, pair, place, answer), {})
    shown = f"collection {collection}"
    if answer.name != collection:
        shown = f"collection {quoted(answer.name)} ({collection})"
    if answer.kind == "GCSv5_endpoint":
        cure = "use the UUID of a collection on it, from the collection's page in the Globus web app"
        return Check(good=False, what=f"{shown} is an endpoint, which holds no data", cure=cure)
    kind = _KINDS.get(answer.kind, clean(answer.kind) or "a collection")
    if answer.connected is False:
        cause = explain("GC_NOT_CONNECTED", "", pair, place, globus.identity)
        return Check(good=False, what=f"{shown} is {kind}; it is not connected", cure=cause.cure)
    online = ", online" if answer.connected else ""
    owner = f"; its owner is {clean(answer.owner, 80)}" if answer.owner else ""
    return Check(good=True, what=f"{shown} is {kind}{online}{owner}")


def _source(globus: Globus, pair: Pair, answer: str | NoAnswer | Refused, names: dict[str, str]) -> Check:
    if isinstance(answer, str):
        return Check(good=True, pair=pair.name, what=f"source '{clean(pair.source.path)}' can be read")
    return _trouble(globus, pair, _cause(globus, pair, pair.source, answer), names)


def _destination(globus: Globus, pair: Pair, answer: str | NoAnswer | Refused, names: dict[str, str]) -> Check:
    path = f"destination '{clean(pair.destination.path)}'"
    if answer == "dir":
        return Check(good=True, pair=pair.name, what=f"{path} is there")
    if isinstance(answer, Refused) and is_path_not_found(answer.code):
        return Check(good=True, pair=pair.name, what=f"{path} is not there yet; the first task makes it")
    if isinstance(answer, str):
        cause = explain("NotDirectory", "", pair, pair.destination, globus.identity)
    else:
        cause = _cause(globus, pair, pair.destination, answer)
    return _trouble(globus, pair, cause, names)


def _cause(globus: Globus, pair: Pair, place: Place, answer: NoAnswer | Refused) -> Cause:
    if isinstance(answer, NoAnswer):
        what = f"could not look at '{clean(place.path)}' on collection {place.collection}: {answer}"
        return Cause(what=what, cure=answer.cure)
    return explain(answer.code, answer.message, pair, place, globus.identity)


def _trouble(globus: Globus, pair: Pair | None, cause: Cause, names: dict[str, str]) -> Check:
    what = cause.what
    for collection, name in names.items():
        what = what.replace(f"collection {collection}", f"collection {quoted(name)} ({collection})")
    return Check(good=False, pair=pair.name if pair else None, what=what, cure=cause.cure, command=cause.command)


def _probe(globus: Globus, pair: Pair) -> str:
    """
    Make a directory at the pair's destination, or above it where that is not there yet, and remove it again.

    Returns where; raises NoAnswer or Refused, the latter also when it could not be removed.
    """
    name = f".globus_sync_directory-probe-{uuid.uuid4()}"
    for above in (pair.destination.path, *map(str, PurePosixPath(pair.destination.path).parents)):
        probe = f"{above.rstrip('/')}/{name}/"
        try:
            globus.make_directory(pair.destination.collection, probe)
        except Refused as refused:
            if is_path_not_found(refused.code) and above != "/":
                continue
            raise
        break
    try:
        task_id = globus.remove_directory(pair.destination.collection, probe)
        until = time.monotonic() + PROBE_PATIENCE_SECONDS
        while (task := globus.task(task_id)).is_live and time.monotonic() < until:
            time.sleep(0.2)
    except (NoAnswer, Refused):
        raise Refused(0, "LeftBehind", probe, definite=True) from None
    if task.status != "SUCCEEDED":
        raise Refused(0, "LeftBehind", probe, definite=True)
    return above


def _probe_check(globus: Globus, pair: Pair, answer: str | NoAnswer | Refused) -> Check:
    if isinstance(answer, str):
        return Check(good=True, pair=pair.name, what=f"can write in '{clean(answer)}' at the destination")
    if isinstance(answer, Refused) and answer.code == "LeftBehind":
        what = f"could write at the destination, but not remove '{clean(answer.message)}' there"
        return Check(good=False, pair=pair.name, what=what, cure="remove that empty directory by hand")
    cause = _cause(globus, pair, pair.destination, answer)
    return Check(good=False, pair=pair.name, what=cause.what, cure=cause.cure, command=cause.command)
