"""The log of a run, on stderr and in a file that several processes share."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import io
import logging
import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from globus_sync_directory.output.log import append, log_end, log_report, log_to, rotate

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


COUNT = 1000
LARGEST_BYTES = 100_000  # two thirds of what is written: one rotation

# Begins when its stdin is closed, so that several of them begin together.
WRITER = f"""
import sys
from pathlib import Path
from globus_sync_directory.output.log import append, rotate

path, name = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
sys.stdin.read()
for number in range({COUNT}):
    rotate(path, {LARGEST_BYTES})
    append(path, f"{{name}} {{number}} {{name * (number % 50)}}.\\n")
"""


def whole_line(name: str, number: int) -> str:
    return f"{name} {number} {name * (number % 50)}."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


def older(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")


def test_several_processes_lose_nothing(path: Path) -> None:
    """Every line is whole and in order, those before the rotation and those after it."""
    names = "abcd"
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-c", WRITER, str(path), name], stdin=subprocess.PIPE, stdout=subprocess.PIPE
                )
            )
            for name in names
        ]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.close()
        assert [writer.wait(timeout=60) for writer in writers] == [0] * len(names)

    numbers: dict[str, list[int]] = {name: [] for name in names}
    for line in older(path).read_text().splitlines() + path.read_text().splitlines():
        name, number = line.split()[0], int(line.split()[1])
        assert line == whole_line(name, number)
        numbers[name].append(number)
    assert numbers == {name: list(range(COUNT)) for name in names}


def test_only_the_owner_may_read(path: Path) -> None:
    """The file and its successor after a rotation have mode 0600 under any umask."""
    before = os.umask(0)
    try:
        append(path, "first\n")
        rotate(path, 5)
        append(path, "second\n")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, older(path))] == [0o600, 0o600]
    assert (older(path).read_text(), path.read_text()) == ("first\n", "second\n")


def test_a_run_rotates_a_large_file(file: Path) -> None:
    """A file of up to 4 MB is continued; a larger one is renamed before the header."""
    for number, size in ((0, 4 * 1024 * 1024), (1, 4 * 1024 * 1024 + 1)):
        file.write_bytes(b"x" * size)
        log_to(stderr_level=logging.ERROR, file=file)
        assert older(file).exists() is bool(number)
    assert older(file).stat().st_size == size
    assert file.read_text().startswith("\n====")


def test_rotation_that_fails(path: Path) -> None:
    """Where the old file cannot be replaced, the file grows rather than lose a line."""
    older(path).mkdir()
    for _ in range(2):
        rotate(path, 5)
        append(path, "12345678\n")
    assert path.read_text() == "12345678\n" * 2


def test_file_that_was_removed(path: Path) -> None:
    """A file that somebody deletes during the run is created again."""
    append(path, "first\n")
    path.unlink()
    append(path, "second\n")
    assert path.read_text() == "second\n"


def test_symbolic_link(path: Path) -> None:
    """A link leads to the file, also after a rotation."""
    path.symlink_to(path.with_name("elsewhere"))
    append(path, "12345678\n")
    rotate(path, 5)
    append(path, "87654321\n")
    assert path.is_symlink()
    assert path.read_text() == "87654321\n"
    assert path.with_name("elsewhere.1").read_text() == "12345678\n"


def put_fifo(path: Path) -> None:
    os.mkfifo(path)


def put_directory(path: Path) -> None:
    path.mkdir()


def put_device(path: Path) -> None:
    path.symlink_to("/dev/full")


def put_file_in_the_way(path: Path) -> None:
    path.parent.rmdir()
    path.parent.write_text("")


@pytest.mark.parametrize("obstacle", [put_fifo, put_directory, put_device, put_file_in_the_way])
def test_what_is_not_a_regular_file(tmp_path: Path, obstacle: Callable[[Path], None]) -> None:
    """It is an error, and not a reason to wait."""
    path = tmp_path / "place" / "log"
    path.parent.mkdir()
    obstacle(path)
    with pytest.raises(OSError, match=r"regular file|directory|device"):
        append(path, "text\n")


def test_fifo_with_a_reader(path: Path) -> None:
    """A FIFO that can be opened gets nothing all the same."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(OSError, match="not a regular file"):
        append(path, "text\n")
    assert os.read(reader, 10) == b""
    os.close(reader)


def test_no_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without locks the file does not grow for ever."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    append(path, "first\n")
    rotate(path, 5)
    append(path, "second\n")
    assert (older(path).read_text(), path.read_text()) == ("first\n", "second\n")


def test_a_lock_that_somebody_else_holds(path: Path) -> None:
    """Whoever may read the file can lock it; no run waits for that."""
    append(path, "a line\n")
    with path.open() as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        rotate(path, 5)
    assert not older(path).exists()
    rotate(path, 5)
    assert older(path).exists()


def test_file_that_is_renamed_meanwhile(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that opened the file before another one rotated does not replace the older lines."""

    def rotate_meanwhile(*_: object) -> None:
        path.rename(older(path))
        path.write_text("the new file\n")

    monkeypatch.setattr(fcntl, "flock", rotate_meanwhile)
    append(path, "a line\n")
    rotate(path, 5)
    assert (older(path).read_text(), path.read_text()) == ("a line\n", "the new file\n")
