"""The log of a run, on stderr and in a file."""

from __future__ import annotations

import errno
import io
import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from globus_sync_directory.output.log import log_end, log_report, log_to

MOMENT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d"
package_log = logging.getLogger("globus_sync_directory")
log = package_log.getChild("somewhere")


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    before = (package_log.handlers[:], package_log.level, package_log.propagate, logging.raiseExceptions)
    yield
    package_log.handlers[:], package_log.level, package_log.propagate, logging.raiseExceptions = before


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "log"


def write_each_level() -> None:
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR):
        log.log(level, "a line")


def levels(text: str) -> list[str]:
    return re.findall(r"(\w+) a line$", text, re.MULTILINE)


@pytest.mark.parametrize(
    ("stderr_level", "on_stderr", "in_file"),
    [
        (logging.DEBUG, ["DEBUG", "INFO", "WARNING", "ERROR"], ["DEBUG", "INFO", "WARNING", "ERROR"]),
        (logging.INFO, ["INFO", "WARNING", "ERROR"], ["INFO", "WARNING", "ERROR"]),
        (logging.ERROR, ["ERROR"], ["INFO", "WARNING", "ERROR"]),
    ],
)
def test_levels(
    file: Path,
    capsys: pytest.CaptureFixture[str],
    stderr_level: int,
    on_stderr: list[str],
    in_file: list[str],
) -> None:
    """With -v both get everything; with -q the file gets what stderr does not."""
    log_to(stderr_level=stderr_level)
    write_each_level()
    assert levels(capsys.readouterr().err) == on_stderr
    log_to(stderr_level=stderr_level, file=file)
    write_each_level()
    assert levels(capsys.readouterr().err) == on_stderr
    assert levels(file.read_text()) == in_file


def test_a_run_in_the_file(file: Path) -> None:
    """Header with quoted arguments, log lines with time, zone and process, the report as it is, the exit status."""
    log_to(stderr_level=logging.ERROR, file=file, arguments=["-p", "two words", "-q"])
    log.info("%s: submitted", "microscope")
    log_report(["microscope: started", "    /data/my  lab"])
    log_report([])
    log_end(3)
    host, pid = re.escape(os.uname().nodename), os.getpid()
    expected = [
        "",
        rf"==== {MOMENT} {host} \[{pid}\]: globus-sync-directory -p 'two words' -q",
        rf"{MOMENT} \[{pid}\] INFO microscope: submitted",
        "microscope: started",
        "    /data/my  lab",
        rf"---- {MOMENT} \[{pid}\] exit status 3",
    ]
    lines = file.read_text().splitlines()
    assert len(lines) == len(expected)
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line)


def test_runs_follow_each_other(file: Path) -> None:
    """The file keeps earlier runs, and each later run has one header."""
    for number in range(3):
        log_to(stderr_level=logging.ERROR, file=file)
        log_end(number)
    assert re.findall(r"^(====|----)", file.read_text(), re.MULTILINE) == ["====", "----"] * 3
    assert re.findall(r"exit status (\d)", file.read_text()) == ["0", "1", "2"]


def test_lines_cannot_be_forged(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line break or an escape sequence in a job id, an argument, a log entry or a report makes no line of its own."""
    monkeypatch.setenv("SLURM_JOB_ID", "7\n==== forged\x1b[2J")
    log_to(stderr_level=logging.INFO, file=file, arguments=["-p", "a\n==== forged"])
    log.info("%s", "one\n==== forged\x1b[2J")
    log_report(["one\r\n==== forged", "\u202e==== forged"])
    written, shown = file.read_text(), capsys.readouterr().err
    assert len(re.findall("forged", written)) == 5
    assert len(re.findall(r"^\W*forged", written, re.MULTILINE)) == 1  # the report's last line, without its mark
    assert "Slurm job 7 " in written
    assert not set("\x1b\r\u202e") & set(written + shown)
    assert len(shown.splitlines()) == 1


def test_long_text_stays_whole(file: Path) -> None:
    """Nothing is cut: a path of 400 characters can be copied from the log."""
    path = "/data/" + "x  y/" * 80
    log_to(stderr_level=logging.ERROR, file=file)
    log.info("source %r", path)
    log_report([path])
    assert file.read_text().count(path) == 2


def test_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a log file the report and the end leave no trace."""
    log_to(stderr_level=logging.INFO)
    log_report(["microscope: started"])
    log_end(0)
    assert capsys.readouterr().err == ""
    assert list(tmp_path.iterdir()) == []


def test_file_that_cannot_be_written(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One warning that names the file; stderr keeps its log."""
    file.mkdir()
    log_to(stderr_level=logging.INFO, file=file)
    log.info("a line")
    log_report(["microscope: started"])
    log_end(0)
    first, second = capsys.readouterr().err.splitlines()
    assert re.fullmatch(
        rf"{MOMENT} WARNING {file}: cannot write the log file: Is a directory; the run continues without it", first
    )
    assert second.endswith("INFO a line")


def test_file_that_breaks_later(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A log file that is lost during the run costs one warning, not the run."""
    log_to(stderr_level=logging.INFO, file=file)
    file.unlink()
    file.mkdir()
    log.info("first")
    log.info("second")
    endings = [line.split(" ", 2)[1] for line in capsys.readouterr().err.splitlines()]
    assert sorted(endings) == ["INFO", "INFO", "WARNING"]


class BrokenStream(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


closed_stream = io.StringIO()
closed_stream.close()


@pytest.mark.parametrize("stream", [None, closed_stream, BrokenStream()], ids=["none", "closed", "full"])
def test_stderr_that_is_gone(file: Path, monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None) -> None:
    """A stderr that takes nothing stops neither the run nor the log file."""
    monkeypatch.setattr(sys, "stderr", stream)
    log_to(stderr_level=logging.INFO, file=file)
    log.warning("a line")
    assert levels(file.read_text()) == ["WARNING"]
