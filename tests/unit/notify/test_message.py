"""The bytes of a message: its headers and its text, read back by the standard library."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from globus_sync_directory.config.settings import MailServer, Settings
from globus_sync_directory.model.record import News
from globus_sync_directory.notify.message import Message, PairNews, compose, host_name, news_message

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
SETTINGS = Settings(path=Path("/etc/my  lab/config.ini"), client_id="id", secret="the secret", pairs=())
STATUS_COMMAND = "/venv/bin/python -m globus_sync_directory -d -c '/etc/my  lab/config.ini' " + "x" * 1200


@pytest.fixture(autouse=True)
def _host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "login01.example.org")


def parse(message: Message) -> EmailMessage:
    """Return the message as a mail program sees it in a mailbox."""
    parsed = email.message_from_bytes(message.content.replace(b"\r\n", b"\n"), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def change(name: str, words: str, *lines: str) -> PairNews:
    return PairNews(name=name, news=News(headline=f"{name}: {words}", lines=lines))


def mail_about(*changes: PairNews) -> EmailMessage:
    return parse(news_message(SETTINGS, "ops@example.org", changes, STATUS_COMMAND, NOW))


def test_headers() -> None:
    """A message has what a mail server and a mail program want, and nothing else."""
    headers = dict(mail_about(change("microscope", "failed")).items())
    assert headers.pop("Message-ID").endswith("@login01.example.org>")
    assert headers == {
        "Subject": "globus_sync_directory: microscope: failed",
        "From": "globus_sync_directory@login01.example.org",
        "To": "ops@example.org",
        "Date": "Tue, 24 Nov 2026 07:00:00 +0000",
        "Auto-Submitted": "auto-generated",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
        "MIME-Version": "1.0",
    }


@pytest.mark.parametrize(
    ("changes", "subject"),
    [
        ([change("a", "failed")], "a: failed"),
        ([change("a", "failed"), change("a", "recovered")], "a: recovered"),
        ([change("a", "failed"), change("b", "failed"), change("c", "too old")], "3 pairs changed"),
    ],
)
def test_subject(changes: list[PairNews], subject: str) -> None:
    """The subject is the newest change of one pair, or the number of pairs."""
    assert mail_about(*changes)["Subject"] == f"globus_sync_directory: {subject}"


def test_text() -> None:
    """The text says where it comes from, then each change with its lines, and ends with the command."""
    message = mail_about(change("a", "failed", "a: failed", "    why:  no space"), change("b", "failed", "b: failed"))
    assert message.get_content() == (
        "Sent by globus_sync_directory on login01.example.org, config file '/etc/my  lab/config.ini'.\n"
        "\n"
        "a: failed\n"
        "    why:  no space\n"
        "\n"
        "b: failed\n"
        "\n"
        "To see the current status, run:\n"
        f"{STATUS_COMMAND}\n"
    )


def test_commands_come_out_whole() -> None:
    """Two blanks, a blank at the end, letters beyond ASCII and 3,000 characters reach the reader; lines stay short."""
    line = "    run:  globus ls '763d50ee:/my  lab/Müller = 100%/." + "y" * 3000 + "' "
    sent = news_message(SETTINGS, "ops@example.org", [change("a", "failed", line, "From here", ".")], "x", NOW)
    assert parse(sent).get_content().splitlines()[2:5] == [line, "From here", "."]
    assert sent.content.isascii()
    assert max(map(len, sent.content.split(b"\r\n"))) <= 78
    assert sent.content.count(b"\n") == sent.content.count(b"\r\n")


@pytest.mark.parametrize(
    "name",
    [
        "a=?utf-8?q?=0ABcc:_evil=40example.org?=",
        "=?utf-8?b?DQpCY2M6IGV2aWxAZXhhbXBsZS5vcmc=?=",
        "=?utf-8?q?=0D=0A=0D=0Aa_text?=",
        "näme =?utf-8?q?=0ABcc:_x?=",
        "an 显微镜 and a very long name of 60 characters, as long as it gets",
        "x" * 60,
        "plain",
    ],
)
def test_a_name_stays_in_its_header(name: str) -> None:
    """Whatever a pair is called, the subject shows that, and no header and no text is added."""
    message = mail_about(change(name, "ran out of time without progress", "a line"))
    assert message["Subject"] == f"globus_sync_directory: {name}: ran out of time without progress"
    assert message.keys() == mail_about(change("plain", "failed")).keys()
    assert message.get_content().startswith("Sent by ")


@pytest.mark.parametrize(
    "name", ["evil\r\nBcc: x@example.org", "\x1b[31mred", "\u202eright to left", "\ud800", "\u2028"]
)
def test_unprintable_characters_become_blanks(name: str) -> None:
    """What could break a line or control a terminal is in no header and in no line."""
    message = mail_about(change(name, "failed", f"{name}: failed"))
    shown = message["Subject"] + message.get_content().replace("\n", "")
    assert message["Bcc"] is None
    assert shown.isprintable()


@pytest.mark.parametrize(("recipient", "header"), [("müller@example.org", "To"), ("ops@exämple.org", "To")])
def test_addresses_beyond_ascii_are_utf_8(recipient: str, header: str) -> None:
    """A server that accepts such an address gets it as it is (RFC 6532)."""
    content = compose(SETTINGS, recipient, "test", [["text"]], NOW).content
    assert f"\r\n{header}: {recipient}\r\n".encode() in content


def test_sender_of_the_config() -> None:
    """``from`` is the sender, in the header and in the envelope."""
    settings = Settings(
        path=Path("c"), client_id="id", secret="x", pairs=(), mail=MailServer(sender="Robot@example.org")
    )
    message = compose(settings, "ops@example.org", "test", [["text"]], NOW)
    assert (message.sender, parse(message)["From"]) == ("Robot@example.org", "Robot@example.org")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("login01", "login01"),
        ("my host.example", "myhost.example"),
        ("büro-1.", "bro-1"),
        ("", "localhost"),
        ("ü", "localhost"),
    ],
)
def test_host_name(monkeypatch: pytest.MonkeyPatch, name: str, shown: str) -> None:
    """Only what an address may have is left of a host's name."""
    monkeypatch.setattr("socket.gethostname", lambda: name)
    assert host_name() == shown
