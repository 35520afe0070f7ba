"""What happened to a pair that this run was to start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import Task


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """
    The status of the start; ``notes`` are remarks that do not change it.

    ``task`` is set if a task of the pair was running already, ``document`` in a dry run.
    """

    status: PairStatus
    problem: Problem | None = None
    notes: tuple[str, ...] = ()
    task: Task | None = None
    document: Mapping[str, Any] | None = None
