"""Submit plans, and look at what is on disk afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from globus_sync_directory.model.pair import Pair, SyncLevel
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.model.task import Task
from globus_sync_directory.state import StateStore
from globus_sync_directory.sync.outcome import Outcome
from globus_sync_directory.sync.plan import Plan
from globus_sync_directory.sync.submit import submit

from .fake_client import FakeClient
from .samples import IDENTITY, rejected

SAME_PATHS = rejected("ClientError.Conflict", "A transfer with identical paths has not yet completed", 409)


def plans(*pairs: Pair) -> list[Plan]:
    """Return plans to compare by size."""
    return [Plan(pair=pair, sync_level=SyncLevel.SIZE, why="", notes=(f"doubt of {pair.name}",)) for pair in pairs]


def start(client: FakeClient, store: StateStore, *pairs: Pair, known: Sequence[Task] = ()) -> dict[str, Outcome]:
    """Submit ``pairs``."""
    return submit(client, store, plans(*pairs), {found.task_id: found for found in known}, IDENTITY)


def on_disk(store: StateStore) -> Mapping[str, PairRecord]:
    """Return what the state file holds, which is also what the store shows."""
    records = store.read().records
    assert records == store.records
    return records


def put(store: StateStore, *records: tuple[Pair, PairRecord]) -> None:
    """Write records."""
    with store.edit() as edited:
        edited |= {pair.fingerprint: known for pair, known in records}
