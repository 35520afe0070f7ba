"""What a file with one secret may hold, whose it may be, and what messages show instead of the secret."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from globus_sync_directory.config.secret_file import (
    CLIENT_SECRET,
    MAIL_PASSWORD,
    MOVE_SECRET,
    conceal,
    how_to_write,
    parse_secret,
)
from globus_sync_directory.errors import ConfigError

from .samples import CLIENT, SECRET


def parse(content: bytes, what: str = CLIENT_SECRET, mode: int = 0o600, user: int | None = None) -> str:
    """The secret in a regular file with this content, of this mode, of this user."""
    owner = os.geteuid() if user is None else user
    status = os.stat_result((0o100000 | mode, 0, 0, 1, owner, owner, 0, 0, 0, 0))
    return parse_secret(Path("/home/me/secret"), what, status, content)


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
    assert parse(content.encode()) == SECRET


@pytest.mark.parametrize("password", ["two words", '"quoted"', CLIENT])
def test_accepted_passwords(password: str) -> None:
    """A password may be what a client secret cannot be."""
    assert parse(password.encode(), MAIL_PASSWORD) == password


WRITE = "write the client secret into it as its only line, then run: chmod 600 /home/me/secret"
ONLY = "the client secret file has more than one line; it must contain only the client secret"
ODD = "the client secret file contains spaces or characters that the client secret cannot have"
NO_QUOTES = "remove the quotes around the client secret"


@pytest.mark.parametrize(
    ("content", "what", "sentence"),
    [
        (b"", CLIENT_SECRET, f"the client secret file is empty; {WRITE}"),
        (b"\n\n", CLIENT_SECRET, f"the client secret file is empty; {WRITE}"),
        (f"{SECRET}\n{SECRET}\n".encode(), CLIENT_SECRET, ONLY),
        (f"# mine\n{SECRET}\n".encode(), CLIENT_SECRET, ONLY),
        (f"{SECRET} {SECRET}".encode(), CLIENT_SECRET, ODD),
        (b"\xff\xfe" + SECRET.encode(), CLIENT_SECRET, ODD),
        (f'"{SECRET}"'.encode(), CLIENT_SECRET, NO_QUOTES),
        (f"“{SECRET}”".encode(), CLIENT_SECRET, NO_QUOTES),
        (f"{SECRET}'".encode(), CLIENT_SECRET, NO_QUOTES),
        (
            CLIENT.encode(),
            CLIENT_SECRET,
            "the client secret file contains a UUID, probably the client id; replace it with the client secret",
        ),
        (b"", MAIL_PASSWORD, f"the SMTP password file is empty; {WRITE.replace('client secret', 'SMTP password')}"),
        (
            "pässword".encode(),
            MAIL_PASSWORD,
            "the SMTP password file contains spaces or characters that the SMTP password cannot have",
        ),
    ],
)
def test_rejected(content: bytes, what: str, sentence: str) -> None:
    """The sentence says what is wrong, and never repeats anything from the file."""
    with pytest.raises(ConfigError) as caught:
        parse(content, what)
    assert caught.value.lines == (f"/home/me/secret: {sentence}",)


def test_how_to_write() -> None:
    """What to write into the file, and a command that can be pasted."""
    assert how_to_write(Path("/my lab/secret"), CLIENT_SECRET) == (
        "write the client secret into it as its only line, then run: chmod 600 '/my lab/secret'"
    )


@pytest.mark.promise(9, "secret files that others may read")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o610, 0o644])
def test_others_may_not_read_it(mode: int) -> None:
    """Any right of group or others is rejected, with the command that changes it."""
    with pytest.raises(ConfigError) as caught:
        parse(SECRET.encode(), mode=mode)
    sentence = "other users can read or change the client secret file; run: chmod 600 /home/me/secret"
    assert caught.value.lines == (f"/home/me/secret: {sentence}",)


def test_another_users_file() -> None:
    """A file of another user is rejected, even for root."""
    with pytest.raises(ConfigError) as caught:
        parse(b"x", MAIL_PASSWORD, user=os.geteuid() + 1)
    sentence = "the SMTP password file belongs to another user; make a copy that only you can read"
    assert caught.value.lines == (f"/home/me/secret: {sentence}",)


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o700])
def test_ones_own_file(mode: int) -> None:
    """A file that only its owner can read is accepted."""
    assert parse(SECRET.encode(), mode=mode) == SECRET


@pytest.mark.parametrize(
    ("line", "secret", "shown"),
    [
        ("a\nb\r\nc", "", "a b c"),
        (f"x '{SECRET}'", "", f"x '(hidden)'; {MOVE_SECRET}"),
        (f"x /y/{SECRET}/z", "", f"x /y/(hidden)/z; {MOVE_SECRET}"),
        (f"[x] {SECRET.lower().rstrip('=')}: y", "", f"[x] (hidden): y; {MOVE_SECRET}"),
        ("x ABCD.efgh y", "abcd.EFGH", f"x (hidden) y; {MOVE_SECRET}"),
        ("x abcd.efgh: y", "abcd.efgh=", f"x (hidden): y; {MOVE_SECRET}"),
        ("a short word", "short", "a short word"),
        (f"'{'/abc' * 12}=1' is a path", SECRET, f"'{'/abc' * 12}=1' is a path"),
        (f"{'/abc' * 12}: empty", SECRET, f"{'/abc' * 12}: empty"),
    ],
)
def test_conceal(line: str, secret: str, shown: str) -> None:
    """The secret is hidden in upper or lower case, and so is what looks like one; the rest stays."""
    assert conceal(line, secret) == shown
