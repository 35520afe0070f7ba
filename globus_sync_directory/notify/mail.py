"""News -> mail: one message for each recipient about all that was not sent yet."""

from __future__ import annotations

import contextlib
import logging
import queue
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid

from globus_sync_directory.config.load import Config, MailServer
from globus_sync_directory.notify.changes import recipients
from globus_sync_directory.state import Mailed
from globus_sync_directory.sync.ledger import Ledger
from globus_sync_directory.text import sanitize

TIMEOUT_SECONDS = 10.0  # for each step with a mail server
PATIENCE_SECONDS = 20.0  # after which no further message is begun, and twice that the last one left: others wait
_LONGEST_SUBJECT = 120

log = logging.getLogger(__name__)


def send_pending(config: Config, password: str | None, ledger: Ledger, status_command: str, now: datetime) -> None:
    """
    Send what the ledger holds of unsent news of the config's pairs, and remember what was taken.

    Each message ends with ``to_look_again``, a command. A message that the server does not take is a warning and stays
    for the next run. Raises StateError.
    """
    outbox: dict[str, list[tuple[str, str, str]]] = {}
    for pair in config.pairs:
        memory = ledger.memories.get(pair.fingerprint)
        for address in recipients(config, pair) if memory else ():
            unsent = memory.mailed.get(address, Mailed()).unsent if memory else ()
            outbox.setdefault(address, []).extend((pair.name, headline, text) for headline, text in unsent)
    messages = {
        address: _message(config, address, news, status_command, now) for address, news in outbox.items() if news
    }
    sent: set[str] = set()
    try:
        for address, problem in _send(config.mail, password, messages):
            if problem:
                log.warning("mail to %s could not be sent: %s; the next run tries again", sanitize(address), problem)
            else:
                sent.add(address)
    finally:
        changes: dict[str, Mapping[str, Mailed]] = {}
        for fingerprint, memory in ledger.memories.items():
            if any(address in sent and told.unsent for address, told in memory.mailed.items()):
                changes[fingerprint] = {
                    address: replace(told, unsent=()) if address in sent else told
                    for address, told in memory.mailed.items()
                }
        ledger.remember_mail(changes)


def send_test(config: Config, password: str | None, now: datetime) -> dict[str, str]:
    """Send a message that says nothing to every address of the config; return what went wrong with each, or nothing."""
    addresses = dict.fromkeys([*config.email, *(address for pair in config.pairs for address in pair.email)])
    text = f"{_origin(config)} This is a test that somebody asked for; nothing has happened.\n"
    messages = {address: _envelope(config.mail, address, "a test", text, now) for address in addresses}
    return dict(_send(config.mail, password, messages))


def _message(
    config: Config, address: str, news: Sequence[tuple[str, str, str]], status_command: str, now: datetime
) -> EmailMessage:
    pairs = {name for name, _, _ in news}
    subject = news[-1][1] if len(pairs) == 1 else f"news of {len(pairs)} pairs"
    parts = [_origin(config), *(text for _, _, text in news), f"To look again: {status_command}"]
    return _envelope(config.mail, address, subject, "\n\n".join(parts) + "\n", now)


def _origin(config: Config) -> str:
    where = f"{sanitize(socket.gethostname())}, by {sanitize(config.path.absolute())}"
    return f"This is globus_sync_directory, which keeps directories in step on {where}."


def _envelope(server: MailServer, address: str, subject: str, text: str, now: datetime) -> EmailMessage:
    message = EmailMessage()
    message["From"] = _sender(server)
    message["To"] = address
    message["Subject"] = f"globus_sync_directory: {sanitize(subject, _LONGEST_SUBJECT)}"
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
    server: MailServer, password: str | None, messages: Mapping[str, EmailMessage]
) -> Iterator[tuple[str, str]]:
    """
    Send each message over a connection of its own; yield its address and what went wrong, empty for nothing.

    A thread does it: a server that trickles its replies meets no timeout of a single step, and is left to itself.
    """
    results: queue.SimpleQueue[tuple[str, str] | BaseException] = queue.SimpleQueue()
    begun = time.monotonic()
    slow = f"{sanitize(server.host)} port {server.port} is too slow"

    def work() -> None:
        unusable = ""  # a server that cannot even be spoken to is not tried again for each recipient
        try:
            for address, message in messages.items():
                if not unusable and time.monotonic() - begun > PATIENCE_SECONDS:
                    unusable = slow
                problem, lasts = (unusable, True) if unusable else _problem_with(server, password, address, message)
                unusable = problem if lasts else ""
                results.put((address, problem))
        except BaseException as error:  # noqa: BLE001 - it belongs to who waits for the results
            results.put(error)

    threading.Thread(target=work, name="mail", daemon=True).start()
    waiting = list(messages)
    while waiting:
        try:
            result = results.get(timeout=max(0, begun + 2 * PATIENCE_SECONDS - time.monotonic()))
        except queue.Empty:
            yield from ((address, slow) for address in waiting)
            return
        if isinstance(result, BaseException):
            raise result
        waiting.remove(result[0])
        yield result


def _problem_with(
    server: MailServer, password: str | None, address: str, message: EmailMessage
) -> tuple[str, bool]:
    """Send one message; return what went wrong, empty for nothing, and whether any other would meet the same."""
    try:
        with _connection(server, password) as connection:
            try:
                connection.send_message(message, _sender(server), [address])
            except smtplib.SMTPNotSupportedError:
                return f"{sanitize(server.host)} takes no addresses with such letters", False
            except (OSError, smtplib.SMTPException, ValueError) as error:
                return _plain(error, server, password), False
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return _plain(error, server, password), True
    return "", False


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


def _plain(error: Exception, server: MailServer, password: str | None) -> str:
    """Return in plain words what the mail server, or the way to it, did wrong, and the key to look at."""
    place = f"{sanitize(server.host)} port {server.port}"
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"{place} does not accept smtp_user with the password in smtp_password_file"
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return f"{place} does not offer what smtp_tls or smtp_user ask for"
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        _, said = next(iter(error.recipients.values()))
        return f"{place} refuses this recipient: {_text(said, password)}"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{place} answered {error.smtp_code}: {_text(error.smtp_error, password)}"
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


def _text(said: bytes | str, password: str | None) -> str:
    """Return what a server said, cleaned; never the password, should it repeat that."""
    text = said.decode("utf-8", errors="replace") if isinstance(said, bytes) else said
    return sanitize(text.replace(password, "***") if password else text, 160)
