"""What this run knows from the state file, and the changes it makes; a run that only looks keeps them to itself."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from globus_sync_directory.clean import clean
from globus_sync_directory.errors import StateError
from globus_sync_directory.pairs import Pair
from globus_sync_directory.state import Memory, StateFile

log = logging.getLogger(__name__)


class Ledger:
    """The memories by fingerprint; ``usable``: they come from a state file, and are not just empty for want of one."""

    def __init__(self, file: StateFile, memories: dict[str, Memory], usable: bool, writes: bool) -> None:
        self.usable = usable
        self._file = file
        self._memories = memories
        self._writes = writes

    @property
    def memories(self) -> Mapping[str, Memory]:
        """What is remembered now, by fingerprint."""
        return self._memories

    def memory(self, pair: Pair, now: datetime) -> Memory:
        """Return what is remembered of ``pair``, under its present name; a fresh memory if nothing is."""
        known = self._memories.get(pair.fingerprint) or Memory(name=pair.name, first_seen=now)
        return replace(known, name=pair.name, source=pair.source, destination=pair.destination)

    def change(self, changes: Mapping[str, Memory | None]) -> None:
        """
        Remember ``changes`` (fingerprint -> memory, None to forget), durably on disk unless this run only looks.

        Nothing is written where nothing differs. Raises StateError when the file cannot be written.
        """
        real = {key: memory for key, memory in changes.items() if self._memories.get(key) != memory}
        if not real:
            return
        if self._writes:
            self._file.update(real)
        for fingerprint, memory in real.items():
            if memory is None:
                del self._memories[fingerprint]
            else:
                self._memories[fingerprint] = memory


def open_ledger(file: StateFile, now: datetime, *, writes: bool) -> Ledger:
    """
    Return what ``file`` holds; one that is of no use is set aside under another name, with a warning, if ``writes``.

    Raises StateError, and starts nothing, when a run that writes can neither read the file nor set it aside.
    """
    recall = file.read()
    shown = clean(file.path)
    if recall.trouble and not writes:
        log.warning("state file %s %s; this look goes on without it", shown, recall.trouble)
    elif recall.foreign:
        kept = file.set_aside(now)
        log.warning(
            "state file %s %s; it is kept as %s, and what Globus knows of our tasks takes its place",
            shown,
            recall.trouble,
            clean(kept) if kept else "somebody else's file by now",
        )
    elif recall.trouble:
        raise StateError(
            f"state file {shown} {recall.trouble}; nothing was started. Correct that, or name another file with "
            "--state-file"
        )
    return Ledger(file, dict(recall.memories), recall.usable, writes)
