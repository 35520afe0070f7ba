"""A log file that several processes share."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from globus_sync_directory.output import log_file
from globus_sync_directory.output.log_file import LogFile

COUNT = 1000

# Begins when its stdin is closed, so that several of them begin together.
WRITER = f"""
import sys
from pathlib import Path
from globus_sync_directory.output.log_file import LogFile

path, largest_bytes, name = sys.argv[1:]
file = LogFile(Path(path), int(largest_bytes))
print("ready", flush=True)
sys.stdin.read()
for number in range({COUNT}):
    file.append(f"{{name}} {{number}} {{name * (number % 50)}}.\\n")
"""


def whole_line(name: str, number: int) -> str:
    return f"{name} {number} {name * (number % 50)}."


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log"


def older(path: Path) -> Path:
    return path.with_name(f"{path.name}.1")


@pytest.mark.parametrize(("largest_bytes", "keeps_all"), [(100_000, True), (8_000, False)])
def test_several_processes_lose_nothing(path: Path, largest_bytes: int, keeps_all: bool) -> None:
    """Every line is whole; one rotation loses none, and after more of them only the first of each process are gone."""
    names = "abcd"
    command = [sys.executable, "-c", WRITER, str(path), str(largest_bytes)]
    with contextlib.ExitStack() as stack:
        writers = [
            stack.enter_context(subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
            for name in names
        ]
        for writer in writers:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
        for writer in writers:
            assert writer.stdin is not None
            writer.stdin.close()
        assert [writer.wait(timeout=60) for writer in writers] == [0] * len(names)

    old, new = older(path).read_text().splitlines(), path.read_text().splitlines()
    numbers: dict[str, list[int]] = {name: [] for name in names}
    for line in old + new:
        name, number = line.split()[0], int(line.split()[1])
        assert line == whole_line(name, number)
        numbers[name].append(number)
    for found in numbers.values():
        first = 0 if keeps_all else COUNT - len(found)
        assert found == list(range(first, COUNT))
    assert largest_bytes - 60 < older(path).stat().st_size <= largest_bytes
    assert path.stat().st_size <= largest_bytes


def test_only_the_owner_may_read(path: Path) -> None:
    """The file and its successor after a rotation have mode 0600 under any umask."""
    before = os.umask(0)
    try:
        file = LogFile(path, largest_bytes=10)
        file.append("first\n")
        file.append("second\n")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, older(path))] == [0o600, 0o600]
    assert (older(path).read_text(), path.read_text()) == ("first\n", "second\n")


def test_text_larger_than_the_limit(path: Path) -> None:
    """A text that no file has room for gets a file of its own."""
    file = LogFile(path, largest_bytes=10)
    for text in ("a" * 30 + "\n", "b" * 30 + "\n"):
        file.append(text)
    assert (older(path).read_text(), path.read_text()) == ("a" * 30 + "\n", "b" * 30 + "\n")


def test_rotation_that_fails(path: Path) -> None:
    """Where the old file cannot be replaced, the file grows rather than lose a line."""
    older(path).mkdir()
    file = LogFile(path, largest_bytes=10)
    file.append("12345678\n")
    file.append("12345678\n")
    assert path.read_text() == "12345678\n" * 2


def test_file_that_was_removed(path: Path) -> None:
    """A file that somebody deletes during the run is created again."""
    file = LogFile(path)
    file.append("first\n")
    path.unlink()
    file.append("second\n")
    assert path.read_text() == "second\n"


def test_symbolic_link(path: Path) -> None:
    """A link leads to the file, also after a rotation."""
    path.symlink_to(path.with_name("elsewhere"))
    file = LogFile(path, largest_bytes=10)
    file.append("12345678\n")
    file.append("87654321\n")
    assert path.is_symlink()
    assert path.read_text() == "87654321\n"


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
    with pytest.raises(OSError, match=r"regular file|directory"):
        LogFile(path).append("text\n")


def test_fifo_with_a_reader(path: Path) -> None:
    """A FIFO that can be opened gets nothing all the same."""
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(OSError, match="not a regular file"):
        LogFile(path).append("text\n")
    assert os.read(reader, 10) == b""
    os.close(reader)


def test_disk_that_fills_up(path: Path) -> None:
    """A text that does not fit leaves no half line behind."""
    script = f"""
import resource, sys
from pathlib import Path
from globus_sync_directory.output.log_file import LogFile
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
file = LogFile(Path({str(path)!r}))
file.append("a" * 60 + "\\n")
try:
    file.append("b" * 60 + "\\n")
except OSError:
    sys.exit(7)
"""
    assert subprocess.run([sys.executable, "-c", script], timeout=20).returncode == 7
    assert path.read_text() == "a" * 60 + "\n"


def test_another_keeps_the_lock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that was stopped while it wrote holds nobody up for long; the line is written, without a rotation."""
    monkeypatch.setattr(log_file, "_LONGEST_WAIT_SECONDS", 0.05)
    path.write_text("long enough\n")
    with path.open("a") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        LogFile(path, largest_bytes=10).append("a line\n")
    assert path.read_text() == "long enough\na line\n"


def test_no_locks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without locks the file is written and does not grow for ever."""

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    file = LogFile(path, largest_bytes=10)
    file.append("first\n")
    file.append("second\n")
    assert (older(path).read_text(), path.read_text()) == ("first\n", "second\n")


def test_file_that_is_renamed_during_the_wait(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that waited for the lock while another one rotated writes to the new file, not to the old one."""
    lock = fcntl.flock

    def lock_late(descriptor: int, operation: int) -> None:
        if not older(path).exists():
            path.rename(older(path))
        lock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    LogFile(path).append("a line\n")
    assert (older(path).read_text(), path.read_text()) == ("", "a line\n")
