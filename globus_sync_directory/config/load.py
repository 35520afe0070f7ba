"""Reads config.ini, the secret file and the password file; nothing else in this room opens a file."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

from globus_sync_directory.config.parse import Config, parse_config
from globus_sync_directory.config.problems import FileProblem, UnusableFile, as_lines, conceal
from globus_sync_directory.config.secret_file import (
    CLIENT_SECRET,
    LARGEST_SECRET,
    MAIL_PASSWORD,
    SecretKind,
    check_access,
    missing_secret,
    parse_secret,
)
from globus_sync_directory.config.settings import Settings
from globus_sync_directory.errors import ConfigError

_LARGEST_CONFIG = 1_000_000  # bytes
_FILL_IN = "copy config.ini.example to it and fill it in"


def load_settings(config_file: Path, secret_file: Path) -> Settings:
    """
    Return the checked contents of both files, and the password of the mail server if it has one.

    Raises ConfigError with every problem of all files, one line each: ``FILE:LINE: [section] key: what is wrong``. No
    line holds the secret.
    """
    config, problems = _read_config(config_file)
    secret, found = _read_secret(secret_file, CLIENT_SECRET)
    problems += found
    password = None
    if config.mail.password_file:
        password, found = _read_secret(config.mail.password_file, MAIL_PASSWORD)
        problems += found
    if secret is None or problems:
        raise ConfigError(*(conceal(problem, secret) for problem in problems))
    return Settings(
        path=config_file,
        client_id=config.client_id,
        secret=secret,
        pairs=config.pairs,
        email=config.email,
        mail=config.mail,
        mail_password=password,
    )


def _read_config(path: Path) -> tuple[Config, list[str]]:
    try:
        text = _decode(_read_file(path, _LARGEST_CONFIG))
    except FileNotFoundError:
        sentence = f"no such config file; {_FILL_IN}, or name another file with --config-file"
        return Config(), as_lines(path.absolute(), [FileProblem(0, sentence)])
    except UnusableFile as error:
        return Config(), as_lines(path.absolute(), [error.problem])
    config, problems = parse_config(text, path.parent)
    return config, as_lines(path, problems)


def _decode(data: bytes) -> str:
    """Return the text of a config file. Raises UnusableFile."""
    if len(data) > _LARGEST_CONFIG:
        raise UnusableFile(f"larger than {_LARGEST_CONFIG:,} bytes; this is not a config file")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnusableFile("not UTF-8 text; save the file as UTF-8", data.count(b"\n", 0, error.start) + 1) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise UnusableFile("contains a null character; this is not a text file", line)
    if not text.strip():
        raise UnusableFile(f"empty; {_FILL_IN}")
    return text


def _read_secret(path: Path, kind: SecretKind) -> tuple[str | None, list[str]]:
    path = path.absolute()
    try:
        content = _read_file(path, LARGEST_SECRET, lambda status: check_access(status, os.geteuid(), path, kind))
        return parse_secret(content, kind), []
    except FileNotFoundError:
        return None, as_lines(path, [FileProblem(0, missing_secret(path, kind))])
    except UnusableFile as error:
        return None, as_lines(path, [error.problem])


def _read_file(path: Path, largest: int, check: Callable[[os.stat_result], None] = lambda status: None) -> bytes:
    """
    Return the first ``largest + 1`` bytes of a regular file that passes ``check``; never waits for a pipe or terminal.

    What is checked is the opened file, to avoid a check-then-open race. Raises FileNotFoundError and UnusableFile.
    """
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            check(os.fstat(file.fileno()))
            return file.read(largest + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise UnusableFile(f"cannot be read: {error.strerror}") from None


def _open_without_waiting(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        return descriptor
    os.close(descriptor)
    raise UnusableFile("not a regular file")
