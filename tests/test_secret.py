"""The secret file: what is taken, what is refused, and that no message ever holds anything from inside it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from globus_sync_directory.config.secret import read_secret

from globus_sync_directory.errors import SecretError

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQ="


def secret_file(tmp_path: Path, content: bytes, mode: int = 0o600) -> Path:
    path = tmp_path / "secret"
    path.write_bytes(content)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_one_line(tmp_path: Path, end: str) -> None:
    """The only line is the secret, with or without its end."""
    assert read_secret(secret_file(tmp_path, (SECRET + end).encode())) == SECRET


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (f"{SECRET}\n{SECRET}\n".encode(), "more than one line"),
        (f"{SECRET}\n\n".encode(), "more than one line"),
        (f"{SECRET} {SECRET}\n".encode(), "blanks or characters"),
        (b"\xff\xfe" + SECRET.encode(), "blanks or characters"),
        (SECRET.encode() * 1000, "more than one line"),
    ],
)
def test_refused_contents(tmp_path: Path, content: bytes, words: str) -> None:
    """Anything but one line of printable characters is refused, without showing it."""
    path = secret_file(tmp_path, content)
    with pytest.raises(SecretError, match=words) as caught:
        read_secret(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert SECRET not in str(caught.value)


@pytest.mark.promise(9, "secret files that others may read")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644])
def test_others_may_not_read_it(tmp_path: Path, mode: int) -> None:
    """Any right of group or others is refused, with the command that cures it; through a link too."""
    path = secret_file(tmp_path, SECRET.encode(), mode)
    link = tmp_path / "link"
    link.symlink_to(path)
    for named in (path, link):
        with pytest.raises(SecretError, match=f"type: chmod 600 {named}"):
            read_secret(named)


def test_missing(tmp_path: Path) -> None:
    """A missing file is named, with what to put where."""
    with pytest.raises(SecretError, match="there is no such secret file; put the client secret into it"):
        read_secret(tmp_path / "secret")


def test_not_a_regular_file(tmp_path: Path) -> None:
    """A directory or a pipe is refused at once; a pipe that nobody writes to does not stop the run."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(SecretError, match="not a regular file"):
            read_secret(path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_somebody_elses_file(tmp_path: Path) -> None:
    """A file that belongs to another user is refused."""
    path = secret_file(tmp_path, SECRET.encode())
    os.chown(path, 65534, 65534)
    with pytest.raises(SecretError, match="belongs to somebody else"):
        read_secret(path)
