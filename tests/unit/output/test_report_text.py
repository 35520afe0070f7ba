"""A report as lines: a row for every status and for what may stand beside it, the checks, what all pairs share."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.report import Check, CheckResult, PairReport, RunReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.model.task import SkippedPath, task_link
from globus_sync_directory.output.report_text import describe, headline, pair_lines, plain_lines, summary

from .reports import (
    BY_STATUS,
    COMMAND,
    DENIED,
    EVIL,
    LINK,
    MIDNIGHT,
    PROBLEM,
    SUCCESS,
    TASK_ID,
    ended_task,
    live_task,
    pair_report,
)

SINCE = "2026-11-25 00:00 NZDT (7 h ago)"
LAST = "last success: 2026-11-24 00:00 NZDT (1 d 7 h ago), 2 files copied, 11 B"
NONE_KNOWN = "    last success: none known"
TASK = f"    task: {LINK}"
WHY_DENIED = "    why:  permission denied for source '/my  lab'"
FIX_DENIED = ["    fix:  its owner must share it", f"    run:  {COMMAND}"]
WHY, FIX = "    why:  no space left for '/archive'", "    fix:  make room there"
CONTINUES = "    now:  the next run starts it again and continues where it stopped"

EXPECTED = {
    PairStatus.STARTED: [f"microscope: started, 2026-11-25 07:00 NZDT; {LINK}"],
    PairStatus.RUNNING: [
        f"microscope: running, since {SINCE}; 7 files copied of 8 found so far, 6.3 MB, 875 B/s; 1 already in sync; "
        f"{LAST}; {LINK}"
    ],
    PairStatus.QUEUED: [
        f"microscope: queued, since {SINCE}; waiting in the queue (Globus runs three transfers per application at a "
        f"time); {LINK}"
    ],
    PairStatus.RUNNING_WITH_ERRORS: [
        f"microscope: running with errors, since {SINCE}",
        "    1 file copied, 0 B; 2 faults",
        f"    {LAST}",
        WHY,
        "    now:  Globus keeps trying, until 2026-11-25 12:00 NZDT at the latest",
        FIX,
        TASK,
    ],
    PairStatus.STUCK: [
        f"microscope: stuck, since {SINCE}",
        "    0 files copied, 0 B",
        NONE_KNOWN,
        WHY_DENIED,
        "    now:  Globus keeps trying",
        *FIX_DENIED,
        TASK,
    ],
    PairStatus.PAUSED: [
        f"microscope: paused, since {SINCE}",
        "    0 files copied, 0 B",
        f"    {LAST}",
        "    why:  paused by the administrator",
        "    now:  Globus continues when the pause ends",
        TASK,
    ],
    PairStatus.SUSPENDED: [
        "microscope: suspended",
        "    0 files copied, 0 B",
        f"    {LAST}",
        WHY_DENIED,
        "    now:  Globus does not continue this task by itself",
        *FIX_DENIED,
        TASK,
    ],
    PairStatus.SUCCEEDED: [
        f"microscope: succeeded, {SINCE}; 1 file copied, 7.5 MB; 2 already in sync; took 4 h; {LINK}"
    ],
    PairStatus.SOURCE_IS_EMPTY: [
        f"microscope: source is empty, {SINCE}",
        "    note: 1 path was gone",
        "    0 files copied, 0 B; took 4 h",
        f"    {LAST}",
        WHY,
        "    now:  nothing is removed at the destination; the next run looks again",
        FIX,
        TASK,
    ],
    PairStatus.SUCCEEDED_WITH_GAPS: [
        f"microscope: succeeded with gaps, {SINCE}",
        "    1 file copied, 5 B; took 4 h",
        f"    {LAST}",
        "    5 paths not copied: '/my  lab/a' (permission denied), '/my  lab/b' (permission denied), "
        "'/my  lab/c' (permission denied), and 2 more (--json lists 4)",
        WHY_DENIED,
        "    now:  everything else was copied; the next run retries the rest",
        *FIX_DENIED,
        TASK,
    ],
    PairStatus.STOPPED_AT_TIME_LIMIT: [
        f"microscope: stopped at its time limit, {SINCE}; 1,200 files copied, 1 TB; took 4 h; {LAST}; {LINK}"
    ],
    PairStatus.RAN_OUT_OF_TIME: [
        f"microscope: ran out of time without progress, {SINCE}",
        "    0 files copied, 0 B; 1 already in sync; took 4 h",
        f"    {LAST}",
        WHY,
        CONTINUES,
        FIX,
        TASK,
    ],
    PairStatus.FAILED: [f"microscope: failed, {SINCE}", NONE_KNOWN, WHY, CONTINUES, FIX, TASK],
    PairStatus.CANCELLED: [
        f"microscope: cancelled, {SINCE}",
        f"    {LAST}",
        "    why:  somebody cancelled it",
        CONTINUES,
        TASK,
    ],
    PairStatus.WAITING_FOR_ROOM: [f"microscope: waiting for room, since {SINCE}", WHY, FIX],
    PairStatus.WAITING_FOR_EARLIER_TASK: ["microscope: waiting for the earlier task", WHY, FIX],
    PairStatus.NEVER_RUN: ["microscope: never run"],
    PairStatus.UNKNOWN_TO_GLOBUS: [f"microscope: unknown to Globus, since {SINCE}; {LINK}"],
    PairStatus.REJECTED: [
        f"microscope: rejected, since {SINCE}",
        NONE_KNOWN,
        WHY,
        "    now:  not started; each run tries again",
        FIX,
    ],
    PairStatus.BLOCKED: [
        f"microscope: blocked, since {SINCE}",
        f"    {LAST}",
        WHY_DENIED,
        "    now:  not started; each run checks again",
        *FIX_DENIED,
    ],
    PairStatus.START_UNCONFIRMED: [
        "microscope: start unconfirmed",
        "    why:  Globus Auth answered 503",
        "    fix:  nothing is lost; the next run tries again",
    ],
    PairStatus.NOT_REACHED: [
        "microscope: not reached",
        f"    {LAST}",
        "    why:  Globus Auth answered 503",
        "    fix:  nothing is lost; the next run tries again",
    ],
    PairStatus.SIGN_IN_REJECTED: ["microscope: sign-in rejected", WHY, FIX],
    PairStatus.WOULD_START: [
        "microscope: would start",
        "    note: all files are compared by checksum",
        "    document (the submission id and the end of the label are added when it is submitted):",
        "    {",
        '      "label": "x",',
        '      "DATA": [',
        "        1",
        "      ]",
        "    }",
    ],
}


@pytest.mark.parametrize("status", PairStatus, ids=lambda status: status.name)
def test_every_status(status: PairStatus) -> None:
    """Each status has its lines; a report that is well is a single one with the link in it."""
    assert describe(BY_STATUS[status]) == EXPECTED[status]


@pytest.mark.parametrize("status", PairStatus, ids=lambda status: status.name)
def test_every_report_of_a_task_has_its_link(status: PairStatus) -> None:
    """The link is there once, whole, whether a report is one line or several."""
    report = replace(BY_STATUS[status], task_id=TASK_ID)
    for may_be_one_line in (True, False):
        lines = [line.text for line in pair_lines(report, may_be_one_line=may_be_one_line)]
        assert sum(line.endswith(LINK) for line in lines) == 1


def failed_before(**more: object) -> PairReport:
    other = pair_report(PairStatus.FAILED, task_id="674b968c-d4c7-53a7-a6fe-ef33510aaf27", problem=PROBLEM)
    return replace(other, **more)  # type: ignore[arg-type]


OTHER_LINK = "https://app.globus.org/activity/674b968c-d4c7-53a7-a6fe-ef33510aaf27"


@pytest.mark.parametrize(
    ("before", "lines"),
    [
        (failed_before(), [f"    previous task: failed: no space left for '/archive' ({OTHER_LINK})", FIX]),
        (failed_before(problem=None), [f"    previous task: failed ({OTHER_LINK})"]),
        (
            failed_before(notes=("Globus did not say more",)),
            [
                f"    previous task: failed: no space left for '/archive' ({OTHER_LINK})",
                "    note: Globus did not say more",
                FIX,
            ],
        ),
        (failed_before(task_id=None, problem=Problem(reason="x")), ["    previous task: failed: x"]),
        (
            failed_before(status=PairStatus.STOPPED_AT_TIME_LIMIT, problem=None),
            [f"    previous task: stopped at its time limit; this one continues from there ({OTHER_LINK})"],
        ),
    ],
    ids=["failed", "no reason", "a note", "no link", "time limit"],
)
def test_the_task_that_was_replaced(before: PairReport, lines: list[str]) -> None:
    """A run that starts a pair again says what became of the task before."""
    report = replace(BY_STATUS[PairStatus.STARTED], before=before)
    assert describe(report) == ["microscope: started, 2026-11-25 07:00 NZDT", *lines, TASK]


def test_a_success_that_was_replaced_is_not_mentioned() -> None:
    """The task before ended well: the report stays one line."""
    before = BY_STATUS[PairStatus.SUCCEEDED]
    assert describe(replace(BY_STATUS[PairStatus.STARTED], before=before)) == EXPECTED[PairStatus.STARTED]


def test_the_fix_of_a_replaced_task_gives_way() -> None:
    """Where the report has a problem of its own there is one fix: its own."""
    lines = describe(replace(BY_STATUS[PairStatus.STUCK], before=failed_before()))
    assert FIX not in lines
    assert FIX_DENIED[0] in lines


@pytest.mark.parametrize(
    ("report", "lines"),
    [
        (
            replace(BY_STATUS[PairStatus.SUCCEEDED], max_age=timedelta(hours=6), counts_from=MIDNIGHT, success=SUCCESS),
            [
                f"microscope: succeeded, {SINCE}; TOO OLD",
                "    1 file copied, 7.5 MB; 2 already in sync; took 4 h",
                "    too old: the last success was at 2026-11-25 00:00 NZDT; max_age is 6 h",
                "    why:  nothing has run since",
                "    fix:  check that the cron or scrontab entry still exists: crontab -l, scrontab -l",
                TASK,
            ],
        ),
        (
            pair_report(PairStatus.QUEUED, max_age=timedelta(hours=6), counts_from=MIDNIGHT, task=live_task()),
            [
                "microscope: queued; TOO OLD",
                "    waiting in the queue (Globus runs three transfers per application at a time)",
                NONE_KNOWN,
                "    too old: no success is known since 2026-11-25 00:00 NZDT; max_age is 6 h",
            ],
        ),
    ],
    ids=["idle", "running"],
)
def test_too_old(report: PairReport, lines: list[str]) -> None:
    """max_age has passed; the schedule is suspected only where nothing runs."""
    assert describe(report) == lines


@pytest.mark.parametrize(
    ("max_age", "limit"),
    [(None, "without max_age, 2 d is the limit"), (timedelta(hours=36), "max_age is 1 d 12 h")],
)
def test_waits_too_long(max_age: timedelta | None, limit: str) -> None:
    """Since when, the limit, and the problem with its fix."""
    report = pair_report(
        PairStatus.NOT_REACHED, problem=PROBLEM, waits_since=MIDNIGHT - timedelta(days=2), max_age=max_age
    )
    assert describe(report) == [
        "microscope: not reached; WAITS TOO LONG",
        NONE_KNOWN,
        f"    waits too long: nothing else has happened since 2026-11-23 00:00 NZDT (2 d 7 h ago); {limit}",
        WHY,
        FIX,
    ]


def test_an_orphaned_task() -> None:
    """It has a name of its own, and no run starts it again; one known by its label alone says so."""
    running = pair_report(PairStatus.RUNNING, is_orphaned=True, task=live_task(), task_id=TASK_ID, success=SUCCESS)
    assert describe(running) == [f"orphaned task of [microscope]: running; 0 files copied, 0 B; {LINK}"]
    failed = replace(BY_STATUS[PairStatus.FAILED], is_orphaned=True, problem=PROBLEM)
    assert describe(failed) == [f"orphaned task of [microscope]: failed, {SINCE}", WHY, FIX, TASK]
    by_label = describe(replace(running, known_by_label=True))
    assert by_label[1] == "    note: recognised by its label only: its pair was removed, or is in another config"


@pytest.mark.parametrize(
    ("skipped", "number", "line"),
    [
        (0, 2, "    2 paths not copied"),
        (1, 1, "    1 path not copied: '/x/0' (not found)"),
        (3, 3, "    3 paths not copied: '/x/0' (not found), '/x/1' (not found), '/x/2' (not found)"),
        (3, 9, "    9 paths not copied: '/x/0' (not found), '/x/1' (not found), '/x/2' (not found), and 6 more"),
    ],
)
def test_paths_not_copied(skipped: int, number: int, line: str) -> None:
    """The first three are named, the others counted."""
    paths = tuple(SkippedPath(code="NOT_FOUND", source_path=f"/x/{index}") for index in range(skipped))
    task = ended_task(paths_skipped=number)
    assert line in describe(pair_report(PairStatus.SUCCEEDED_WITH_GAPS, task=task, skipped=paths))


def test_paths_that_vanished_are_no_gaps() -> None:
    """A note says which they were; they are not called paths that were not copied."""
    report = pair_report(PairStatus.SUCCEEDED, task=ended_task(paths_skipped=2))
    assert not any("not copied" in line for line in describe(report))


def test_long_paths_and_blanks_come_out_whole() -> None:
    """A path of 400 characters and one with two blanks are in the lines as they are; so is a command."""
    long = "/" + "x" * 399
    report = pair_report(
        PairStatus.SUCCEEDED_WITH_GAPS,
        skipped=(SkippedPath(code="X", source_path=long), SkippedPath(code="X", source_path="/a  b")),
        problem=DENIED,
    )
    text = "\n".join(describe(report))
    assert f"'{long}'" in text
    assert "'/a  b'" in text
    assert COMMAND in text


def test_headline_and_summary() -> None:
    """The headline has no name; the summary counts orphaned tasks apart."""
    assert headline(BY_STATUS[PairStatus.RUNNING]) == f"running, since {SINCE}"
    orphan = pair_report(is_orphaned=True)
    failed = pair_report(PairStatus.FAILED)
    assert summary([pair_report(), pair_report(), failed]) == "3 pairs: 2 running, 1 failed"
    assert summary([pair_report(), orphan]) == "1 pair: 1 running; 1 orphaned task"
    assert summary([orphan, orphan]) == "0 pairs; 2 orphaned tasks"


def test_what_is_brief() -> None:
    """A report with a document, a note or a problem needs more than a line, even if its status is well."""
    brief = pair_report(PairStatus.RUNNING)
    assert len(describe(brief)) == 1
    more = [replace(brief, document={}), replace(brief, notes=("a note",)), replace(brief, problem=PROBLEM)]
    assert all(len(describe(report)) > 1 for report in more)


TEXT = st.text(max_size=60) | st.just(EVIL)


@pytest.mark.promise(7, "any bytes and any text as config, state, names, labels, messages")
@given(TEXT, TEXT, TEXT, TEXT, st.sampled_from(PairStatus))
def test_any_text_in_any_report(name: str, message: str, path: str, code: str, status: PairStatus) -> None:
    """Whatever names, paths, codes and messages hold, a report is a few lines that start with the name."""
    problem = Problem(reason=message, fix=message, command=message)
    skipped = (SkippedPath(code=code, source_path=path),) * 9
    report = pair_report(
        status, name, notes=(message,), problem=problem, skipped=skipped, task_id=TASK_ID, before=failed_before()
    )
    lines = describe(report)
    assert lines[0].startswith(f"{name}: {status.words}")
    assert lines[-1] == f"    task: {task_link(TASK_ID)}"
    assert 3 < len(lines) < 12


OK = Check(result=CheckResult.OK, sentence="signed in")
FAIL = Check(result=CheckResult.FAIL, sentence="no such path", fix="correct it", command="do that", pair="lab")
NOTE = Check(result=CheckResult.NOTE, sentence="the source is empty")


def shown(report: RunReport, *, quiet: bool = False) -> list[str]:
    return plain_lines(report, quiet=quiet)


def test_checks() -> None:
    """Each check has its mark; what failed has the pair, the fix and the command; the last line counts."""
    report = RunReport(exit_status=ExitStatus.ATTENTION, checks=(OK, FAIL, NOTE))
    failed = ["FAIL  lab: no such path", "      fix:  correct it", "      run:  do that"]
    assert shown(report) == ["ok    signed in", *failed, "note  the source is empty", "3 checks: 1 failed"]
    assert shown(report, quiet=True) == failed
    assert shown(replace(report, checks=(OK,)))[-1] == "1 check: all is well"


def test_a_shared_problem_is_shown_once() -> None:
    """Why Globus was not reached stands before one line for each pair."""
    unasked = [pair_report(PairStatus.NOT_REACHED, name, problem=PROBLEM) for name in ("a", "b")]
    other = pair_report(PairStatus.FAILED, "c", problem=PROBLEM)
    report = RunReport(exit_status=ExitStatus.ATTENTION, pairs=(*unasked, other))
    expected = [
        "Globus was not reached: no space left for '/archive'",
        "    fix:  make room there",
        "a: not reached",
        "b: not reached",
    ]
    assert shown(report)[:4] == shown(report, quiet=True)[:4] == expected
    assert shown(report)[4] == "c: failed"
    assert "    why:  no space left for '/archive'" in shown(report)[5:]
    assert shown(report)[-1] == "3 pairs: 2 not reached, 1 failed"


def test_a_rejected_sign_in_is_not_called_unreachable() -> None:
    """Globus was reached, and said no."""
    pairs = tuple(pair_report(PairStatus.SIGN_IN_REJECTED, name, problem=PROBLEM) for name in ("a", "b"))
    lines = shown(RunReport(exit_status=ExitStatus.SIGN_IN_REJECTED, pairs=pairs))
    assert lines[0].startswith("the sign-in was rejected: ")


def test_unlike_problems_stay_with_their_pairs() -> None:
    """Two reasons are two lines; so is the reason of a single pair."""
    one = pair_report(PairStatus.NOT_REACHED, "a", problem=Problem(reason="no network"))
    two = pair_report(PairStatus.NOT_REACHED, "b", problem=Problem(reason="timeout"))
    assert shown(RunReport(exit_status=ExitStatus.TRY_LATER, pairs=(one, two)))[:4] == [
        "a: not reached",
        "    why:  no network",
        "b: not reached",
        "    why:  timeout",
    ]
    alone = shown(RunReport(exit_status=ExitStatus.TRY_LATER, pairs=(one,)))
    assert alone == ["a: not reached", "    why:  no network"]


def test_quiet_shows_what_explains_the_status() -> None:
    """Pairs that are well, the summary and the closing line are left out."""
    pairs = (BY_STATUS[PairStatus.SUCCEEDED], BY_STATUS[PairStatus.BLOCKED])
    report = RunReport(exit_status=ExitStatus.ATTENTION, pairs=pairs, closing_line="nothing would be started")
    assert shown(report)[-2:] == ["2 pairs: 1 succeeded, 1 blocked", "nothing would be started"]
    quiet = shown(report, quiet=True)
    assert quiet[0].startswith("microscope: blocked")
    assert not any("succeeded" in line or "would" in line for line in quiet)


def test_plain_lines_are_sanitised() -> None:
    """What a file or a pipe gets: each line is printable."""
    (line,) = shown(RunReport(exit_status=ExitStatus.OK, pairs=(pair_report(name=EVIL),)))
    assert line.isprintable()
    assert line.endswith("line: running")
