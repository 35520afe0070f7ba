"""The settings: what config.ini and the secret file contain."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from globus_sync_directory.model.pair import Pair


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """How mail is sent: a server, and the account on it if it needs one."""

    host: str = "localhost"
    port: int = 25
    tls: str = "none"  # none, starttls or tls
    user: str = ""
    password_file: Path | None = None
    sender: str = ""  # empty: made from this host's name


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The checked contents of config.ini and the secret file."""

    path: Path  # of the config file
    client_id: str = ""
    secret: str = field(default="", repr=False)
    pairs: tuple[Pair, ...] = ()
    email: tuple[str, ...] = ()
    mail: MailServer = field(default_factory=MailServer)
    mail_password: str | None = field(default=None, repr=False)

    @property
    def identity(self) -> str:
        """The account of the application: collections are shared with it."""
        return f"{self.client_id}@clients.auth.globus.org"

    @property
    def sends_mail(self) -> bool:
        """Whether any address is configured."""
        return bool(self.email) or any(pair.email for pair in self.pairs)
