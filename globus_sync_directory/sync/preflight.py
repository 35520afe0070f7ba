"""Looks at both ends of the pairs that are to start: Globus itself accepts a task whose source does not exist."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.model.answer import Answer
from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.model.record import PairRecord
from globus_sync_directory.sync.plan import is_proven


def look_at_ends(
    client: GlobusClient, pairs: Sequence[Pair], records: Mapping[str, PairRecord]
) -> dict[Directory, Answer[str]]:
    """
    Return what is at the ends of ``pairs``: a type such as ``dir`` or ``file``, or why that is not known.

    Each distinct directory is looked at once; a destination that has worked before is not looked at.
    """
    directories: dict[Directory, None] = {}
    for pair in pairs:
        directories[pair.source] = None
        if not is_proven(records, pair):
            directories[pair.destination] = None
    return client.map_concurrently(client.stat, directories)
