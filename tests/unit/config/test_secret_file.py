"""What a file with one secret may hold, and whose it may be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from globus_sync_directory.config.problems import UnusableFile
from globus_sync_directory.config.secret_file import (
    CLIENT_SECRET,
    MAIL_PASSWORD,
    SecretKind,
    check_access,
    missing_secret,
    parse_secret,
)

from .samples import CLIENT, SECRET


@pytest.mark.parametrize(
    "content",
    [
        SECRET,
        f"{SECRET}\n",
        f"{SECRET}\r\n",
        f"{SECRET}\r",
        f"{SECRET}\n\n",
        f"{SECRET}\n \n\t\n",
        f"{SECRET} \t\n",
        f"  {SECRET}\n",
        f"\ufeff{SECRET}\n",
    ],
)
def test_accepted(content: str) -> None:
    """The only line is the secret, whatever blanks, empty lines or byte order mark an editor left."""
    assert parse_secret(content.encode(), CLIENT_SECRET) == SECRET


@pytest.mark.parametrize("password", ["two words", '"quoted"', CLIENT])
def test_accepted_passwords(password: str) -> None:
    """A password may be what a client secret cannot be."""
    assert parse_secret(password.encode(), MAIL_PASSWORD) == password


ONLY = "it must contain only the client secret"
ODD = "the secret file contains blanks or characters that a client secret cannot have"


@pytest.mark.parametrize(
    ("content", "kind", "sentence"),
    [
        (b"", CLIENT_SECRET, "the secret file is empty; write the client secret into it as its only line"),
        (b"\n\n", CLIENT_SECRET, "the secret file is empty; write the client secret into it as its only line"),
        (f"{SECRET}\n{SECRET}\n".encode(), CLIENT_SECRET, f"the secret file has more than one line; {ONLY}"),
        (f"# mine\n{SECRET}\n".encode(), CLIENT_SECRET, f"the secret file has more than one line; {ONLY}"),
        (SECRET.encode() * 1000, CLIENT_SECRET, f"the secret file is larger than 10,000 bytes; {ONLY}"),
        (f"{SECRET} {SECRET}".encode(), CLIENT_SECRET, ODD),
        (b"\xff\xfe" + SECRET.encode(), CLIENT_SECRET, ODD),
        (f'"{SECRET}"'.encode(), CLIENT_SECRET, "remove the quotes around the client secret"),
        (f"“{SECRET}”".encode(), CLIENT_SECRET, "remove the quotes around the client secret"),
        (f"{SECRET}'".encode(), CLIENT_SECRET, "remove the quotes around the client secret"),
        (
            CLIENT.encode(),
            CLIENT_SECRET,
            "the secret file contains a UUID, probably the client id; replace it with the client secret",
        ),
        (b"", MAIL_PASSWORD, "the SMTP password file is empty; write the password into it as its only line"),
        (
            "pässword".encode(),
            MAIL_PASSWORD,
            "the SMTP password file contains blanks or characters that a password cannot have",
        ),
    ],
)
def test_rejected(content: bytes, kind: SecretKind, sentence: str) -> None:
    """The sentence says what is wrong, and never repeats anything from the file."""
    with pytest.raises(UnusableFile) as caught:
        parse_secret(content, kind)
    assert str(caught.value) == sentence


def test_missing() -> None:
    """A missing file: what to write into it, and a command that can be pasted."""
    assert missing_secret(Path("/my lab/secret"), CLIENT_SECRET) == (
        "no such secret file; write the client secret into it as its only line, then run: chmod 600 '/my lab/secret'"
    )


def status(mode: int, user: int = 1000) -> os.stat_result:
    return os.stat_result((0o100000 | mode, 0, 0, 1, user, user, 0, 0, 0, 0))


@pytest.mark.promise(9, "secret files that others may read")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644])
def test_others_may_not_read_it(mode: int) -> None:
    """Any right of group or others is rejected, with the command that changes it."""
    with pytest.raises(UnusableFile) as caught:
        check_access(status(mode), 1000, Path("/home/me/secret"), CLIENT_SECRET)
    assert str(caught.value) == "other users can read or change the secret file; run: chmod 600 /home/me/secret"


def test_another_users_file() -> None:
    """A file of another user is rejected, even for root."""
    with pytest.raises(UnusableFile) as caught:
        check_access(status(0o600), 0, Path("/x"), MAIL_PASSWORD)
    assert str(caught.value) == "the SMTP password file belongs to another user; make a copy that only you can read"


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_ones_own_file(mode: int) -> None:
    """A file that only its owner can read is accepted."""
    check_access(status(mode), 1000, Path("/x"), CLIENT_SECRET)
