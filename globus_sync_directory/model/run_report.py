"""What a command line found out, for whichever way it is told: as text or as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from globus_sync_directory.errors import EXIT_ATTENTION, EXIT_OK
from globus_sync_directory.model.status import PairReport


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that ``check`` looked at: good, bad with the cure, or (None) only worth knowing."""

    good: bool | None
    reason: str
    pair: str | None = None
    fix: str = ""
    command: str = ""
    bad_status: int = EXIT_ATTENTION  # the exit status it asks for where it is bad

    @property
    def status(self) -> int:
        """The exit status that this asks for."""
        return self.bad_status if self.good is False else EXIT_OK


@dataclass(frozen=True, kw_only=True)
class RunReport:
    """The exit status, and what there is to tell; ``errors`` are lines about the run as a whole."""

    status: int
    errors: tuple[str, ...] = ()
    findings: tuple[PairReport, ...] = ()
    documents: Mapping[str, dict[str, Any]] = field(default_factory=dict)  # by the pair's name
    checks: tuple[Check, ...] = ()
    last_line: str = ""  # said at the end, to people only
