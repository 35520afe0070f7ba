"""Findings -> mail: one message for each recipient and run, about what that recipient does not know yet."""

from __future__ import annotations

import contextlib
import logging
import shlex
import smtplib
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from globus_sync_directory.clean import clean
from globus_sync_directory.config import Config, MailServer
from globus_sync_directory.errors import EXIT_NEEDS_A_PERSON, EXIT_SIGN_IN_REFUSED, EXIT_TOO_OLD
from globus_sync_directory.ledger import Ledger
from globus_sync_directory.pairs import Pair
from globus_sync_directory.report import describe, files
from globus_sync_directory.state import Mailed, Memory
from globus_sync_directory.verdicts import Finding, Verdict

TIMEOUT_SECONDS = 10.0
_TROUBLE = (EXIT_NEEDS_A_PERSON, EXIT_TOO_OLD, EXIT_SIGN_IN_REFUSED)
_WELL = (Verdict.SUCCEEDED, Verdict.STOPPED_AT_TIME_LIMIT)
_LONGEST_SUBJECT = 120
_MOST_UNSENT = 10  # of a pair, the newest

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class _News:
    """One thing that somebody is to learn of a pair: a few words for the subject, and the report."""

    pair: Pair
    headline: str
    text: str


def tell(
    config: Config,
    password: str | None,
    learned: Sequence[tuple[Pair, Sequence[Finding]]],
    ledger: Ledger,
    now: datetime,
) -> None:
    """
    Mail what ``learned`` (per pair, its findings in the order they were made) has of news, and remember who was told.

    News is a trouble that was not told since the pair was last well, the end of one that was, and to a pair's own
    addresses a sync that brought files. An address that is new is told of no success that was there before it. What
    the server does not take is a warning, and goes out with the next run's mail. Raises StateError.
    """
    # A pair without a memory is one that Globus could not be asked about, for want of a state file: nothing may be
    # written of it, or the next run would take what little that is for all there was.
    learned = [(pair, findings) for pair, findings in learned if pair.fingerprint in ledger.memories]
    outbox: dict[str, list[_News]] = {}
    told: dict[tuple[Pair, str], Mailed] = {}
    for pair, findings in learned:
        memory = ledger.memory(pair, now)
        for address in _addresses(config, pair):
            before = memory.mailed.get(address)
            news, after = _news(pair, before, findings, is_own=address in pair.email)
            told[pair, address] = replace(after, unsent=tuple((item.headline, item.text) for item in news))
            outbox.setdefault(address, []).extend(news)
    messages = {address: _message(config, address, news, now) for address, news in outbox.items() if news}
    problems = dict.fromkeys(messages, "it was interrupted")
    try:
        _send(config.mail, password, messages, problems)
    finally:
        changes: dict[str, Memory | None] = {}
        for pair, _ in learned:
            mailed = {
                address: told[pair, address] if problems.get(address) else replace(told[pair, address], unsent=())
                for address in _addresses(config, pair)
            }
            changes[pair.fingerprint] = replace(ledger.memory(pair, now), mailed=mailed)
        ledger.change(changes)
    for address, problem in problems.items():
        if problem:
            log.warning("mail to %s could not be sent: %s; the next run tries again", clean(address), problem)


def send_test(config: Config, password: str | None, now: datetime) -> dict[str, str]:
    """Send a message that says nothing to every address of the config; return what went wrong with each, or nothing."""
    addresses = dict.fromkeys([*config.email, *(address for pair in config.pairs for address in pair.email)])
    text = f"{_origin(config)} This is a test that somebody asked for; nothing has happened.\n"
    messages = {address: _envelope(config.mail, address, "a test", text, now) for address in addresses}
    problems = dict.fromkeys(messages, "")
    _send(config.mail, password, messages, problems)
    return problems


def _addresses(config: Config, pair: Pair) -> list[str]:
    return list(dict.fromkeys([*config.email, *pair.email]))


def _news(
    pair: Pair, before: Mailed | None, findings: Sequence[Finding], *, is_own: bool
) -> tuple[list[_News], Mailed]:
    """Return what one address does not know yet, what could not be sent earlier first, and what it knows after that."""
    told = before or Mailed()
    name = clean(pair.name, 60)
    news = [_News(pair=pair, headline=headline, text=text) for headline, text in told.unsent[-_MOST_UNSENT:]]
    for finding in findings:
        headline = ""
        if finding.status in _TROUBLE:
            is_bad = finding.verdict.status in _TROUBLE
            keys = [finding.verdict.name] * is_bad + ["TOO_OLD"] * finding.is_too_old
            if set(keys) - set(told.troubles):
                headline = f"{name}: {finding.verdict.words if is_bad else 'too old'}"
            told = replace(told, troubles=tuple(dict.fromkeys([*told.troubles, *keys])))
        elif finding.verdict in _WELL and finding.task_id != told.well_since:
            brought = finding.task.files_done if finding.task and finding.verdict is Verdict.SUCCEEDED else 0
            if told.troubles:
                headline = f"{name}: well again"
            elif is_own and brought and before is not None:
                headline = f"{name}: {files(brought)} copied"
            told = replace(told, troubles=(), well_since=finding.task_id)
        if headline:
            news.append(_News(pair=pair, headline=headline, text="\n".join(describe(finding))))
    return news, told


def _message(config: Config, address: str, news: Sequence[_News], now: datetime) -> EmailMessage:
    subject = news[0].headline if len(news) == 1 else f"news of {len({item.pair for item in news})} pairs"
    if len(news) > 1 and len({item.pair for item in news}) == 1:
        subject = news[-1].headline
    parts = [_origin(config), *(item.text for item in news)]
    parts.append(f"To look again: globus-sync-directory -d -c {shlex.quote(clean(config.path.absolute()))}")
    return _envelope(config.mail, address, subject, "\n\n".join(parts) + "\n", now)


def _origin(config: Config) -> str:
    where = f"{clean(socket.gethostname())}, by {clean(config.path.absolute())}"
    return f"This is globus_sync_directory, which keeps directories in step on {where}."


def _envelope(server: MailServer, address: str, subject: str, text: str, now: datetime) -> EmailMessage:
    message = EmailMessage()
    message["From"] = _sender(server)
    message["To"] = address
    message["Subject"] = f"globus_sync_directory: {clean(subject, _LONGEST_SUBJECT)}"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=_host())
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def _sender(server: MailServer) -> str:
    return server.sender or f"globus_sync_directory@{_host()}"


def _host() -> str:
    """Return this host's name as far as it may stand in an address; never asks a name server."""
    name = "".join(char for char in socket.gethostname() if char.isascii() and (char.isalnum() or char in ".-"))
    return name.strip(".-") or "localhost"


def _send(
    server: MailServer, password: str | None, messages: Mapping[str, EmailMessage], problems: dict[str, str]
) -> None:
    """Send each message over one connection; note in ``problems`` what went wrong by address, empty for nothing."""
    if not messages:
        return
    waiting = list(messages)
    try:
        with _connection(server, password) as connection:
            while waiting:
                address = waiting[0]
                try:
                    connection.send_message(messages[address], _sender(server), [address])
                    problems[address] = ""
                except (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError, smtplib.SMTPSenderRefused) as error:
                    problems[address] = _plain(error, server)
                waiting.pop(0)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        problems.update(dict.fromkeys(waiting, _plain(error, server)))


@contextlib.contextmanager
def _connection(server: MailServer, password: str | None) -> Iterator[smtplib.SMTP]:
    context = ssl.create_default_context()
    if server.tls == "tls":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, local_hostname=_host(), timeout=TIMEOUT_SECONDS, context=context
        )
    else:
        connection = smtplib.SMTP(server.host, server.port, local_hostname=_host(), timeout=TIMEOUT_SECONDS)
    try:
        if server.tls == "starttls":
            connection.starttls(context=context)
        if server.user and password is not None:
            connection.login(server.user, password)
        yield connection
        with contextlib.suppress(OSError, smtplib.SMTPException):
            connection.quit()
    finally:
        connection.close()


def _plain(error: Exception, server: MailServer) -> str:
    """Return in plain words what the mail server, or the way to it, did wrong, and the key to look at."""
    place = f"{clean(server.host)} port {server.port}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"{place} does not accept smtp_user with the password in smtp_password_file"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"{place} does not offer what smtp_tls or smtp_user ask for"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        _, said = next(iter(error.recipients.values()))
        return f"{place} refuses this recipient: {clean(_text(said), 160)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{place} answered {error.smtp_code}: {clean(_text(error.smtp_error), 160)}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of {place} could not be verified"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with {place}; look at smtp_tls and smtp_port"
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return f"no answer from {place} within {TIMEOUT_SECONDS:g} s; look at smtp_host and smtp_port"
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return f"{place} closed the connection"
    if isinstance(error, OSError) and error.strerror:
        return f"{place}: {error.strerror.lower()}; look at smtp_host and smtp_port"
    return f"{place} could not be used"


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", errors="replace") if isinstance(said, bytes) else said
