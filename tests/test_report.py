"""The report's shape: alignment, wrapping, wide characters, narrow and wide terminals, poor locales."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

import pytest
from globus_sync_directory.output.text import columns, render, size, span, summary, wrapped
from world import World, read_terminal

from globus_sync_directory.globus.explain import Problem
from globus_sync_directory.model.status import PairReport, PairStatus

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def finding(name: str, verdict: PairStatus = PairStatus.RUNNING, **more: object) -> PairReport:
    return PairReport(name=name, verdict=verdict, at=NOW, **more)  # type: ignore[arg-type]


def test_verdicts_stand_in_one_column() -> None:
    """The verdicts of names of unlike length, wide ones too, begin in the same column."""
    lines = render([finding("a"), finding("microscope"), finding("顕微鏡"), finding("u\u0308ber")])
    assert {columns(line[: line.index("running")]) for line in lines} == {12}


def test_a_long_name_pushes_nobody_aside() -> None:
    """A name longer than the column does not widen it for the others."""
    lines = render([finding("a"), finding("x" * 80)])
    assert lines == ["a: running", "x" * 80 + ": running"]


@pytest.mark.parametrize("width", [30, 40, 80, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Prose is broken at blanks with what follows indented; a command and a link stay in one piece."""
    command = "globus endpoint permission create --identity " + "0" * 36
    cause = Problem(reason="permission denied for 画像 " * 6, fix="share it " * 12, command=command)
    lines = render(
        [finding("microscope", PairStatus.BLOCKED, cause=cause, since=NOW, task_id="1" * 36)], width=width
    )
    pieces = [line for line in lines if line.startswith(("    run: ", "    task: "))]
    assert pieces == [f"    run:  {command}", f"    task: https://app.globus.org/activity/{'1' * 36}"]
    assert all(columns(line) <= width for line in lines if line not in pieces)
    assert all(line.startswith("    ") for line in lines[1:])
    assert "".join(lines).replace(" ", "").count("permissiondeniedfor画像") == 6


def test_words_wider_than_the_terminal_stay_whole() -> None:
    """A word that fits in no line is not cut."""
    assert wrapped("    " + "x" * 90 + " y", 40, "      ") == ["    " + "x" * 90, "      y"]


def test_a_cause_of_the_whole_run_is_told_once() -> None:
    """What keeps every pair from being asked stands once, before one line a pair; a cause of one pair stays with it."""
    cause = Problem(reason="no network", fix="wait")
    lines = render([finding(name, PairStatus.NOT_REACHED, cause=cause) for name in ("a", "b")])
    assert lines == ["Globus could not be asked: no network", "    cure: wait", "a: not reached", "b: not reached"]
    other = Problem(reason="timeout", fix="wait")
    lines = render([finding("a", PairStatus.NOT_REACHED, cause=cause), finding("b", PairStatus.NOT_REACHED, cause=other)])
    assert "    why:  no network" in lines
    assert "    why:  timeout" in lines


def test_units() -> None:
    """Sizes and spans in units that suit them."""
    assert [size(count) for count in (0, 999, 1000, 7_240_000, 123_456_789, 5 * 10**15)] == [
        "0 B",
        "999 B",
        "1 kB",
        "7.2 MB",
        "123 MB",
        "5 PB",
    ]
    assert [span(timedelta(minutes=minutes)) for minutes in (0, 59, 60, 61, 1500)] == [
        "0 min",
        "59 min",
        "1 h",
        "1 h 1 min",
        "1 d 1 h",
    ]


def test_summary_counts_left_overs_apart() -> None:
    """A left-over is not one of the pairs."""
    assert summary([finding("a"), finding("b", left_over=True)]) == "1 pair: 1 running; 1 left over"


@pytest.mark.parametrize("width", [40, 200])
def test_on_a_real_terminal(world: World, width: int) -> None:
    """The command itself wraps its report to the terminal it writes to."""
    world.pair("bad", src_path="/missing")
    ours, theirs = os.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "COLUMNS": str(width)}
    with world.start(stdout=theirs, env=environment) as process:
        os.close(theirs)
        written = read_terminal(ours)
        process.communicate(timeout=30)
    lines = [line for line in written.splitlines() if " " in line.strip()]
    assert max(map(columns, lines)) <= width
    assert any("not startable" in line for line in lines)


def test_a_poor_locale(world: World) -> None:
    """LANG=C, without Python's own way round it: names come out whole, in the log escaped; nothing breaks."""
    world.pair("mikroskop größe 顕微鏡", src_path="/images")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    outcome = world.process(env=environment)
    assert outcome.status == 0
    assert "mikroskop größe 顕微鏡: started" in outcome.stdout
    assert "mikroskop gr\\xf6\\xdfe" in outcome.stderr


def test_nothing_would_be_started(world: World) -> None:
    """-n while the task runs says that nothing would be started."""
    world.globus.hold()
    world.run()
    assert world.run("-n").stdout.splitlines()[-1] == "nothing would be started"
    world.globus.release()
