"""Sends messages to the mail server within a time limit, and says in words what went wrong."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial

from globus_sync_directory.config.settings import MailServer
from globus_sync_directory.text import shorten
from globus_sync_directory.timed_waits import steps

STEP_SECONDS = 10.0  # for each step of a conversation with the mail server
# The caller holds the lock, and other runs wait for it.
LAST_START_SECONDS = 20.0  # after this time, no message is begun
TOTAL_SECONDS = 40.0  # for all messages


def deliver(server: MailServer, password: str | None, messages: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """
    Send each message to its address; yield the address and the problem, empty for none.

    It takes 40 seconds at most: later messages are not sent, and their problem is that the server is too slow.
    """
    begun = time.monotonic()
    too_slow = (f"{_place(server)} is too slow", True)
    problem, is_general = "", False
    for address, message in messages.items():
        if not is_general:
            elapsed = time.monotonic() - begun
            problem, is_general = _within(elapsed, partial(_send, server, password, address, message)) or too_slow
        yield address, problem


def _within(elapsed: float, send: Callable[[], tuple[str, bool]]) -> tuple[str, bool] | None:
    """
    Return what ``send`` returns, or None if that takes too long; ``elapsed`` is in seconds.

    A thread sends, and is abandoned at the limit: a server that sends one byte at a time exceeds no limit of a step.
    Where this host has no thread left, these limits have to do.
    """
    outcomes: list[tuple[str, bool]] = []
    if elapsed <= LAST_START_SECONDS:
        thread = threading.Thread(target=lambda: outcomes.append(send()), daemon=True)
        try:
            thread.start()
        except RuntimeError:  # this host has no thread left
            return send()
        for step in steps(TOTAL_SECONDS - elapsed):
            thread.join(step)
            if not thread.is_alive():
                break
    return outcomes[0] if outcomes else None


def host_name() -> str:
    """Return this host's name with only the characters that a mail address may have; asks no name server."""
    name = "".join(char for char in socket.gethostname() if char.isascii() and (char.isalnum() or char in ".-"))
    return name.strip(".-") or "localhost"


def sender(server: MailServer) -> str:
    """Return the address that sends all messages."""
    return server.sender or f"globus_sync_directory@{host_name()}"


def _send(server: MailServer, password: str | None, address: str, message: bytes) -> tuple[str, bool]:
    """Send one message; return the problem, empty for none, and whether other messages would have it too."""
    is_general = True
    options = [] if f"{sender(server)}{address}".isascii() else ["SMTPUTF8", "BODY=8BITMIME"]
    try:
        with contextlib.closing(_connect(server)) as connection:
            if server.tls == "starttls":
                connection.starttls(context=ssl.create_default_context())
            if server.user and password is not None:
                connection.login(server.user, password)
            is_general = False
            connection.sendmail(sender(server), [address], message, options)
            with contextlib.suppress(OSError):  # the message is accepted already
                connection.quit()
    except (OSError, ValueError) as error:  # smtplib's own errors are OSErrors
        return explain(error, server, password), is_general
    return "", False


def _connect(server: MailServer) -> smtplib.SMTP:
    if server.tls == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(server.host, server.port, host_name(), timeout=STEP_SECONDS, context=context)
    return smtplib.SMTP(server.host, server.port, host_name(), timeout=STEP_SECONDS)


def explain(error: Exception, server: MailServer, password: str | None) -> str:
    """Return what went wrong, in the server's words if it gave a reason; never with the password."""
    place = _place(server)
    match error:
        case smtplib.SMTPAuthenticationError():
            return f"{place} does not accept smtp_user with the password in smtp_password_file"
        case smtplib.SMTPNotSupportedError():
            return f"{place} does not offer what smtp_tls or smtp_user ask for, or what this address needs"
        case smtplib.SMTPRecipientsRefused():
            code, reply = next(iter(error.recipients.values()))
            return f"{place} answered {code}: {_plain(reply, password)}"
        case smtplib.SMTPResponseException():
            return f"{place} answered {error.smtp_code}: {_plain(error.smtp_error, password)}"
        case ssl.SSLCertVerificationError():
            return f"the certificate of {place} could not be verified"
        case ssl.SSLError():
            return f"no TLS connection to {place}; check smtp_tls and smtp_port"
        case UnicodeError():  # its own words show letters of the password
            return f"{place} could not be used; smtp_host, smtp_user and the password may only have ASCII letters"
        case TimeoutError() | smtplib.SMTPServerDisconnected(__context__=TimeoutError()):
            return f"no answer from {place} within {STEP_SECONDS:g} s; check smtp_host and smtp_port"
    reason = _plain(str(getattr(error, "strerror", None) or error), password)
    return f"{place}: {reason.lower()}; check smtp_host and smtp_port"


def _place(server: MailServer) -> str:
    return f"{server.host} port {server.port}"


def _plain(reply: bytes | str, password: str | None) -> str:
    """Return the reply of a server as one short line, without the password if the server repeats it."""
    text = reply.decode("utf-8", errors="replace") if isinstance(reply, bytes) else reply
    return shorten(text.replace(password, "***") if password else text)
