"""The text of config.ini -> settings, still without the secrets, which are in other files."""

from __future__ import annotations

import difflib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from globus_sync_directory.config.conflicts import find_conflicts
from globus_sync_directory.config.ini import Entry, FileProblem, Section, parse_ini
from globus_sync_directory.config.keys import CONFIG_KEYS, MAIL_PORTS, BadValue
from globus_sync_directory.config.secret_file import MOVE_SECRET
from globus_sync_directory.config.settings import MailServer, Settings
from globus_sync_directory.model.pair import Directory, Pair, SyncLevel
from globus_sync_directory.text import is_unprintable

_DEFAULT = "DEFAULT"  # its values are the defaults of every pair
_FIXED = [name for name in CONFIG_KEYS if name != "pair"]
_SPECIAL = {name.lower(): name for name in (*_FIXED, _DEFAULT)}
_COLLECTIONS = {"src_endpoint": "the collection to copy from", "dst_endpoint": "the collection to copy to"}
_THIS_HOST = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|::1")

_Values = dict[str, Any]  # by key; None where the value is bad


def parse_config(text: str, path: Path) -> tuple[Settings, list[FileProblem]]:
    """
    Return what ``text`` says, and every problem; with a problem, the settings are as complete as possible.

    ``path`` is the path of this file; a relative path of the password file starts at its directory.
    """
    reader = _Reader(text)
    return reader.settings(path), reader.problems


class _Reader:
    """The sections of one file, and the problems found in them so far."""

    def __init__(self, text: str) -> None:
        sections, self.problems = parse_ini(text)
        self._sections = {name: Section(name, 0) for name in _SPECIAL.values()} | sections

    def settings(self, path: Path) -> Settings:
        """Return what the file says."""
        values = {name: self._values(self._sections[name], name) for name in _FIXED}
        self._require(self._sections["globus"], values["globus"], {"clientid": "your Globus application"})
        return Settings(
            path=path,
            client_id=values["globus"].get("clientid") or "",
            pairs=self._pairs(values["schedule"].get("timelimitmins")),
            email=(values["notification"].get("email") or ()) + (values["email"].get("recipients") or ()),
            mail=self._mail_server(values["notification"], path.parent),
        )

    def _problem(self, section: Section, sentence: str, entry: Entry | None = None) -> None:
        where = f"[{section.name}] {entry.key}" if entry else f"[{section.name}]"
        self.problems.append(FileProblem((entry or section).line, f"{where}: {sentence}"))

    def _require(self, section: Section, values: _Values, uuids: dict[str, str]) -> None:
        for key, what in uuids.items():
            if key not in values:
                self._problem(section, f"{key} is missing; it is the UUID of {what}")

    def _values(self, section: Section, kind: str) -> _Values:
        """Return the values of a section, which may have the keys of this kind of section."""
        values: _Values = {}
        kinds = CONFIG_KEYS[kind]
        for entry in section.entries:
            if entry.key not in kinds:
                self._problem(section, _unknown_key(entry.key, [key for key in kinds if key != "delete"]), entry)
                continue
            try:
                values[entry.key] = kinds[entry.key].convert(entry)
            except BadValue as bad:
                values[entry.key] = None
                self._problem(section, str(bad), entry)
        return values

    def _pairs(self, time_limit: timedelta | None) -> tuple[Pair, ...]:
        """Return the pairs; ``time_limit`` is for those without their own."""
        defaults = {"timelimitmins": time_limit, **self._values(self._sections[_DEFAULT], "pair")}
        sections = [section for name, section in self._sections.items() if name not in _SPECIAL.values()]
        if not sections:
            sentence = "no pair; add a section such as [microscope] with src_endpoint and dst_endpoint"
            self.problems.append(FileProblem(0, sentence))
        found = [(section.line, pair) for section in sections if (pair := self._pair(section, defaults))]
        self.problems += find_conflicts(found)
        return tuple(pair for _, pair in found)

    def _pair(self, section: Section, defaults: _Values) -> Pair | None:
        """Return the pair; None where a collection or a path is missing or bad."""
        close = difflib.get_close_matches(section.name.lower(), _SPECIAL, n=1, cutoff=0.8)
        if close and not any(entry.key in _COLLECTIONS for entry in section.entries):
            self._problem(section, f"unknown section; did you mean [{_SPECIAL[close[0]]}]?")
            return None
        if any(map(is_unprintable, section.name)):
            self._problem(section, "the name contains a control character or an invisible character")
        values = {**defaults, **self._values(section, "pair")}
        self._require(section, values, _COLLECTIONS)
        source_path = values.get("src_path", "/")
        destination_path = values.get("dst_path", source_path)
        if None in (values.get("src_endpoint"), source_path, values.get("dst_endpoint"), destination_path):
            return None
        good = {key: value for key, value in values.items() if value is not None}
        return Pair(
            name=section.name,
            source=Directory(collection=good["src_endpoint"], path=source_path),
            destination=Directory(collection=good["dst_endpoint"], path=destination_path),
            sync_level=good.get("sync_level", SyncLevel.CHECKSUM),
            time_limit=good.get("timelimitmins"),
            max_age=good.get("max_age"),
            exclude=good.get("exclude", ()),
            email=good.get("email", ()),
            allow_empty=good.get("allow_empty", False),
        )

    def _mail_server(self, values: _Values, directory: Path) -> MailServer:
        """Return the mail server; ``directory`` is where a relative password file is."""
        section = self._sections["notification"]
        entries = {entry.key: entry for entry in section.entries}
        for given, wanted in (("smtp_user", "smtp_password_file"), ("smtp_password_file", "smtp_user")):
            if given in values and wanted not in values:
                self._problem(section, f"{wanted} is missing; add it or remove this line", entries[given])
        host, tls = values.get("smtp_host") or MailServer.host, values.get("smtp_tls", MailServer.tls)
        if "smtp_user" in values and tls == "none" and not _THIS_HOST.fullmatch(host):
            sentence = "without TLS the password can be intercepted; set smtp_tls to starttls or tls"
            self._problem(section, sentence, entries["smtp_user"])
        file = values.get("smtp_password_file")
        return MailServer(
            host=host,
            port=values.get("smtp_port") or MAIL_PORTS.get(tls, MailServer.port),
            tls=tls or MailServer.tls,
            user=values.get("smtp_user") or "",
            password_file=directory / file if file else None,
            sender=values.get("from") or "",
        )


def _unknown_key(key: str, known: list[str]) -> str:
    if key in ("secret", "clientsecret", "client_secret"):
        return MOVE_SECRET
    close = difflib.get_close_matches(key, known, n=1)
    return f"unknown key; did you mean {close[0]}?" if close else f"unknown key; known keys: {', '.join(known)}"
