"""The keys of [notification] -> the mail server."""

from __future__ import annotations

import re
from pathlib import Path

from globus_sync_directory.config.keys import SENDER, SMTP_HOST, SMTP_PASSWORD_FILE, SMTP_PORT, SMTP_TLS, SMTP_USER
from globus_sync_directory.config.problems import FileProblem
from globus_sync_directory.config.sections import Values
from globus_sync_directory.config.settings import MailServer
from globus_sync_directory.config.values import MAIL_PORTS

_THIS_HOST = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|::1")


def read_mail_server(values: Values, directory: Path) -> tuple[MailServer, list[FileProblem]]:
    """Return the mail server, and what is wrong with it; ``directory`` is where a relative password file is."""
    sentences = [
        (given, f"{wanted.name} is missing; add it or remove this line")
        for given, wanted in ((SMTP_USER, SMTP_PASSWORD_FILE), (SMTP_PASSWORD_FILE, SMTP_USER))
        if values.has(given) and not values.has(wanted)
    ]
    host = values.get(SMTP_HOST) or MailServer.host
    tls = values.get(SMTP_TLS) or MailServer.tls
    in_clear = tls == "none" and not values.is_bad(SMTP_TLS) and not _THIS_HOST.fullmatch(host)
    if values.has(SMTP_USER) and in_clear:
        sentences.append((SMTP_USER, "without TLS the password can be intercepted; set smtp_tls to starttls or tls"))
    file = values.get(SMTP_PASSWORD_FILE)
    server = MailServer(
        host=host,
        port=values.get(SMTP_PORT) or MAIL_PORTS[tls],
        tls=tls,
        user=values.get(SMTP_USER) or "",
        password_file=directory / file if file else None,
        sender=values.get(SENDER) or "",
    )
    return server, [
        FileProblem(values.lines[key.name], f"[notification] {key.name}: {sentence}") for key, sentence in sentences
    ]
