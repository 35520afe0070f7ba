"""What this run knows from the state file, and the changes it makes; a run that only looks keeps them to itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import StateError
from globus_sync_directory.model.pair import Pair
from globus_sync_directory.state import Mailed, PairRecord, LoadedState, StateFile

log = logging.getLogger(__name__)


class Ledger:
    """The memories by fingerprint; ``usable``: they come from a state file, and are not just empty for want of one."""

    def __init__(self, file: StateFile, recall: LoadedState) -> None:
        self.usable = recall.usable
        self._file = file
        self._recall = recall
        self._memories = dict(recall.memories)
        self._writes = False

    @property
    def memories(self) -> Mapping[str, PairRecord]:
        """What is remembered now, by fingerprint."""
        return self._memories

    def memory(self, pair: Pair, now: datetime) -> PairRecord:
        """Return what is remembered of ``pair``, under its present name; a fresh memory if nothing is."""
        known = self._memories.get(pair.fingerprint) or PairRecord(name=pair.name, first_seen=now)
        return replace(known, name=pair.name, source=pair.source, destination=pair.destination)

    def write_from_now_on(self, now: datetime) -> None:
        """
        Let every change reach the disk; a file that could not be understood is kept under another name first.

        Raises StateError, before anything is started, where the file can neither be read nor set aside.
        """
        shown = sanitize(self._file.path)
        if self._recall.to_set_aside:
            kept = self._file.set_aside(now)
            told = sanitize(kept) if kept else "somebody else's file by now"
            log.warning("state file %s is kept as %s; what Globus knows of our tasks takes its place", shown, told)
        elif self._recall.trouble:
            raise StateError(
                f"state file {shown} {self._recall.trouble}; nothing was started. Correct that, or name another file "
                "with --state-file"
            )
        self._writes = True

    def change(self, changes: Mapping[str, PairRecord | None], additions: Mapping[str, PairRecord] | None = None) -> None:
        """
        Remember ``changes`` (fingerprint -> memory, None to forget), durably on disk where this run writes.

        ``additions`` are pairs that are none of this run's business: what the file has of them already stays. Nothing
        is written where nothing differs. Raises StateError when the file cannot be written.
        """
        real = {key: memory for key, memory in changes.items() if self._memories.get(key) != memory}
        new = {key: memory for key, memory in (additions or {}).items() if key not in self._memories}
        if not real and not new:
            return
        if self._writes:
            self._file.update(real, new, otherwise=self._memories)
        for fingerprint, memory in {**new, **real}.items():
            if memory is None:
                self._memories.pop(fingerprint, None)
            else:
                self._memories[fingerprint] = memory

    def remember_mail(self, mailed: Mapping[str, Mapping[str, Mailed]]) -> None:
        """Remember who was told what of a pair (fingerprint -> address -> that) and touch nothing else of it."""
        if mailed and self._writes:
            self._file.update({}, otherwise=self._memories, mailed=mailed)
        for fingerprint, told in mailed.items():
            self._memories[fingerprint] = replace(self._memories[fingerprint], mailed=told)


def open_ledger(file: StateFile) -> Ledger:
    """Return what ``file`` holds, with a warning if it is of no use; changes stay in memory."""
    recall = file.read()
    if recall.trouble:
        log.warning("state file %s %s", sanitize(file.path), recall.trouble)
    return Ledger(file, recall)
