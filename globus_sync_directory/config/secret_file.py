"""A file that holds only one secret: its owner, its mode, its content. No sentence repeats any of the content."""

from __future__ import annotations

import os
import shlex
import stat
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from globus_sync_directory.config.problems import UnusableFile

LARGEST_SECRET = 10_000  # bytes
_QUOTES = "\"'“”„‘’"


@dataclass(frozen=True, kw_only=True)
class SecretKind:
    """What messages call the file and its content."""

    file: str
    content: str


CLIENT_SECRET = SecretKind(file="secret file", content="client secret")
MAIL_PASSWORD = SecretKind(file="SMTP password file", content="password")


def missing_secret(path: Path, kind: SecretKind) -> str:
    """Return the sentence about a file that does not exist."""
    return f"no such {kind.file}; write the {kind.content} into it as its only line, then run: {_chmod(path)}"


def check_access(status: os.stat_result, user: int, path: Path, kind: SecretKind) -> None:
    """Raise UnusableFile where the opened file does not belong to ``user``, or other users have any right to it."""
    if status.st_uid != user:
        raise UnusableFile(f"the {kind.file} belongs to another user; make a copy that only you can read")
    if stat.S_IMODE(status.st_mode) & 0o077:
        raise UnusableFile(f"other users can read or change the {kind.file}; run: {_chmod(path)}")


def _chmod(path: Path) -> str:
    return f"chmod 600 {shlex.quote(str(path))}"


def parse_secret(content: bytes, kind: SecretKind) -> str:
    """Return the only line of a file; blanks around it, empty lines after it and a byte order mark do not count."""
    if len(content) > LARGEST_SECRET:
        raise UnusableFile(f"the {kind.file} is larger than {LARGEST_SECRET:,} bytes; {_only(kind)}")
    text = content.decode("utf-8-sig", errors="replace").rstrip().lstrip(" \t")
    if not text:
        raise UnusableFile(f"the {kind.file} is empty; write the {kind.content} into it as its only line")
    if len(text.splitlines()) > 1:
        raise UnusableFile(f"the {kind.file} has more than one line; {_only(kind)}")
    if kind is CLIENT_SECRET:
        _reject_other_things(text)
    lowest = "!" if kind is CLIENT_SECRET else " "
    if not all(lowest <= char <= "~" for char in text):
        raise UnusableFile(f"the {kind.file} contains blanks or characters that a {kind.content} cannot have")
    return text


def _only(kind: SecretKind) -> str:
    return f"it must contain only the {kind.content}"


def _reject_other_things(text: str) -> None:
    """Raise UnusableFile for what people put into the secret file instead of the bare client secret."""
    if text[0] in _QUOTES or text[-1] in _QUOTES:
        raise UnusableFile("remove the quotes around the client secret")
    try:
        UUID(text)
    except ValueError:
        return
    raise UnusableFile("the secret file contains a UUID, probably the client id; replace it with the client secret")
