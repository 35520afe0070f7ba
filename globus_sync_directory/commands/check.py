"""``check``: does everything that a run needs stand ready? Each thing is asked once, several at a time."""

from __future__ import annotations

import contextlib
import re
import time
import uuid
from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePosixPath

from globus_sync_directory.model.run_report import Check
from globus_sync_directory.globus.explain import Problem, explain, is_path_not_found
from globus_sync_directory.text import sanitize, quote
from globus_sync_directory.errors import ServiceUnavailable, SignInRejected
from globus_sync_directory.model.pair import Pair, Directory
from globus_sync_directory.globus.client import CLOCK_TOLERANCE, CollectionInfo, GlobusClient, RequestRejected

PROBE_PATIENCE_SECONDS, _PROBE_PAUSE_SECONDS = 60.0, 0.5
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
        return Check(good=True, reason=f"this host's clock is {seconds} s away from Globus'")
    cure = "set the clock; times are counted on Globus' clock meanwhile"
    return Check(good=None, reason=f"this host's clock is {round(seconds / 60)} minutes away from Globus'", fix=cure)


def check_pairs(pairs: Sequence[Pair], globus: GlobusClient, *, write_probe: bool) -> list[Check]:
    """Return what is so of the collections and directories of ``pairs``; writes only with ``write_probe``."""
    ends = [place for pair in pairs for place in (pair.source, pair.destination)]
    collections = globus.map_concurrently(globus.collection, dict.fromkeys(place.collection for place in ends))
    checks = [_collection(globus, pairs, key, answer) for key, answer in collections.items()]
    infos = {key: answer for key, answer in collections.items() if isinstance(answer, CollectionInfo)}
    names = {key: info.name for key, info in infos.items() if info.name != key}
    sources = globus.map_concurrently(
        lambda place: globus.list_one(place.collection, place.directory), dict.fromkeys(pair.source for pair in pairs)
    )
    destinations = globus.map_concurrently(
        lambda place: globus.stat(place.collection, place.directory), dict.fromkeys(pair.destination for pair in pairs)
    )
    for pair in pairs:
        checks.append(_source(globus, pair, sources[pair.source], names))
        checks.append(_destination(globus, pair, destinations[pair.destination], names))
    if write_probe:
        probes = globus.map_concurrently(lambda pair: _probe(globus, pair), pairs)
        checks += [check for check in probes.values() if isinstance(check, Check)]
    else:
        what = "the right to write at a destination cannot be seen without writing there"
        checks.append(Check(good=None, reason=what, fix="check --write-probe makes one directory there and removes it"))
    return checks


def _collection(
    globus: GlobusClient, pairs: Sequence[Pair], collection: str, answer: CollectionInfo | ServiceUnavailable | RequestRejected
) -> Check:
    pair = next(pair for pair in pairs if collection in (pair.source.collection, pair.destination.collection))
    place = pair.source if pair.source.collection == collection else pair.destination
    if not isinstance(answer, CollectionInfo):
        return _trouble(globus, pair, place, answer, {}, of_pair=False)
    shown = f"collection {collection}"
    if answer.name != collection:
        shown = f"collection {quote(answer.name)} ({collection})"
    if answer.kind == "GCSv5_endpoint":
        cure = "use the UUID of a collection on it, from the collection's page in the Globus web app"
        return Check(good=False, reason=f"{shown} is an endpoint, which holds no data", fix=cure)
    kind = _KINDS.get(answer.kind, sanitize(answer.kind) or "a collection")
    if answer.connected is False:
        cause = explain("GC_NOT_CONNECTED", "", pair, place, globus.identity)
        return Check(good=False, reason=f"{shown} is {kind}; it is not connected", fix=cause.fix)
    online = ", online" if answer.connected else ""
    owner = f"; its owner is {sanitize(answer.owner, 80)}" if answer.owner else ""
    return Check(good=True, reason=f"{shown} is {kind}{online}{owner}")


def _source(globus: GlobusClient, pair: Pair, answer: str | ServiceUnavailable | RequestRejected, names: dict[str, str]) -> Check:
    if isinstance(answer, str):
        return Check(good=True, pair=pair.name, reason=f"source '{sanitize(pair.source.path)}' can be read")
    return _trouble(globus, pair, pair.source, answer, names)


def _destination(globus: GlobusClient, pair: Pair, answer: str | ServiceUnavailable | RequestRejected, names: dict[str, str]) -> Check:
    path = f"destination '{sanitize(pair.destination.path)}'"
    if answer == "dir":
        return Check(good=True, pair=pair.name, reason=f"{path} is there")
    if isinstance(answer, RequestRejected) and is_path_not_found(answer.code):
        odd = re.search(r"\s[#;]", pair.destination.path)
        cure = "a comment in the config needs a line of its own" if odd else ""
        what = f"{path} is not there yet; the first task makes it"
        return Check(good=None if odd else True, pair=pair.name, reason=what, fix=cure)
    if isinstance(answer, str):
        return _bad(pair.name, explain("NotDirectory", "", pair, pair.destination, globus.identity), names)
    return _trouble(globus, pair, pair.destination, answer, names)


def _trouble(
    globus: GlobusClient, pair: Pair, place: Directory, answer: ServiceUnavailable | RequestRejected, names: dict[str, str], *, of_pair: bool = True
) -> Check:
    name = pair.name if of_pair else None
    if isinstance(answer, ServiceUnavailable):
        what = f"could not look at '{sanitize(place.path)}' on collection {place.collection}: {answer}"
        cure = answer.fix if isinstance(answer, SignInRejected) else "check again later"
        return Check(good=False, pair=name, reason=what, fix=cure, bad_status=answer.exit_status)
    return _bad(name, explain(answer.code, answer.message, pair, place, globus.identity), names)


def _bad(pair: str | None, cause: Problem, names: dict[str, str]) -> Check:
    what = cause.reason
    for collection, name in names.items():
        what = what.replace(f"collection {collection}", f"collection {quote(name)} ({collection})")
    return Check(good=False, pair=pair, reason=what, fix=cause.fix, command=cause.command)


def _probe(globus: GlobusClient, pair: Pair) -> Check:
    """Make a directory at the pair's destination, or above it where that is not there yet, and remove it again."""
    collection = pair.destination.collection
    name = f".globus_sync_directory-probe-{uuid.uuid4()}"
    for above in (pair.destination.path, *map(str, PurePosixPath(pair.destination.path).parents)):
        probe = f"{above.rstrip('/')}/{name}/"
        try:
            globus.make_directory(collection, probe)
        except ServiceUnavailable as trouble:
            with contextlib.suppress(ServiceUnavailable, RequestRejected):  # it may have been made all the same
                globus.remove_directory(collection, probe)
            what = f"could not try to write '{sanitize(probe)}' on collection {collection}: {trouble}"
            cure = "check again later; remove that empty directory by hand if it is there"
            return Check(good=False, pair=pair.name, reason=what, fix=cure, bad_status=trouble.exit_status)
        except RequestRejected as refused:
            if is_path_not_found(refused.code) and above != "/":
                continue
            if not refused.code.endswith("Exists"):  # nobody else has this name: an answer before this one was lost
                return _trouble(globus, pair, pair.destination, refused, {})
        break
    could = f"can write in '{sanitize(above)}' at the destination"
    try:
        task_id = globus.remove_directory(collection, probe)
        until = time.monotonic() + PROBE_PATIENCE_SECONDS
        while (task := globus.task(task_id)).is_live and time.monotonic() < until:
            time.sleep(_PROBE_PAUSE_SECONDS)
    except (ServiceUnavailable, RequestRejected) as trouble:
        what = f"{could}, but not remove '{sanitize(probe)}' there: {trouble}"
        return Check(good=False, pair=pair.name, reason=what, fix="remove that empty directory by hand")
    if task.is_live:
        what = f"{could}; the removal of '{sanitize(probe)}' there has not ended yet (task {task_id})"
        return Check(good=None, pair=pair.name, reason=what)
    if task.status != "SUCCEEDED":
        what = f"{could}, but not remove '{sanitize(probe)}' there (task {task_id})"
        return Check(good=False, pair=pair.name, reason=what, fix="remove that empty directory by hand")
    return Check(good=True, pair=pair.name, reason=could)
