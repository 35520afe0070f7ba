"""The report on a terminal: it fits, nothing that people copy is broken, and text is text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from globus_sync_directory.errors import ExitStatus
from globus_sync_directory.model.problem import Problem
from globus_sync_directory.model.report import Check, CheckResult, PairReport, RunReport
from globus_sync_directory.model.status import PairStatus
from globus_sync_directory.output.layout import lay_out, wrap
from globus_sync_directory.output.report_text import Line
from globus_sync_directory.text import is_unprintable

from .reports import (
    BY_STATUS,
    COMMAND,
    EVIL,
    LINK,
    MIDNIGHT,
    TASK_ID,
    ended_task,
    live_task,
    pair_report,
)

WIDTHS = [40, 80, 110, 160]
WELL = (
    BY_STATUS[PairStatus.SUCCEEDED],
    replace(BY_STATUS[PairStatus.RUNNING], name="cryo-em stage two"),
    replace(BY_STATUS[PairStatus.QUEUED], name="顕微鏡"),
    replace(BY_STATUS[PairStatus.STOPPED_AT_TIME_LIMIT], name="archive"),
    replace(BY_STATUS[PairStatus.NEVER_RUN], name="new"),
    pair_report(PairStatus.RUNNING, is_orphaned=True, task=live_task(), since=MIDNIGHT, task_id=TASK_ID),
)


def lines_of(*pairs: PairReport, width: int, colour: bool = False, quiet: bool = False) -> list[str]:
    report = RunReport(exit_status=ExitStatus.OK, pairs=pairs)
    return lay_out(report, quiet=quiet, width=width, colour=colour).splitlines()


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("status", PairStatus, ids=lambda status: status.name)
def test_every_report_fits(status: PairStatus, width: int) -> None:
    """Only links and commands, which are whole, may be wider than the terminal; what follows is indented."""
    report = replace(BY_STATUS[status], task_id=TASK_ID)
    lines = lines_of(report, width=width)
    wide = [line.strip() for line in lines if cell_len(line) > width]
    assert all(re.fullmatch(r"(task: )?https://\S+|run:  .*", line) for line in wide)
    assert sum(LINK in line for line in lines) == 1
    assert all(line.startswith("    ") for line in lines[1:])


@pytest.mark.parametrize("width", WIDTHS)
def test_several_pairs_that_are_well(width: int) -> None:
    """They are a table where one fits, and every task has its link, whole, at every width."""
    lines = lines_of(*WELL, width=width)
    assert sum(line.endswith(LINK) for line in lines) == 5
    assert all(cell_len(line) <= width for line in lines if LINK not in line)
    assert lines[0].startswith("pair ") is (width >= 80)


def test_the_table_at_80_columns() -> None:
    """Ages, not times; names and what was copied are wrapped between words; links stand below their rows."""
    assert lines_of(*WELL, width=80) == [
        "pair                status          since    copied                 last success",
        "microscope          succeeded       7 h ago  1 file, 7.5 MB,        7 h ago",
        "                                             2 in sync",
        f"    {LINK}",
        "cryo-em stage two   running         7 h ago  7 of 8 files, 6.3 MB,  1 d 7 h ago",
        "                                             875 B/s, 1 in sync",
        f"    {LINK}",
        "顕微鏡              queued          7 h ago",
        f"    {LINK}",
        "archive             stopped at its  7 h ago  1,200 files, 1 TB      1 d 7 h ago",
        "                    time limit",
        f"    {LINK}",
        "new                 never run",
        "orphaned task of    running         7 h ago  0 files",
        "[microscope]",
        f"    {LINK}",
        "5 pairs: 1 succeeded, 1 running, 1 queued, 1 stopped at its time limit, 1 never",
        "    run; 1 orphaned task",
    ]


def test_a_wide_terminal_wraps_nothing() -> None:
    """Names, statuses and figures are on one line where there is room."""
    long = replace(WELL[3], name="a name of twenty-eight chars")
    lines = lines_of(WELL[0], long, width=110)
    assert "1 file, 7.5 MB, 2 in sync" in lines[1]
    assert "a name of twenty-eight chars  stopped at its time limit  7 h ago" in lines[3]


def test_a_table_that_does_not_fit() -> None:
    """A name of one long word: each pair has its own lines."""
    lines = lines_of(WELL[1], replace(WELL[0], name="x" * 50), width=80)
    assert lines[0].startswith("cryo-em stage two: running, since")
    assert lines[4].startswith("x" * 50 + ": succeeded")


def test_cells_break_after_commas_only() -> None:
    """At no width does a comma begin a line, or a number lose its unit."""
    for width in range(75, 120):
        text = "\n".join(lines_of(*WELL, width=width))
        assert not re.search(r"(^|\s),", text)
        assert all(phrase in text for phrase in ("7.5 MB", "875 B/s", "1 in sync", "1,200 files"))


def test_trouble_stands_below_the_table() -> None:
    """The pairs that are well come first, then those that need attention, then the summary."""
    lines = lines_of(BY_STATUS[PairStatus.FAILED], WELL[0], BY_STATUS[PairStatus.STUCK], WELL[3], width=80)
    starts = [line.split()[0] for line in lines if not line.startswith(" ")]
    assert starts == ["pair", "microscope", "archive", "microscope:", "microscope:", "4"]


def test_a_single_pair_that_is_well_is_no_table() -> None:
    """Each fact has a line of its own."""
    assert lines_of(WELL[0], width=80) == [
        "microscope: succeeded, 2026-11-25 00:00 NZDT (7 h ago)",
        "    1 file copied, 7.5 MB; 2 already in sync; took 4 h",
        f"    task: {LINK}",
    ]


def test_a_success_from_just_now() -> None:
    """An age of less than a minute has words of its own."""
    fresh = pair_report(PairStatus.SUCCEEDED, since=MIDNIGHT + timedelta(hours=7), task=ended_task())
    assert "just now" in lines_of(fresh, replace(fresh, name="b"), width=80)[1]


@pytest.mark.parametrize(
    ("path", "width"),
    [
        ("/my  lab/with many words in its name", 40),
        ("/" + "x" * 399, 80),
        ("/画像/  /" + "深" * 60, 80),
        ("~/a  b", 40),
    ],
)
def test_paths_are_never_broken(path: str, width: int) -> None:
    """A path between quotation marks is on one line, with all its blanks, however narrow the terminal is."""
    line = Line(text=f"    why:  permission denied for source '{path}', on collection 'Bob's  PC' (c)", hanging=10)
    lines = [part.plain for part in wrap([line], width)]
    assert sum(f"'{path}'," in part for part in lines) == 1
    assert all(cell_len(part) <= width for part in lines if path not in part)
    assert all(part.startswith(" " * 10) for part in lines[1:])


def test_wide_characters_count_twice() -> None:
    """Japanese words take two columns a character."""
    parts = [part.plain for part in wrap([Line(text="画像 " * 11, hanging=2)], 30)]
    assert [cell_len(part) for part in parts] == [29, 26]


def test_a_command_is_whole() -> None:
    """A command is one line that can be pasted, two blanks and all."""
    lines = lines_of(BY_STATUS[PairStatus.BLOCKED], width=40)
    assert f"    run:  {COMMAND}" in lines


def test_text_is_text() -> None:
    """Markup, emoji codes and numbers in texts are shown as they are; nothing but the status has colour."""
    text = "[red]x[/red] :smile: 'a' True 12 https://example.org [link=x]"
    report = pair_report(PairStatus.FAILED, "[bold]", problem=Problem(reason=text))
    first, *more = lines_of(report, width=110, colour=True)
    assert first == "[bold]: \x1b[31mfailed\x1b[0m"
    assert more == ["    last success: none known", f"    why:  {text}", more[2]]
    assert "\x1b" not in more[2]


@pytest.mark.parametrize(
    ("status", "code"), [(PairStatus.RUNNING, 32), (PairStatus.START_UNCONFIRMED, 33), (PairStatus.STUCK, 31)]
)
def test_colours(status: PairStatus, code: int) -> None:
    """Green, yellow and red by exit status; in a table too, whose header is bold."""
    report = pair_report(status)
    assert f"microscope: \x1b[{code}m{status.words}\x1b[0m" in lines_of(report, width=80, colour=True)[0]
    if status is not PairStatus.STUCK:
        header, row, *_ = lines_of(report, report, width=80, colour=True)
        assert header.startswith("\x1b[1mpair")
        assert f"\x1b[{code}m{status.words}\x1b[0m" in row


def test_checks_have_coloured_marks() -> None:
    """The mark alone has a colour; the sentence is wrapped below itself."""
    check = Check(result=CheckResult.FAIL, sentence="word " * 20, fix="word " * 20)
    report = RunReport(exit_status=ExitStatus.ATTENTION, checks=(check,))
    lines = lay_out(report, quiet=False, width=60, colour=True).splitlines()
    assert lines[0].startswith("\x1b[31mFAIL\x1b[0m  word")
    assert [len(line) - len(line.lstrip()) for line in lines[1:]] == [6, 6, 12, 12, 0]


@settings(max_examples=40)
@given(st.text(max_size=40) | st.just(EVIL), st.text(max_size=300) | st.just(EVIL), st.sampled_from([40, 80, 160]))
def test_no_text_reaches_a_terminal_as_a_command(name: str, text: str, width: int) -> None:
    """Whatever texts hold, each line is printable; a name in a table, too."""
    problem = Problem(reason=text, fix=text, command=text)
    pairs = (pair_report(name=name), pair_report(name=name), pair_report(PairStatus.FAILED, name, problem=problem))
    checks = (Check(result=CheckResult.FAIL, sentence=text, fix=text, command=text, pair=name),)
    written = lay_out(
        RunReport(exit_status=ExitStatus.OK, pairs=pairs, checks=checks, closing_line=text),
        quiet=False,
        width=width,
        colour=False,
    )
    assert not any(is_unprintable(char) for char in written.replace("\n", ""))
