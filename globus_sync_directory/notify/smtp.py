"""Messages -> the mail server, within a time limit; and what went wrong, in words."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from globus_sync_directory.config.settings import MailServer
from globus_sync_directory.notify.message import Message, host_name
from globus_sync_directory.text import shorten

STEP_SECONDS = 10.0  # for each step of a conversation with the mail server
# The caller holds the lock, and other runs wait for it.
LAST_START_SECONDS = 20.0  # no message is begun later than this
TOTAL_SECONDS = 40.0  # nothing is waited for longer than this

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """Why a message was not taken; ``is_general``: any other message would meet the same."""

    reason: str
    is_general: bool


def deliver(server: MailServer, password: str | None, messages: Sequence[Message]) -> Iterator[tuple[str, str]]:
    """
    Send each message over its own connection; yield its recipient and the problem, empty for none.

    It takes 40 seconds at most: later messages are not sent, and their problem is that the server is too slow.
    """
    begun = time.monotonic()
    failure: _Failure | None = None
    for message in messages:
        if failure is None or not failure.is_general:
            try:
                failure = _call_with_limit(partial(_send, server, password, message), time.monotonic() - begun)
            except TimeoutError:
                failure = _Failure(reason=f"{_place(server)} is too slow", is_general=True)
        yield message.recipient, failure.reason if failure else ""


def _call_with_limit(function: Callable[[], _T], elapsed: float) -> _T:
    """
    Return what ``function`` returns. Raises TimeoutError if it is too late to begin, or to wait longer.

    It runs in a thread, which is abandoned then: a server that sends one byte at a time exceeds no time limit of a
    single step. ``elapsed`` is in seconds.
    """
    if elapsed > LAST_START_SECONDS:
        raise TimeoutError
    future: Future[_T] = Future()

    def work() -> None:
        try:
            future.set_result(function())
        except BaseException as error:  # noqa: BLE001 - raised again by future.result()
            future.set_exception(error)

    threading.Thread(target=work, name="mail", daemon=True).start()
    return future.result(timeout=TOTAL_SECONDS - elapsed)


def _send(server: MailServer, password: str | None, message: Message) -> _Failure | None:
    try:
        with _connection(server, password) as connection:
            is_ascii = f"{message.sender}{message.recipient}".isascii()
            options = [] if is_ascii else ["SMTPUTF8", "BODY=8BITMIME"]
            try:
                connection.sendmail(message.sender, [message.recipient], message.content, options)
            except (smtplib.SMTPNotSupportedError, UnicodeEncodeError):
                reason = f"{_place(server)} does not accept addresses with non-ASCII letters"
                return _Failure(reason=reason, is_general=False)
            except (OSError, ValueError) as error:
                return _Failure(reason=explain(error, server, password), is_general=False)
    except (OSError, ValueError) as error:  # smtplib's own errors are OSErrors
        return _Failure(reason=explain(error, server, password), is_general=True)
    return None


@contextlib.contextmanager
def _connection(server: MailServer, password: str | None) -> Iterator[smtplib.SMTP]:
    connection: smtplib.SMTP
    if server.tls == "tls":
        context = ssl.create_default_context()
        connection = smtplib.SMTP_SSL(server.host, server.port, host_name(), timeout=STEP_SECONDS, context=context)
    else:
        connection = smtplib.SMTP(server.host, server.port, host_name(), timeout=STEP_SECONDS)
    try:
        if server.tls == "starttls":
            connection.starttls(context=ssl.create_default_context())
        if server.user and password is not None:
            connection.login(server.user, password)
        yield connection
        with contextlib.suppress(OSError):
            connection.quit()
    finally:
        connection.close()


def explain(error: Exception, server: MailServer, password: str | None) -> str:
    """Return what went wrong, and where it helps the keys of the config to check; never the password."""
    place = _place(server)
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"{place} does not accept smtp_user with the password in smtp_password_file"
        case smtplib.SMTPNotSupportedError():
            return f"{place} does not offer what smtp_tls or smtp_user ask for"
        case smtplib.SMTPRecipientsRefused():
            _, reply = next(iter(error.recipients.values()))
            return f"{place} rejects this recipient: {_text(reply, password)}"
        case smtplib.SMTPResponseException():
            return f"{place} answered {error.smtp_code}: {_text(error.smtp_error, password)}"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {place} could not be verified"
        case ssl.SSLError():
            return f"no TLS with {place}; check smtp_tls and smtp_port"
        case TimeoutError() | smtplib.SMTPServerDisconnected(__context__=TimeoutError()):
            return f"no answer from {place} within {STEP_SECONDS:g} s; check smtp_host and smtp_port"
        case smtplib.SMTPServerDisconnected():
            return f"{place} closed the connection"
        case OSError(strerror=str(reason)):
            return f"{place}: {reason.lower()}; check smtp_host and smtp_port"
    return f"{place} could not be used; check smtp_host and smtp_user"


def _place(server: MailServer) -> str:
    return f"{server.host} port {server.port}"


def _text(reply: bytes | str, password: str | None) -> str:
    """Return the reply of a server as one short line, without the password if it repeats that."""
    text = reply.decode("utf-8", errors="replace") if isinstance(reply, bytes) else reply
    return shorten(text.replace(password, "***") if password else text)
