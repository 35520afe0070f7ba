"""``check --write-probe``: makes a directory at each destination and removes it again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from pathlib import PurePosixPath

from globus_sync_directory.commands.check_ends import failed, passed
from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.explain import About, is_path_not_found
from globus_sync_directory.model.answer import Answer, Received, Rejected, Unavailable
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.report import Check, CheckResult
from globus_sync_directory.model.task import Task
from globus_sync_directory.text import quote

PROBE_SECONDS, _PAUSE_SECONDS = 60.0, 0.5
_BY_HAND = "remove that empty directory by hand"


def probe_writing(pairs: Sequence[Pair], client: GlobusClient, identity: str) -> list[Check]:
    """Return for each pair whether the application can write at its destination."""
    return list(client.map_concurrently(lambda pair: _probe(client, pair, identity), pairs).values())


def _probe(client: GlobusClient, pair: Pair, identity: str) -> Check:
    """Make a directory at the pair's destination, or above it where that does not exist yet, and remove it."""
    collection = pair.destination.collection
    name = f".globus_sync_directory-probe-{uuid.uuid4()}"
    for above in (pair.destination.path, *map(str, PurePosixPath(pair.destination.path).parents)):
        probe = f"{above.rstrip('/')}/{name}/"
        match client.make_directory(collection, probe):
            case Rejected(code=code) if is_path_not_found(code) and above != "/":
                continue
            case Rejected(code=code) as rejected if not code.endswith("Exists"):
                return failed(rejected, pair, About(pair=pair, directory=pair.destination, identity=identity))
            case Unavailable(reason=reason, is_sign_in=is_sign_in):
                client.remove_directory(collection, probe)  # it may exist although no answer came
                return Check(
                    result=CheckResult.FAIL,
                    sentence=f"could not try to write {quote(probe)} on collection {collection}: {reason}",
                    fix=f"check again later; {_BY_HAND} if it exists",
                    pair=pair.name,
                    status_if_failed=ExitStatus.SIGN_IN_REJECTED if is_sign_in else ExitStatus.TRY_LATER,
                )
            case _:  # made; "Exists" means that an earlier reply was lost, since nobody else uses this name
                break
    return _remove(client, pair, above, probe)


def _remove(client: GlobusClient, pair: Pair, above: str, probe: str) -> Check:
    can_write = f"can write in {quote(above)} at the destination"
    removal = client.remove_directory(pair.destination.collection, probe)
    task = _wait_for_end(client, removal.value) if isinstance(removal, Received) else removal
    match task:
        case Received(value=ended) if ended.is_live:
            sentence = f"{can_write}; {quote(probe)} there is still being removed (task {ended.task_id})"
            return Check(result=CheckResult.NOTE, sentence=sentence, pair=pair.name)
        case Received(value=ended) if ended.status == "SUCCEEDED":
            return passed(can_write, pair=pair)
        case Received(value=ended):
            sentence = f"{can_write}, but cannot remove {quote(probe)} there (task {ended.task_id})"
        case Rejected(message=said) | Unavailable(reason=said):
            sentence = f"{can_write}, but cannot remove {quote(probe)} there: {said}"
    return Check(result=CheckResult.FAIL, sentence=sentence, fix=_BY_HAND, pair=pair.name)


def _wait_for_end(client: GlobusClient, task_id: str) -> Answer[Task]:
    until = time.monotonic() + PROBE_SECONDS
    while True:
        answer = client.task(task_id)
        if not isinstance(answer, Received) or not answer.value.is_live or time.monotonic() >= until:
            return answer
        time.sleep(_PAUSE_SECONDS)
