"""A report on one task."""

from __future__ import annotations

from datetime import datetime

from globus_sync_directory.model.pair import Pair
from globus_sync_directory.model.report import PairReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import SkippedPath, Task
from globus_sync_directory.sync.details import Details
from globus_sync_directory.sync.task_report import ReportedTask, report_on_task

from .samples import DAY, FINGERPRINT, IDENTITY, NOW, ONE, PAIR, event

NOTHING = Details()
DENIED = event(
    "PERMISSION_DENIED",
    is_error=True,
    details=f"Error (list)\nEndpoint: ({ONE})\nFile: /images/run 7/\nMessage: Fatal FTP response",
)
GAP = SkippedPath(code="PERMISSION_DENIED", source_path="/images/run 7/a.tif")
LOST = SkippedPath(code="FILE_NOT_FOUND", source_path="/images/b.tif")
BLANK = PairReport(
    fingerprint=FINGERPRINT,
    name="microscope",
    status=PairStatus.NEVER_RUN,
    at=NOW,
    notes=("a note of before",),
    counts_from=NOW - 9 * DAY,
)


def report(
    found: Task,
    details: Details = NOTHING,
    pair: Pair | None = PAIR,
    deadline_sent: datetime | None = None,
    *,
    may_be_empty: bool = True,
) -> PairReport:
    """Return the report on a task."""
    return report_on_task(
        BLANK,
        ReportedTask(
            task=found,
            pair=pair,
            deadline_sent=deadline_sent,
            details=details,
            identity=IDENTITY,
            may_be_empty=may_be_empty,
        ),
    )
