"""A report on a whole run as lines: the checks, what all pairs share, the summary."""

from __future__ import annotations

from dataclasses import replace

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.report import Check, CheckResult, RunReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.output.run_text import plain_lines, report_lines

from .reports import BY_STATUS, EVIL, PROBLEM, pair_report

OK = Check(result=CheckResult.OK, sentence="signed in")
FAIL = Check(result=CheckResult.FAIL, sentence="no such path", fix="correct it", command="do that", pair="lab")
NOTE = Check(result=CheckResult.NOTE, sentence="the source is empty")


def shown(report: RunReport, *, quiet: bool = False) -> list[str]:
    return [line.text for line in report_lines(report, quiet=quiet)]


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


def test_plain_lines_are_sanitised_and_begin_with_the_errors() -> None:
    """What the log file keeps: errors and report, each a printable line."""
    lines = plain_lines(RunReport(exit_status=ExitStatus.USAGE, errors=(EVIL,), pairs=(pair_report(name=EVIL),)))
    assert all(line.isprintable() for line in lines)
    assert lines[1].endswith("line: running")
