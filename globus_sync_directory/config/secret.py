"""A file that holds one secret -> the secret, or the reason why not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from globus_sync_directory.text import sanitize
from globus_sync_directory.errors import SecretError

_LARGEST_SECRET = 10_000  # bytes


def read_secret(path: Path, kind: str = "secret file", what: str = "client secret") -> str:
    """
    Return the secret in ``path``; messages call the file ``kind`` and what it holds ``what``.

    Owner, mode and type are those of the file that was opened, so that a link or a change in between is of no
    help to anybody. Raises SecretError with the cure; its text never holds anything from inside the file.
    """
    shown = sanitize(path.absolute())
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except FileNotFoundError:
        raise SecretError(
            f"{shown}: there is no such {kind}; put the {what} into it as its only line, then: chmod 600 {shown}"
        ) from None
    except OSError as error:
        raise SecretError(f"{shown}: the {kind} cannot be read: {error.strerror}") from None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise SecretError(f"{shown}: the {kind} is not a regular file")
        if found.st_uid != os.geteuid():
            raise SecretError(f"{shown}: the {kind} belongs to somebody else; make a copy that is yours alone")
        if found.st_mode & 0o077:
            raise SecretError(f"{shown}: others may read or change the {kind}; type: chmod 600 {shown}")
        content = os.read(descriptor, _LARGEST_SECRET + 1)
    except OSError as error:
        raise SecretError(f"{shown}: the {kind} cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)
    lines = content.decode("utf-8", errors="replace").removesuffix("\n").removesuffix("\r").split("\n")
    if not lines[0].strip() and len(lines) == 1:
        raise SecretError(f"{shown}: the {kind} is empty; put the {what} into it as its only line")
    if len(lines) > 1 or len(content) > _LARGEST_SECRET:
        raise SecretError(f"{shown}: the {kind} has more than one line; it must hold the {what} alone")
    secret = lines[0].strip()
    lowest = "!" if what == "client secret" else " "
    if not all(lowest <= char <= "~" for char in secret):
        raise SecretError(f"{shown}: the {kind} holds blanks or characters that no {what} has")
    return secret
