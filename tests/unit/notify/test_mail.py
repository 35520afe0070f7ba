"""Which news goes into whose message, how that reads, and what the records and the state file hold afterwards."""

from __future__ import annotations

import email
import email.policy
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from globus_sync_directory.config.settings import MailServer, Settings
from globus_sync_directory.errors import Interrupted
from globus_sync_directory.model.pair import Directory, Pair
from globus_sync_directory.model.record import Mailed, News, PairRecord
from globus_sync_directory.notify import mail
from globus_sync_directory.notify.mail import (
    compose,
    find_unsent,
    news_message,
    send_pending,
    send_test,
    without_unsent,
)
from globus_sync_directory.notify.smtp import sender
from globus_sync_directory.state import StateStore

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
OPS, LAB = "ops@example.org", "lab@example.org"
ONE = Pair(
    name="one",
    source=Directory(collection="763d50ee-0000-4000-8000-000000000001", path="/images"),
    destination=Directory(collection="9d6d994a-0000-4000-8000-000000000002", path="/archive"),
    email=(LAB,),
)
TWO = replace(ONE, name="two", destination=replace(ONE.destination, path="/two"), email=())
SETTINGS = Settings(path=Path("config.ini"), client_id="id", secret="x", pairs=(ONE, TWO), email=(OPS,))
FAILED = News(headline="one: failed", lines=("one: failed", "    why:  no space"))
COPIED = News(headline="one: 3 files copied", lines=("one: succeeded",))
STUCK = News(headline="two: stuck", lines=("two: stuck",))


def parse(message: bytes) -> EmailMessage:
    """Return the message as a mail program sees it in a mailbox."""
    parsed = email.message_from_bytes(message.replace(b"\r\n", b"\n"), policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    return parsed


def record(**mailed: Mailed) -> PairRecord:
    """Return a record with what the addresses ``ops`` and ``lab`` know."""
    return PairRecord(name="x", first_seen=NOW, mailed={f"{name}@example.org": known for name, known in mailed.items()})


RECORDS = {
    ONE.fingerprint: record(ops=Mailed(unsent=(FAILED,), problems=("FAILED",)), lab=Mailed(unsent=(FAILED, COPIED))),
    TWO.fingerprint: record(ops=Mailed(unsent=(STUCK,))),
}


@dataclass
class FakeDelivery:
    """A mail server: the messages it was given, and its problem with each address."""

    problems: dict[str, str] = field(default_factory=dict)
    interrupt_after: int = 100
    messages: list[EmailMessage] = field(default_factory=list)

    def __call__(
        self, server: MailServer, password: str | None, messages: Mapping[str, bytes]
    ) -> Iterator[tuple[str, str]]:
        for address, message in messages.items():
            if len(self.messages) == self.interrupt_after:
                raise Interrupted("interrupted by SIGTERM")
            self.messages.append(parse(message))
            yield address, self.problems.get(address, "")

    @property
    def subjects(self) -> dict[str, str]:
        """The subject of each message, by recipient."""
        return {str(one["To"]): str(one["Subject"]).removeprefix("globus_sync_directory: ") for one in self.messages}


@pytest.fixture
def delivery(monkeypatch: pytest.MonkeyPatch) -> FakeDelivery:
    fake = FakeDelivery()
    monkeypatch.setattr(mail, "deliver", fake)
    return fake


@pytest.fixture
def store(tmp_path: Path) -> StateStore:
    made = StateStore(tmp_path / "state.json", "id")
    with made.edit() as records:
        records.update(RECORDS)
    return made


def unsent(store: StateStore) -> dict[str, int]:
    """Return the number of unsent changes by address, as the file on disk has them."""
    counts = {OPS: 0, LAB: 0}
    for one in store.read().records.values():
        for address, known in one.mailed.items():
            counts[address] += len(known.unsent)
    return counts


def test_find_unsent() -> None:
    """The news of all pairs of the config by address; not of an address or pair that is gone, or that knows all."""
    gone = {"gone@example.org": Mailed(unsent=(FAILED,))}
    records = {
        ONE.fingerprint: replace(RECORDS[ONE.fingerprint], mailed={**RECORDS[ONE.fingerprint].mailed, **gone}),
        TWO.fingerprint: RECORDS[TWO.fingerprint],
        "0123456789abcdef": record(ops=Mailed(unsent=(FAILED,))),
    }
    assert find_unsent(SETTINGS, records) == {
        OPS: [("one", FAILED), ("two", STUCK)],
        LAB: [("one", FAILED), ("one", COPIED)],
    }
    assert find_unsent(SETTINGS, {}) == {}
    assert find_unsent(SETTINGS, {ONE.fingerprint: record(ops=Mailed())}) == {}


def test_without_unsent() -> None:
    """What was taken is no longer unsent; what the address knows stays, and so do the others' news."""
    after = without_unsent(SETTINGS, RECORDS, {OPS})
    assert after[ONE.fingerprint].mailed == {
        OPS: Mailed(problems=("FAILED",)),
        LAB: RECORDS[ONE.fingerprint].mailed[LAB],
    }
    assert after[TWO.fingerprint].mailed == {OPS: Mailed()}
    assert without_unsent(SETTINGS, RECORDS, set()) == RECORDS


def test_news_of_a_pair_that_left_the_config_stays_unsent() -> None:
    """It was in no message."""
    assert without_unsent(replace(SETTINGS, pairs=(TWO,)), RECORDS, {OPS}).keys() == {TWO.fingerprint}


def test_one_message_for_each_recipient(delivery: FakeDelivery, store: StateStore) -> None:
    """All news goes out once, and the file on disk knows."""
    send_pending(SETTINGS, store, "the command", NOW)
    assert delivery.subjects == {OPS: "2 pairs changed", LAB: "one: 3 files copied"}
    text = delivery.messages[-1].get_content()
    assert text.index("why:  no space") < text.index("one: succeeded")
    assert text.endswith("\nthe command\n")
    assert unsent(store) == {OPS: 0, LAB: 0}
    delivery.messages.clear()
    send_pending(SETTINGS, store, "the command", NOW)
    assert delivery.messages == []


def test_what_is_not_taken_stays(delivery: FakeDelivery, store: StateStore, caplog: pytest.LogCaptureFixture) -> None:
    """A problem is a warning, and the next run sends the same news."""
    delivery.problems = {OPS: "the server is away"}
    with caplog.at_level(logging.WARNING):
        send_pending(SETTINGS, store, "the command", NOW)
    assert caplog.messages == [
        "mail to ops@example.org could not be sent: the server is away; the next run tries again"
    ]
    assert unsent(store) == {OPS: 2, LAB: 0}
    delivery.problems.clear()
    delivery.messages.clear()
    send_pending(SETTINGS, store, "the command", NOW)
    assert delivery.subjects == {OPS: "2 pairs changed"}
    assert unsent(store) == {OPS: 0, LAB: 0}


def test_an_interruption_loses_and_repeats_nothing(delivery: FakeDelivery, store: StateStore) -> None:
    """What was taken before it is recorded, the rest stays unsent."""
    delivery.interrupt_after = 1
    with pytest.raises(Interrupted):
        send_pending(SETTINGS, store, "the command", NOW)
    assert unsent(store) == {OPS: 0, LAB: 2}


def test_nothing_to_send_writes_nothing(delivery: FakeDelivery, tmp_path: Path) -> None:
    """Without news there is no message, and no state file is made."""
    store = StateStore(tmp_path / "state.json", "id")
    send_pending(SETTINGS, store, "the command", NOW)
    assert delivery.messages == []
    assert not store.path.exists()


def test_send_test(delivery: FakeDelivery) -> None:
    """Each address of the config gets one test message; the answer holds the problem for each."""
    delivery.problems = {LAB: "no such user"}
    assert send_test(SETTINGS, NOW) == {OPS: "", LAB: "no such user"}
    assert delivery.subjects == {OPS: "test message", LAB: "test message"}
    assert "Nothing has happened." in delivery.messages[0].get_content()


ORIGIN = Settings(path=Path("/etc/my  lab/config.ini"), client_id="id", secret="the secret", pairs=())
STATUS_COMMAND = "/venv/bin/python -m globus_sync_directory -d -c '/etc/my  lab/config.ini' " + "x" * 1200


@pytest.fixture(autouse=True)
def _host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "login01.example.org")


def change(name: str, words: str, *lines: str) -> tuple[str, News]:
    return (name, News(headline=f"{name}: {words}", lines=lines))


def mail_about(*changes: tuple[str, News]) -> EmailMessage:
    return parse(news_message(ORIGIN, "ops@example.org", changes, STATUS_COMMAND, NOW))


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
def test_subject(changes: list[tuple[str, News]], subject: str) -> None:
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
    sent = news_message(ORIGIN, "ops@example.org", [change("a", "failed", line, "From here", ".")], "x", NOW)
    assert parse(sent).get_content().splitlines()[2:5] == [line, "From here", "."]
    assert sent.isascii()
    assert max(map(len, sent.split(b"\r\n"))) <= 78
    assert sent.count(b"\n") == sent.count(b"\r\n")


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
    content = compose(ORIGIN, recipient, "test", [["text"]], NOW)
    assert f"\r\n{header}: {recipient}\r\n".encode() in content


def test_sender_of_the_config() -> None:
    """``from`` is the sender, in the header and in the envelope."""
    settings = Settings(
        path=Path("c"), client_id="id", secret="x", pairs=(), mail=MailServer(sender="Robot@example.org")
    )
    message = compose(settings, "ops@example.org", "test", [["text"]], NOW)
    assert (sender(settings.mail), parse(message)["From"]) == ("Robot@example.org", "Robot@example.org")
