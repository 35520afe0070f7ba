"""Which news goes into whose message, and what the records and the state file hold afterwards."""

from __future__ import annotations

import email
import email.policy
import logging
from collections.abc import Iterator, Sequence
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
from globus_sync_directory.notify.mail import find_unsent, send_pending, send_test, without_unsent
from globus_sync_directory.notify.message import Message, PairNews
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
        self, server: MailServer, password: str | None, messages: Sequence[Message]
    ) -> Iterator[tuple[str, str]]:
        for message in messages:
            if len(self.messages) == self.interrupt_after:
                raise Interrupted("interrupted by SIGTERM")
            parsed = email.message_from_bytes(message.content.replace(b"\r\n", b"\n"), policy=email.policy.default)
            assert isinstance(parsed, EmailMessage)
            self.messages.append(parsed)
            yield message.recipient, self.problems.get(message.recipient, "")

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
        OPS: [PairNews(name="one", news=FAILED), PairNews(name="two", news=STUCK)],
        LAB: [PairNews(name="one", news=FAILED), PairNews(name="one", news=COPIED)],
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
