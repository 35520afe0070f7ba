"""A report on a whole run -> lines: the checks, the pairs, and a summary."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from globus_sync_directory.model.report import Check, CheckResult, PairReport, RunReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.output.line import Colour, Line, Mark
from globus_sync_directory.output.pair_text import pair_lines, summary
from globus_sync_directory.text import count, sanitize

_OF_THE_WHOLE_RUN = {
    PairStatus.NOT_REACHED: "Globus was not reached",
    PairStatus.SIGN_IN_REJECTED: "the sign-in was rejected",
}
_COLOURS: dict[CheckResult, Colour] = {
    CheckResult.OK: "green",
    CheckResult.FAIL: "red",
    CheckResult.NOTE: "yellow",
}


def plain_lines(report: RunReport) -> list[str]:
    """Return the whole report as a log file keeps it: sanitised, unwrapped, the errors first."""
    lines = [*report.errors, *(line.text for line in report_lines(report, quiet=False))]
    return [sanitize(line) for line in lines]


def report_lines(report: RunReport, *, quiet: bool) -> list[Line]:
    """Return all lines for standard output in order; with ``quiet`` only what explains the exit status."""
    pairs = [line for pair in pairs_shown(report, quiet=quiet) for line in pair_lines(pair)]
    return [*lines_before_pairs(report, quiet=quiet), *pairs, *lines_after_pairs(report, quiet=quiet)]


def lines_before_pairs(report: RunReport, *, quiet: bool) -> list[Line]:
    """Return the checks with their count, and the problem that kept all pairs from being asked about."""
    lines = [line for check in report.checks if not quiet or check.exit_status for line in _check_lines(check)]
    if report.checks and not quiet:
        failed = sum(check.result is CheckResult.FAIL for check in report.checks)
        outcome = f"{failed} failed" if failed else "all is well"
        lines.append(Line(text=f"{count(len(report.checks), 'check')}: {outcome}"))
    shared = _shared(report.pairs)
    if shared and shared.problem:
        lines.append(Line(text=f"{_OF_THE_WHOLE_RUN[shared.status]}: {shared.problem.reason}", hanging=4))
        if shared.problem.fix:
            lines.append(Line(text=f"    fix:  {shared.problem.fix}", hanging=10))
    return lines


def pairs_shown(report: RunReport, *, quiet: bool) -> list[PairReport]:
    """Return the reports to show, without a problem that was shown before all of them."""
    is_shared = _shared(report.pairs) is not None
    return [
        replace(pair, problem=None) if is_shared and pair.status in _OF_THE_WHOLE_RUN else pair
        for pair in report.pairs
        if not quiet or pair.exit_status
    ]


def lines_after_pairs(report: RunReport, *, quiet: bool) -> list[Line]:
    """Return the summary of several pairs, and the closing line."""
    if quiet:
        return []
    lines = [summary(report.pairs)] if len(report.pairs) > 1 else []
    return [Line(text=line, hanging=4) for line in [*lines, report.closing_line] if line]


def _shared(pairs: Sequence[PairReport]) -> PairReport | None:
    """Return the first of several pairs that could not be asked about, all for the same problem."""
    unasked = [pair for pair in pairs if pair.status in _OF_THE_WHOLE_RUN]
    problems = {(pair.status, pair.problem) for pair in unasked}
    return unasked[0] if len(unasked) > 1 and len(problems) == 1 else None


def _check_lines(check: Check) -> list[Line]:
    word = check.result.value
    about = f"{check.pair}: " if check.pair else ""
    mark = Mark(start=0, end=len(word), colour=_COLOURS[check.result])
    lines = [Line(text=f"{word:<4}  {about}{check.sentence}", hanging=6, mark=mark)]
    if check.fix:
        lines.append(Line(text=f"      fix:  {check.fix}", hanging=12))
    if check.command:
        lines.append(Line(text=f"      run:  {check.command}", is_whole=True))
    return lines
