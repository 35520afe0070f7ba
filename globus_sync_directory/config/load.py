"""Reads config.ini, the secret file and the password file; nothing else in this room opens a file."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from globus_sync_directory.config.ini import FileProblem
from globus_sync_directory.config.parse import parse_config
from globus_sync_directory.config.secret_file import CLIENT_SECRET, MAIL_PASSWORD, conceal, how_to_write, parse_secret
from globus_sync_directory.config.settings import Settings
from globus_sync_directory.errors import ConfigError
from globus_sync_directory.installation import is_out_of_memory

_LARGEST_CONFIG = 1_000_000  # bytes
_LARGEST_SECRET = 10_000
_FILL_IN = "copy config.ini.example to it and fill it in"


def load_settings(config_file: Path, secret_file: Path) -> Settings:
    """
    Return the checked contents of both files, and the password of the mail server if it has one.

    Raises ConfigError with every problem of all files, one line each: ``FILE:LINE: [section] key: what is wrong``. No
    line holds the secret.
    """
    settings, problems = _read_config(config_file)
    secrets = {}
    for what, path in ((CLIENT_SECRET, secret_file), (MAIL_PASSWORD, settings.mail.password_file)):
        try:
            if path:
                secrets[what] = _read_secret(path.absolute(), what)
        except ConfigError as error:
            problems += error.lines
    secret = secrets.get(CLIENT_SECRET, "")
    if problems:
        raise ConfigError(*(conceal(problem, secret) for problem in problems))
    return replace(settings, secret=secret, mail_password=secrets.get(MAIL_PASSWORD))


def as_lines(path: Path, problems: Iterable[FileProblem]) -> list[str]:
    """Return ``FILE:LINE: sentence`` for each problem, in the order of the file, the file as a whole last."""
    ordered = sorted(problems, key=lambda problem: (problem.line == 0, problem.line))
    return [f"{path}{f':{problem.line}' if problem.line else ''}: {problem.sentence}" for problem in ordered]


def _read_config(path: Path) -> tuple[Settings, list[str]]:
    try:
        settings, problems = parse_config(_read_text(path.absolute()), path)
    except ConfigError as error:
        return Settings(path=path), list(error.lines)
    return settings, as_lines(path, problems)


def _read_text(path: Path) -> str:
    missing = f"no such config file; {_FILL_IN}, or choose another file with --config-file"
    _, content = _read_file(path, _LARGEST_CONFIG, missing)
    try:
        # UTF-16 without a byte order mark has null characters and would pass as UTF-8. No text file has any.
        text = content.replace(b"\0", b"\xff").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8 text; save the file as UTF-8") from None
    if not text.strip():
        raise ConfigError(f"{path}: empty; {_FILL_IN}")
    return text


def _read_secret(path: Path, what: str) -> str:
    missing = f"no such {what} file; {how_to_write(path, what)}"
    return parse_secret(path, what, *_read_file(path, _LARGEST_SECRET, missing))


def _read_file(path: Path, largest: int, missing: str) -> tuple[os.stat_result, bytes]:
    """
    Return the status and the content of a regular file; never waits for a pipe or a terminal.

    The status is that of the opened file, to avoid a check-then-open race. Raises ConfigError.
    """
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY), "rb") as file:
            status, content = os.fstat(file.fileno()), b""
            if stat.S_ISREG(status.st_mode):
                content = file.read(largest + 1)
    except FileNotFoundError:
        raise ConfigError(f"{path}: {missing}") from None
    except OSError as error:
        if is_out_of_memory(error):
            raise
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(status.st_mode) or len(content) > largest:
        raise ConfigError(f"{path}: not a regular file of at most {largest:,} bytes")
    return status, content
