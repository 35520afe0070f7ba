"""The files themselves: missing, closed, huge, no files at all; and that no secret ever shows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from globus_sync_directory.config.ini import FileProblem
from globus_sync_directory.config.load import as_lines, load_settings
from globus_sync_directory.config.settings import Settings
from globus_sync_directory.errors import ConfigError

from .samples import BOTH, CLIENT, GLOBUS, LAB, SECRET, lines


@dataclass(frozen=True)
class Files:
    """The two files in a directory of their own."""

    config: Path
    secret: Path

    def load(self) -> Settings:
        return load_settings(self.config, self.secret)

    def problems(self) -> list[str]:
        """The lines about the files, without their directory."""
        with pytest.raises(ConfigError) as caught:
            self.load()
        assert caught.value.exit_status == 2
        return [line.replace(f"{self.config.parent}/", "") for line in caught.value.lines]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """Two files that are accepted."""
    (tmp_path / "config.ini").write_text(BOTH)
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "secret").chmod(0o600)
    return Files(tmp_path / "config.ini", tmp_path / "secret")


def test_accepted(files: Files) -> None:
    """Both files become the settings; nobody gets mail."""
    found = files.load()
    assert (found.path, found.secret, found.mail_password) == (files.config, SECRET, None)
    assert found.identity == f"{CLIENT.lower()}@clients.auth.globus.org"
    assert [pair.name for pair in found.pairs] == ["lab"]
    assert not found.sends_mail


@pytest.mark.parametrize("mail", ["[notification]\nemail = a@b\n", "email = a@b\n"])
def test_sends_mail(files: Files, mail: str) -> None:
    """An address for all pairs, or for one, is enough."""
    files.config.write_text(BOTH + mail)
    assert files.load().sends_mail


def test_windows_line_ends_and_byte_order_mark(files: Files) -> None:
    """Files of a Windows editor are accepted."""
    files.config.write_bytes(b"\xef\xbb\xbf" + BOTH.replace("\n", "\r\n").encode())
    files.secret.write_bytes(b"\xef\xbb\xbf" + SECRET.encode() + b"\r\n\r\n")
    assert files.load().secret == SECRET


MAIL = "[notification]\nsmtp_user = robot\nsmtp_password_file = pass word\n"


def test_password_of_the_mail_server(files: Files) -> None:
    """The password is read from beside the config file."""
    files.config.write_text(BOTH + MAIL)
    password = files.config.parent / "pass word"
    password.write_text("smtp-pass-word\n")
    password.chmod(0o600)
    assert files.load().mail_password == "smtp-pass-word"


def test_the_problems_of_all_files_at_once(files: Files) -> None:
    """Config, secret file and password file are reported together."""
    files.config.write_text(BOTH.replace("src_path", "src_paht") + MAIL)
    files.secret.chmod(0o644)
    found = files.problems()
    assert found == [
        "config.ini:5: [lab] src_paht: unknown key; did you mean src_path?",
        "secret: other users can read or change the client secret file; run: chmod 600 secret",
        "pass word: no such SMTP password file; write the SMTP password into it as its only line, then run: "
        "chmod 600 'pass word'",
    ]  # fmt: skip


def test_password_file_of_nobody(files: Files) -> None:
    """The home directory of a user who does not exist is a missing file, not a crash."""
    files.config.write_text(BOTH + MAIL.replace("pass word", "~no-such-user-here/x"))
    (problem,) = files.problems()
    assert problem.startswith("~no-such-user-here/x: no such SMTP password file; ")


EXAMPLE = "copy config.ini.example to it and fill it in"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, f"config.ini: no such config file; {EXAMPLE}, or choose another file with --config-file"),
        (b"", f"config.ini: empty; {EXAMPLE}"),
        (b" \n\n", f"config.ini: empty; {EXAMPLE}"),
        (b"[globus]\n\xff\xfe[", "config.ini:2: not UTF-8 text; save the file as UTF-8"),
        ("[x]\n[y]".encode("utf-16-le"), "config.ini:1: not UTF-8 text; save the file as UTF-8"),
        (b"[globus]\n\x00", "config.ini:2: not UTF-8 text; save the file as UTF-8"),
        (b"x" * 1_000_001, "config.ini: not a regular file of at most 1,000,000 bytes"),
    ],
)
def test_config_files_that_cannot_be_read(files: Files, content: bytes | None, problem: str) -> None:
    """A file that is missing, empty, binary or huge is one problem."""
    files.config.unlink()
    if content is not None:
        files.config.write_bytes(content)
    assert files.problems() == [problem]


def test_missing_secret_file(files: Files) -> None:
    """A missing secret file: what to do."""
    files.secret.unlink()
    assert files.problems() == [
        "secret: no such client secret file; write the client secret into it as its only line, then run: "
        "chmod 600 secret"
    ]


@pytest.mark.parametrize("name", ["config.ini", "secret"])
@pytest.mark.parametrize("kind", ["directory", "pipe", "device"])
def test_not_a_regular_file(files: Files, name: str, kind: str) -> None:
    """A directory, a device, or a pipe that nobody writes to, is rejected at once."""
    place = files.config.with_name(name)
    place.unlink()
    if kind == "directory":
        place.mkdir()
    elif kind == "pipe":
        os.mkfifo(place, 0o600)
    else:
        place.symlink_to("/dev/zero")
    largest = "1,000,000" if name == "config.ini" else "10,000"
    problem = (
        "cannot be read: Is a directory" if kind == "directory" else f"not a regular file of at most {largest} bytes"
    )
    assert files.problems() == [f"{name}: {problem}"]


def test_a_huge_secret_file(files: Files) -> None:
    """A file that is too large for a secret is not read to its end."""
    files.secret.write_text(SECRET * 1000)
    assert files.problems() == ["secret: not a regular file of at most 10,000 bytes"]


def test_what_the_system_says(files: Files) -> None:
    """Any other error is reported in the words of the operating system."""
    for place in (files.config, files.secret):
        place.unlink()
        place.symlink_to(place)
    assert files.problems() == [
        "config.ini: cannot be read: Too many levels of symbolic links",
        "secret: cannot be read: Too many levels of symbolic links",
    ]


@pytest.mark.promise(9, "secret files that others may read")
def test_a_link_to_a_file_that_others_may_read(files: Files) -> None:
    """The mode is the one of the opened file, not of the link; the command names the link, and follows it."""
    target = files.secret.rename(files.secret.with_name("target"))
    target.chmod(0o640)
    files.secret.symlink_to(target)
    assert files.problems() == ["secret: other users can read or change the client secret file; run: chmod 600 secret"]


@pytest.mark.promise(9, "a secret in the config file, in any place")
@pytest.mark.parametrize(
    "text",
    [
        f"[globus]\nclientid = {SECRET}\n{LAB}",
        f"[globus]\nclientid = '{SECRET}'\n{LAB}",
        f"[globus]\nclientid = {SECRET} # mine\n{LAB}",
        f"{GLOBUS}clientsecret = {SECRET}\n{LAB}",
        f"{GLOBUS}key = {SECRET}\n{LAB}",
        f"{GLOBUS}{SECRET}\n{LAB}",
        f"{GLOBUS}{SECRET}\n{SECRET}\n{LAB}",
        f"{GLOBUS}{SECRET} x\n{LAB}",
        f"{SECRET}\n{BOTH}",
        f"{BOTH}dst_path = /../{SECRET}\n",
        f"{BOTH}exclude = a/{SECRET}/b\n",
        f"{BOTH}email = {SECRET}\n",
        f"{BOTH}sync_level =\n  {SECRET}\n",
        f"{BOTH}[{SECRET}]\n",
        f"{BOTH}[{SECRET}\n",
        f"{BOTH}[x] {SECRET}\n",
        f"{BOTH}[{SECRET}]\n[{SECRET}]\n",
    ],
)
@pytest.mark.parametrize("has_secret_file", [True, False])
def test_no_problem_shows_the_secret(files: Files, text: str, has_secret_file: bool) -> None:
    """Wherever the secret is in the config, no line repeats it, even where the secret file is not there yet."""
    files.config.write_text(text)
    if not has_secret_file:
        files.secret.unlink()
    shown = "\n".join(files.problems()).lower()
    assert "config.ini" in shown
    assert SECRET.rstrip("=").lower() not in shown


@pytest.mark.promise(9, "a secret in the config file, in any place")
def test_settings_do_not_show_secrets(files: Files) -> None:
    """The text form of the settings holds neither the secret nor the password."""
    files.config.write_text(BOTH + MAIL)
    password = files.config.parent / "pass word"
    password.write_text("smtp-pass-word\n")
    password.chmod(0o600)
    found = files.load()
    for shown in (repr(found), str(found), f"{found}"):
        assert "client_id=" in shown
        assert SECRET not in shown
        assert "smtp-pass-word" not in shown


def test_order_of_the_problems() -> None:
    """Lines come in the order of the file, and the file as a whole last."""
    problems = [FileProblem(0, "no pair"), FileProblem(12, "b"), FileProblem(3, "a")]
    assert as_lines(Path("my lab.ini"), problems) == ["my lab.ini:3: a", "my lab.ini:12: b", "my lab.ini: no pair"]


def test_each_problem_is_one_line(files: Files) -> None:
    """A line break inside a quoted value does not break the line of the problem."""
    files.config.write_text(BOTH + "exclude = a\u2028b/c\n[x\x0by\x85z]\n")
    found = files.problems()
    assert len(found) == 4
    assert [line.splitlines() for line in found] == [[line] for line in found]


@settings(max_examples=50, deadline=None)
@given(st.text('[]=:,/$%"\n\r\t #exclude\u2028\x1b', max_size=40))
def test_any_text_is_read_or_rejected(text: str) -> None:
    """Whatever the file holds, it is accepted, or every problem names the file and a line that is there."""
    for shown in lines(BOTH + text):
        number = re.match(r"config\.ini(?::(\d+))?: ", shown)
        assert number
        assert int(number[1] or 0) <= len(re.split("\r\n|\r|\n", BOTH + text))
