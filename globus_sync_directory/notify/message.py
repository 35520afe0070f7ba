"""News -> the bytes of one mail message."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.header import Header
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from globus_sync_directory.config.settings import Settings
from globus_sync_directory.model.record import News
from globus_sync_directory.text import count, quote, sanitize


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message, ready for the mail server; its lines end with CR LF."""

    sender: str
    recipient: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class PairNews:
    """A change that a mail reports, and the name of its pair."""

    name: str
    news: News


def news_message(
    settings: Settings, recipient: str, changes: Sequence[PairNews], status_command: str, now: datetime
) -> Message:
    """Return one message about all ``changes``, oldest first (at least one); its last line is ``status_command``."""
    pairs = {change.name for change in changes}
    subject = changes[-1].news.headline if len(pairs) == 1 else f"{count(len(pairs), 'pair')} changed"
    paragraphs = [*(change.news.lines for change in changes), ("To see the current status, run:", status_command)]
    return compose(settings, recipient, subject, paragraphs, now)


def compose(
    settings: Settings, recipient: str, subject: str, paragraphs: Sequence[Sequence[str]], now: datetime
) -> Message:
    """Return a message of ``paragraphs`` below a line that says where it comes from; each line is kept whole."""
    origin = f"Sent by globus_sync_directory on {socket.gethostname()}, config file {quote(settings.path.absolute())}."
    sender = settings.mail.sender or f"globus_sync_directory@{host_name()}"
    message = EmailMessage()
    message["From"] = sender
    message["To"] = recipient
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=host_name())
    message["Auto-Submitted"] = "auto-generated"
    text = "\n\n".join("\n".join(sanitize(line) for line in lines) for lines in [[origin], *paragraphs])
    message.set_content(text + "\n", cte="quoted-printable")  # which keeps long lines, and blanks, as they are
    is_ascii = f"{sender}{recipient}".isascii()
    rest = message.as_bytes(policy=policy.SMTP if is_ascii else policy.SMTPUTF8)
    return Message(sender=sender, recipient=recipient, content=_subject_header(subject) + rest)


def host_name() -> str:
    """Return this host's name with only the characters that a mail address may have; asks no name server."""
    name = "".join(char for char in socket.gethostname() if char.isascii() and (char.isalnum() or char in ".-"))
    return name.strip(".-") or "localhost"


def _subject_header(subject: str) -> bytes:
    """
    Return the header line of a subject, encoded here.

    EmailMessage decodes what looks like an encoded word, and some Python versions then write the line breaks in it: a
    pair's name could add headers.
    """
    text = sanitize(f"globus_sync_directory: {subject}")
    header = Header(text, "utf-8" if "=?" in text else None, header_name="Subject")  # None: UTF-8 only if needed
    return b"Subject: " + header.encode(linesep="\r\n").encode("ascii") + b"\r\n"
