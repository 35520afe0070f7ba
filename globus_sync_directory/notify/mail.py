"""Unsent news -> mail: one message for each recipient, and a record of what the mail server has accepted."""

from __future__ import annotations

import logging
import socket
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from globus_sync_directory.config.settings import Settings
from globus_sync_directory.model.record import News, PairRecord
from globus_sync_directory.notify.changes import recipients
from globus_sync_directory.notify.smtp import deliver, host_name, sender
from globus_sync_directory.state import StateStore
from globus_sync_directory.text import count, quote, sanitize

log = logging.getLogger(__name__)


def send_pending(settings: Settings, store: StateStore, status_command: str, now: datetime) -> tuple[str, ...]:
    """
    Send the unsent news of the config's pairs, record which mails were accepted, and return a line for each other one.

    Each message ends with ``status_command``. A message that the mail server does not accept is a warning; the next run
    sends it again. Raises StateError.
    """
    unsent = find_unsent(settings, store.records)
    messages = {
        address: news_message(settings, address, changes, status_command, now) for address, changes in unsent.items()
    }
    accepted = set()
    failed: list[str] = []
    try:
        for address, problem in deliver(settings.mail, settings.mail_password, messages):
            if problem:
                failed.append(f"mail to {address} could not be sent: {problem}; the next run tries again")
                log.warning("%s", failed[-1])
            else:
                accepted.add(address)
    finally:  # also after an interruption: an accepted mail must not be sent twice
        with store.edit() as records:
            records.update(without_unsent(settings, records, accepted))
    return tuple(failed)


def send_test(settings: Settings, now: datetime) -> dict[str, str]:
    """Send a test message to every address of the config; return the problem for each address, empty for none."""
    addresses = dict.fromkeys(address for pair in settings.pairs for address in recipients(settings, pair))
    text = "This is a test message of `check --mail`. Nothing has happened."
    messages = {address: compose(settings, address, "test message", [[text]], now) for address in addresses}
    return dict(deliver(settings.mail, settings.mail_password, messages))


def find_unsent(settings: Settings, records: Mapping[str, PairRecord]) -> dict[str, list[tuple[str, News]]]:
    """Return by address the unsent news with their pairs' names, oldest first, in the order of the config."""
    unsent: dict[str, list[tuple[str, News]]] = {}
    for pair in settings.pairs:
        record = records.get(pair.fingerprint)
        for address in recipients(settings, pair) if record else []:
            if record and address in record.mailed:
                for news in record.mailed[address].unsent:
                    unsent.setdefault(address, []).append((pair.name, news))
    return unsent


def without_unsent(
    settings: Settings, records: Mapping[str, PairRecord], accepted: Collection[str]
) -> dict[str, PairRecord]:
    """Return the records of the config's pairs once the mail server has accepted the messages to these addresses."""
    updated = {}
    for fingerprint in records.keys() & {pair.fingerprint for pair in settings.pairs}:
        record = records[fingerprint]
        sent = {address: replace(known, unsent=()) for address, known in record.mailed.items() if address in accepted}
        updated[fingerprint] = replace(record, mailed={**record.mailed, **sent})
    return updated


def news_message(
    settings: Settings, recipient: str, changes: Sequence[tuple[str, News]], status_command: str, now: datetime
) -> bytes:
    """Return one message about ``changes``, each with its pair's name, oldest first; it ends with the command."""
    names = {name for name, _ in changes}
    subject = changes[-1][1].headline if len(names) == 1 else f"{count(len(names), 'pair')} changed"
    paragraphs = [*(news.lines for _, news in changes), ("To see the current status, run:", status_command)]
    return compose(settings, recipient, subject, paragraphs, now)


def compose(
    settings: Settings, recipient: str, subject: str, paragraphs: Sequence[Sequence[str]], now: datetime
) -> bytes:
    """Return a message of ``paragraphs`` below a line that says where it comes from; each line is kept whole."""
    origin = f"Sent by globus_sync_directory on {socket.gethostname()}, config file {quote(settings.path.absolute())}."
    message = EmailMessage()
    message["From"] = sender(settings.mail)
    message["To"] = recipient
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=host_name())
    message["Auto-Submitted"] = "auto-generated"
    text = "\n\n".join("\n".join(map(sanitize, lines)) for lines in [[origin], *paragraphs])
    message.set_content(text + "\n", cte="quoted-printable")  # which keeps long lines and spaces unchanged
    is_ascii = f"{sender(settings.mail)}{recipient}".isascii()
    return _subject_header(subject) + message.as_bytes(policy=policy.SMTP if is_ascii else policy.SMTPUTF8)


def _subject_header(subject: str) -> bytes:
    """
    Return the header line of a subject, encoded here.

    EmailMessage decodes what looks like an encoded word, and some Python versions then write the line breaks in it: a
    pair's name could add headers.
    """
    text = sanitize(f"globus_sync_directory: {subject}")
    header = Header(text, "utf-8" if "=?" in text else None, header_name="Subject")  # None: UTF-8 only if needed
    return b"Subject: " + header.encode(linesep="\r\n").encode("ascii") + b"\r\n"
