"""What goes wrong with a mail server: the sentence for it, who else is concerned, and how long it may take."""

from __future__ import annotations

import smtplib
import ssl
import threading
import time
from collections.abc import Iterator

import pytest

from globus_sync_directory.config.settings import MailServer
from globus_sync_directory.notify import smtp
from globus_sync_directory.notify.smtp import deliver, explain, host_name

PASSWORD = "pass-word-0815"
SERVER = MailServer(host="mail.example.org", port=587, user="robot")
PLACE = "mail.example.org port 587"
MESSAGES = {f"{name}@example.org": b"" for name in "abc"}


def disconnected_after(cause: Exception | None) -> smtplib.SMTPServerDisconnected:
    error = smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
    error.__context__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            smtplib.SMTPAuthenticationError(535, b"wrong"),
            f"{PLACE} does not accept smtp_user with the password in smtp_password_file",
        ),
        (
            smtplib.SMTPNotSupportedError("no STARTTLS"),
            f"{PLACE} does not offer what smtp_tls or smtp_user ask for, or what this address needs",
        ),
        (
            smtplib.SMTPRecipientsRefused({"a": (550, b"no such user")}),
            f"{PLACE} answered 550: no such user",
        ),
        (smtplib.SMTPDataError(451, b"try\r\nlater\x1b[31m"), f"{PLACE} answered 451: try later [31m"),
        (smtplib.SMTPDataError(554, f"no {PASSWORD}".encode()), f"{PLACE} answered 554: no ***"),
        (smtplib.SMTPDataError(554, b"\xff" * 3), f"{PLACE} answered 554: \ufffd\ufffd\ufffd"),
        (ssl.SSLCertVerificationError(1, "unknown"), f"the certificate of {PLACE} could not be verified"),
        (ssl.SSLError(1, "wrong version number"), f"no TLS connection to {PLACE}; check smtp_tls and smtp_port"),
        (TimeoutError("timed out"), f"no answer from {PLACE} within 10 s; check smtp_host and smtp_port"),
        (
            disconnected_after(TimeoutError()),
            f"no answer from {PLACE} within 10 s; check smtp_host and smtp_port",
        ),
        (disconnected_after(None), f"{PLACE}: connection unexpectedly closed; check smtp_host and smtp_port"),
        (
            ConnectionRefusedError(111, "Connection refused"),
            f"{PLACE}: connection refused; check smtp_host and smtp_port",
        ),
        (
            UnicodeEncodeError("ascii", "\0robot\0pässword", 8, 9, "ordinal not in range(128)"),
            f"{PLACE} could not be used; smtp_host, smtp_user and the password may only have ASCII letters",
        ),
        (ValueError(PASSWORD), f"{PLACE}: ***; check smtp_host and smtp_port"),
        (smtplib.SMTPException(PASSWORD), f"{PLACE}: ***; check smtp_host and smtp_port"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_explain(error: Exception, reason: str) -> None:
    """Each error has its sentence, which never holds the password."""
    assert explain(error, SERVER, PASSWORD) == reason


class FakeSMTP:
    """A mail server that takes everything, unless a test says otherwise."""

    connections = 0
    rejected: frozenset[str] = frozenset()
    connect_error: Exception | None = None
    options: tuple[list[str], ...] = ()

    def __init__(self, host: str, port: int, local_hostname: str, timeout: float) -> None:
        type(self).connections += 1
        if self.connect_error:
            raise self.connect_error

    def login(self, user: str, password: str) -> None:
        assert (user, password) == ("robot", PASSWORD)

    def sendmail(self, sender: str, recipients: list[str], content: bytes, options: list[str]) -> None:
        type(self).options += (options,)
        if "SMTPUTF8" in options:
            raise smtplib.SMTPNotSupportedError
        if recipients[0] in self.rejected:
            raise smtplib.SMTPRecipientsRefused({recipients[0]: (550, b"no such user")})

    def quit(self) -> None:
        raise smtplib.SMTPServerDisconnected("some servers hang up")

    def close(self) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> type[FakeSMTP]:
    class Fake(FakeSMTP):
        pass

    monkeypatch.setattr(smtplib, "SMTP", Fake)
    return Fake


def test_each_message_is_taken(server: type[FakeSMTP]) -> None:
    """Each message has its own connection; an error after the end of the message is no problem."""
    assert list(deliver(SERVER, PASSWORD, MESSAGES)) == [(f"{name}@example.org", "") for name in "abc"]
    assert server.connections == 3


def test_a_rejected_recipient_concerns_nobody_else(server: type[FakeSMTP]) -> None:
    """The other messages are sent."""
    server.rejected = frozenset({"a@example.org"})
    problems = dict(deliver(SERVER, PASSWORD, MESSAGES))
    reason = f"{PLACE} answered 550: no such user"
    assert problems == {"a@example.org": reason, "b@example.org": "", "c@example.org": ""}


def test_a_server_that_is_away_is_asked_once(server: type[FakeSMTP]) -> None:
    """What stops one connection would stop them all: the other messages have the same problem."""
    server.connect_error = ConnectionRefusedError(111, "Connection refused")
    problems = list(deliver(SERVER, PASSWORD, MESSAGES))
    assert [problem for _, problem in problems] == [f"{PLACE}: connection refused; check smtp_host and smtp_port"] * 3
    assert server.connections == 1


def test_addresses_beyond_ascii_need_the_servers_consent(server: type[FakeSMTP]) -> None:
    """SMTPUTF8 is asked for where an address needs it, and its absence concerns that address only."""
    messages = {"müller@example.org": b"", "a@example.org": b""}
    problems = [problem for _, problem in deliver(SERVER, PASSWORD, messages)]
    assert problems == [f"{PLACE} does not offer what smtp_tls or smtp_user ask for, or what this address needs", ""]
    assert server.options == (["SMTPUTF8", "BODY=8BITMIME"], [])


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Let sending wait until the event is set."""
    released = threading.Event()

    def wait(*_: object) -> None:
        released.wait(10)

    monkeypatch.setattr(smtp, "_send", wait)
    yield released
    released.set()


def test_a_server_that_never_ends_is_left(stuck: threading.Event, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the total time the caller continues: it holds a lock."""
    monkeypatch.setattr(smtp, "TOTAL_SECONDS", 0.05)
    begun = time.monotonic()
    problems = [problem for _, problem in deliver(SERVER, PASSWORD, MESSAGES)]
    assert problems == [f"{PLACE} is too slow"] * 3
    assert time.monotonic() - begun < 5


def test_no_message_is_begun_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that took long counts as sent, and the others wait for the next run."""
    begun: list[str] = []

    def slow(_: object, __: object, address: str, ___: object) -> tuple[str, bool]:
        begun.append(address)
        time.sleep(0.05)
        return "", False

    monkeypatch.setattr(smtp, "_send", slow)
    monkeypatch.setattr(smtp, "LAST_START_SECONDS", 0.03)
    problems = [problem for _, problem in deliver(SERVER, PASSWORD, MESSAGES)]
    assert problems == ["", f"{PLACE} is too slow", f"{PLACE} is too slow"]
    assert begun == ["a@example.org"]


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
