"""Checks a file that contains only a secret, and hides secrets in messages."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

from globus_sync_directory.config.keys import UUID_FORM
from globus_sync_directory.errors import ConfigError

CLIENT_SECRET = "client secret"  # noqa: S105
MAIL_PASSWORD = "SMTP password"  # noqa: S105
MOVE_SECRET = "move the secret to the secret file; if other users could read this file, create a new secret"  # noqa: S105

# 32 bytes in base64. If a secret is where a key should be, its "=" is not part of the key.
_CLIENT_SECRET = re.compile(r"[A-Za-z0-9+/]{43}=(?![A-Za-z0-9=])|(?<=\] )[A-Za-z0-9+/]{43}(?=: )")
_SHORTEST_CONCEALED = 8  # characters; a shorter "secret" is part of ordinary words
_QUOTE = "[\"'“”„‘’]"


def how_to_write(path: Path, what: str) -> str:
    """Return how to write the file ``path`` that contains only ``what``."""
    return f"write the {what} into it as its only line, then run: {_chmod(path)}"


def parse_secret(path: Path, what: str, status: os.stat_result, content: bytes) -> str:
    """
    Return the only line of a file, without spaces around it, empty lines after it and a byte order mark.

    Raises ConfigError if other users have any right to the file, or if it contains anything but ``what``; no sentence
    repeats any of the content.
    """
    text = content.decode("utf-8-sig", errors="replace").rstrip().lstrip(" \t")
    if status.st_uid != os.geteuid():
        problem = f"the {what} file belongs to another user; make a copy that only you can read"
    elif status.st_mode & 0o077:
        problem = f"other users can read or change the {what} file; run: {_chmod(path)}"
    elif not text:
        problem = f"the {what} file is empty; {how_to_write(path, what)}"
    elif len(text.splitlines()) > 1:
        problem = f"the {what} file has more than one line; it must contain only the {what}"
    elif what == CLIENT_SECRET and re.search(f"^{_QUOTE}|{_QUOTE}$", text):
        problem = f"remove the quotes around the {what}"
    elif what == CLIENT_SECRET and re.fullmatch(UUID_FORM, text):
        problem = f"the {what} file contains a UUID, probably the client id; replace it with the {what}"
    elif not re.fullmatch("[!-~]+" if what == CLIENT_SECRET else "[ -~]+", text):
        problem = f"the {what} file contains spaces or characters that the {what} cannot have"
    else:
        return text
    raise ConfigError(f"{path}: {problem}")


def _chmod(path: Path) -> str:
    return f"chmod 600 {shlex.quote(str(path))}"


def conceal(line: str, secret: str) -> str:
    """Return ``line`` on one line, and without this secret or anything that looks like one."""
    shown = _CLIENT_SECRET.sub("(hidden)", " ".join(line.splitlines()))
    if len(secret) >= _SHORTEST_CONCEALED:
        shown = re.sub(re.escape(secret.rstrip("=")) + "=*", "(hidden)", shown, flags=re.IGNORECASE)
    return f"{shown}; {MOVE_SECRET}" if "(hidden)" in shown else shown
