"""The pairs that one run is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.record import PairRecord


@dataclass(frozen=True, kw_only=True)
class Scope:
    """
    The pairs of this run, out of all pairs of the config.

    ``identity`` is the name under which collections are shared with this application.
    """

    pairs: tuple[Pair, ...]
    all_pairs: tuple[Pair, ...]
    identity: str

    @property
    def is_whole(self) -> bool:
        """Whether the run is about all pairs of the config."""
        return len(self.pairs) == len(self.all_pairs)

    @property
    def by_fingerprint(self) -> dict[str, Pair]:
        """The pairs of this run by fingerprint."""
        return {pair.fingerprint: pair for pair in self.pairs}

    def orphaned(self, records: Mapping[str, PairRecord]) -> dict[str, PairRecord]:
        """Return the records of pairs that are not in the config any more."""
        configured = {pair.fingerprint for pair in self.all_pairs}
        return {key: record for key, record in records.items() if key not in configured}
