"""config.ini -> Config. Every rule about the file, and every message about it, lives here."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any
from uuid import UUID

from globus_sync_directory.text import sanitize, is_unprintable, quote
from globus_sync_directory.errors import ConfigError
from globus_sync_directory.config.ini import Entry, Section, parse_ini
from globus_sync_directory.model.pair import Pair, Directory, SyncLevel

_PLACEHOLDER = re.compile("00000000-(aaaa|bbbb|cccc)-4000-8000-")  # those of config.ini.example
_LARGEST_FILE = 1_000_000  # bytes; anything larger is no config file
_LONGEST_TIME = timedelta(days=3650)


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """How mail is sent: a server, and the account there if it wants one."""

    host: str = "localhost"
    port: int = 25
    tls: str = "none"  # none, starttls or tls
    user: str = ""
    password_file: Path | None = None
    sender: str = ""  # empty: made from this host's name


@dataclass(frozen=True, kw_only=True)
class Config:
    """What the operator asked for: who signs in, which pairs to keep in step, whom to write to and how."""

    path: Path
    client_id: str
    pairs: tuple[Pair, ...]
    email: tuple[str, ...] = ()
    mail: MailServer = field(default_factory=MailServer)

    @property
    def sends_mail(self) -> bool:
        """Whether there is anybody to write to."""
        return bool(self.email) or any(pair.email for pair in self.pairs)


def load_config(path: Path) -> Config:
    """
    Return the checked contents of ``path``.

    Raises ConfigError with every problem of the file, each as ``FILE:LINE: [section] key: what is wrong``.
    """
    sections, found = parse_ini(_read_text(path))
    problems = [(line, sanitize(sentence)) for line, sentence in found]
    reader = _Reader(sections, problems)
    config = reader.config(path)
    if problems:
        shown = sanitize(path)
        ordered = sorted(problems, key=lambda problem: (problem[0] == 0, problem[0]))
        raise ConfigError([f"{shown}:{line}: {text}" if line else f"{shown}: {text}" for line, text in ordered])
    return config


def _read_text(path: Path) -> str:
    shown = sanitize(path.absolute())
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise ConfigError(
            [
                f"{shown}: there is no such config file; copy config.ini.example to it and fill it in, "
                "or name another with --config-file"
            ]
        ) from None
    except OSError as error:
        raise ConfigError([f"{shown}: cannot be read: {error.strerror}"]) from None
    if len(data) > _LARGEST_FILE:
        raise ConfigError([f"{shown}: is larger than {_LARGEST_FILE:,} bytes and so no config file"])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([f"{shown}:{line}: is not UTF-8 text; save the file as UTF-8"]) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ConfigError([f"{shown}:{line}: is not a text file"])
    if not text.strip():
        raise ConfigError([f"{shown}: is empty; copy config.ini.example to it and fill it in"])
    return text


class _Bad(Exception):
    """The sentence about one value that cannot be taken."""


def _uuid(value: str) -> str:
    try:
        if len(value) != 36:
            raise ValueError
        found = str(UUID(value))
        if _PLACEHOLDER.match(found):
            raise _Bad(f"{quote(value)} is the one in config.ini.example; put your own in its place")
        return found
    except ValueError:
        raise _Bad(
            f"{quote(value)} is not a UUID such as 01234567-89ab-4cde-8f01-23456789abcd; "
            "copy it from the application's or collection's page in the Globus web app"
        ) from None


def _path(value: str) -> str:
    if any(is_unprintable(char) for char in value):
        raise _Bad(f"{quote(value)} holds a control or invisible character")
    if value.startswith('"') or (len(value) > 1 and value[0] == value[-1] == "'"):
        raise _Bad(f"{quote(value)} stands in quotes; write the path without them, and comments on lines of their own")
    if re.match(r"[A-Za-z]:|\\", value):
        raise _Bad(f"{quote(value)} is written as on Windows; Globus has / in it, and /C/data for C:\\data")
    parts = value.split("/")
    if ".." in parts:
        raise _Bad(f"{quote(value)} holds '..'; write the directory's own path")
    if "." in parts:
        raise _Bad(f"{quote(value)} holds '.'; write the directory's own path")
    if "//" in value:
        raise _Bad(f"{quote(value)} holds '//'; a name is missing between the slashes")
    return "/" + value.strip("/")


def _sync_level(value: str) -> SyncLevel:
    try:
        return SyncLevel[value.upper()]
    except KeyError:
        levels = [level.name.lower() for level in SyncLevel]
        raise _Bad(f"{quote(value)} is not one of {', '.join(levels)}{_suggestion(value, levels)}") from None


def _minutes(value: str) -> timedelta:
    most = int(_LONGEST_TIME / timedelta(minutes=1))
    if not re.fullmatch(r"[0-9]{1,20}", value) or not 0 < int(value) <= most:
        raise _Bad(f"{quote(value)} is not a whole number of minutes from 1 to {most}")
    return timedelta(minutes=int(value))


def _age(value: str) -> timedelta:
    units = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    match = re.fullmatch(r"([0-9]{1,6})\s*([mhdw])", value, re.ASCII)
    if match and int(match[1]) > 0:
        age = timedelta(**{units[match[2]]: int(match[1])})
        if age <= _LONGEST_TIME:
            return age
    raise _Bad(f"{quote(value)} is not an age such as 90m, 36h, 2d or 1w")


def _patterns(value: str) -> tuple[str, ...]:
    patterns = _list(value)
    for pattern in patterns:
        if not pattern.strip("*"):
            raise _Bad(f"{quote(pattern)} leaves out everything")
        if "/" in pattern[:-1] or pattern == "/":
            raise _Bad(
                f"{quote(pattern)} is a path; a pattern is compared with the names of files and directories, "
                "and a slash may stand only at its end, for directories"
            )
    return patterns


def _addresses(value: str) -> tuple[str, ...]:
    addresses = _list(value)
    for address in addresses:
        if not re.fullmatch(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+", address):
            raise _Bad(f"{quote(address)} is not a mail address such as lab@example.org")
        if "=?" in address:
            raise _Bad(f"{quote(address)} holds '=?', which mail programs take for something else")
    return addresses


def _address(value: str) -> str:
    (address, *more) = _addresses(value)
    if more:
        raise _Bad(f"{quote(value)} is more than one mail address")
    return address


def _port(value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) < 65536:
        raise _Bad(f"{quote(value)} is not a port such as 587")
    return int(value)


def _tls(value: str) -> str:
    if value.lower() not in _MAIL_PORTS:
        raise _Bad(f"{quote(value)} is not one of {', '.join(_MAIL_PORTS)}{_suggestion(value.lower(), _MAIL_PORTS)}")
    return value.lower()


def _word(value: str) -> str:
    if any(is_unprintable(char) or char.isspace() for char in value):
        raise _Bad(f"{quote(value)} holds a blank or an invisible character")
    return value


def _list(value: str) -> tuple[str, ...]:
    if any(is_unprintable(char) for char in value if char != "\n"):
        raise _Bad(f"{quote(value)} holds a control or invisible character")
    return tuple(part for part in (piece.strip() for piece in re.split(r"[,\n]", value)) if part)


def _never_delete(value: str) -> None:
    if value.lower() not in ("false", "no", "off", "0"):
        raise _Bad(
            "this tool never deletes: it only reads the source, so the files of a finished transfer cannot be "
            "removed there; take the line out, and remove old source files yourself once the copy is checked"
        )


_GLOBUS: dict[str, Callable[[str], Any]] = {"clientid": _uuid}
_SCHEDULE: dict[str, Callable[[str], Any]] = {"timelimitmins": _minutes}
_MAIL_PORTS = {"none": 25, "starttls": 587, "tls": 465}
_THIS_HOST = re.compile(r"localhost|127(\.[0-9]{1,3}){3}|::1")
_NOTIFICATION: dict[str, Callable[[str], Any]] = {
    "email": _addresses,
    "smtp_host": _word,
    "smtp_port": _port,
    "smtp_tls": _tls,
    "smtp_user": _word,
    "smtp_password_file": lambda value: Path(value),
    "from": _address,
}
_OLD_EMAIL: dict[str, Callable[[str], Any]] = {"recipients": _addresses}
_PAIR: dict[str, Callable[[str], Any]] = {
    "src_endpoint": _uuid,
    "src_path": _path,
    "dst_endpoint": _uuid,
    "dst_path": _path,
    "sync_level": _sync_level,
    "timelimitmins": _minutes,
    "max_age": _age,
    "exclude": _patterns,
    "email": _addresses,
    "delete": _never_delete,
}
_PAIR_REQUIRED = ("src_endpoint", "dst_endpoint")
_FIXED = {"globus": _GLOBUS, "schedule": _SCHEDULE, "notification": _NOTIFICATION, "email": _OLD_EMAIL}
_KEEP_SECRETS_OUT = "; a secret does not belong here but in the secret file: if others could read it, make a new one"
_MAY_BE_EMPTY = ("email", "recipients", "exclude")

CONFIG_KEYS = {**{section: tuple(keys) for section, keys in _FIXED.items()}, "pair": tuple(_PAIR)}


class _Reader:
    """Turns sections into a Config and gathers what is wrong with them in ``problems`` on the way."""

    def __init__(self, sections: list[Section], problems: list[tuple[int, str]]) -> None:
        self._sections = sections
        self._problems = problems

    def config(self, path: Path) -> Config:
        fixed: dict[str, dict[str, Any]] = {name: {} for name in _FIXED}
        defaults = Section("DEFAULT", 0)
        pair_sections: list[Section] = []
        for section in self._sections:
            if section.name in _FIXED:
                fixed[section.name] = self._values(section, section.entries, _FIXED[section.name])
            elif section.name == "DEFAULT":
                defaults = section
            else:
                pair_sections.append(section)
        default_values = self._values(defaults, defaults.entries, _PAIR)
        self._require_client_id(fixed["globus"])
        pairs = []
        for section in pair_sections:
            given = self._values(section, section.entries, _PAIR)
            pair = self._pair(section, {**default_values, **given}, fixed["schedule"].get("timelimitmins"))
            if pair:
                pairs.append((section.line, pair))
        if not pair_sections:
            self._problems.append(
                (0, "has no pair; add a section such as [microscope] with src_endpoint and dst_endpoint")
            )
        self._problems.extend(find_conflicts(pairs))
        return Config(
            path=path,
            client_id=fixed["globus"].get("clientid", ""),
            pairs=tuple(pair for _, pair in pairs),
            email=(fixed["notification"].get("email") or ()) + (fixed["email"].get("recipients") or ()),
            mail=self._mail(path, fixed["notification"]),
        )

    def _mail(self, path: Path, values: dict[str, Any]) -> MailServer:
        section = next((section for section in self._sections if section.name == "notification"), None)
        lines = {entry.key: entry.line for entry in section.entries} if section else {}
        for given, wanted in (("smtp_user", "smtp_password_file"), ("smtp_password_file", "smtp_user")):
            if given in values and wanted not in values:
                self._problem(lines[given], f"[notification] {given}: {wanted} is missing; give both or none")
        host, tls = values.get("smtp_host") or "localhost", values.get("smtp_tls") or "none"
        if "smtp_user" in values and tls == "none" and not _THIS_HOST.fullmatch(host):
            self._problem(
                lines["smtp_user"],
                "[notification] smtp_user: the password would cross the network in the clear; set smtp_tls to starttls "
                "or tls",
            )
        file = values.get("smtp_password_file")
        try:
            file = file and path.parent / file.expanduser()
        except RuntimeError:
            file = None
            self._problem(lines["smtp_password_file"], "[notification] smtp_password_file: no such home directory")
        return MailServer(
            host=host,
            port=values.get("smtp_port") or _MAIL_PORTS[tls],
            tls=tls,
            user=values.get("smtp_user") or "",
            password_file=file or None,
            sender=values.get("from") or "",
        )

    def _values(self, section: Section, entries: list[Entry], keys: dict[str, Callable[[str], Any]]) -> dict[str, Any]:
        """Return key -> converted value; a value that cannot be taken is a problem and stays as None."""
        values: dict[str, Any] = {}
        for entry in entries:
            where = f"[{sanitize(section.name)}] {sanitize(entry.key)}"
            if entry.key not in keys:
                if not self._is_lost_section(section):
                    is_secret = entry.key in ("secret", "clientsecret", "client_secret")
                    hint = _KEEP_SECRETS_OUT if is_secret else _suggestion(entry.key, keys)
                    self._problem(entry.line, f"{where}: unknown key{hint}")
                continue
            values.setdefault(entry.key, None)
            if not entry.value and entry.key not in _MAY_BE_EMPTY:
                self._problem(entry.line, f"{where}: has no value; give it one or take the line out")
                continue
            try:
                values[entry.key] = keys[entry.key](entry.value)
            except _Bad as bad:
                self._problem(entry.line, f"{where}: {bad}")
        return values

    def _require_client_id(self, values: dict[str, Any]) -> None:
        if "clientid" not in values:
            line = next((section.line for section in self._sections if section.name == "globus"), 0)
            self._problem(line, "[globus] clientid is missing: the UUID of the application registered at Globus")

    def _pair(self, section: Section, values: dict[str, Any], time_limit: timedelta | None) -> Pair | None:
        name = section.name
        if self._is_lost_section(section):
            self._problem(section.line, f"[{sanitize(name)}]: unknown section{_suggestion(name.lower(), _FIXED)}")
            return None
        if any(is_unprintable(char) for char in name):
            self._problem(section.line, f"[{sanitize(name)}]: the name holds a control or invisible character")
        missing = [key for key in _PAIR_REQUIRED if key not in values]
        if missing:
            self._problem(
                section.line,
                f"[{sanitize(name)}]: {' and '.join(missing)} missing; a pair needs "
                "src_endpoint and dst_endpoint, the collections' UUIDs",
            )
        source_path = values.get("src_path", "/")
        destination_path = values.get("dst_path", source_path)
        if missing or None in (values["src_endpoint"], values["dst_endpoint"], source_path, destination_path):
            return None
        sync_level = values.get("sync_level")
        return Pair(
            name=name,
            source=Directory(collection=values["src_endpoint"], path=source_path),
            destination=Directory(collection=values["dst_endpoint"], path=destination_path),
            sync_level=SyncLevel.CHECKSUM if sync_level is None else sync_level,
            time_limit=values.get("timelimitmins") or time_limit,
            max_age=values.get("max_age"),
            exclude=values.get("exclude") or (),
            email=values.get("email") or (),
        )

    def _is_lost_section(self, section: Section) -> bool:
        """Return whether this is a fixed section under a slightly wrong name rather than a pair."""
        close = difflib.get_close_matches(section.name.lower(), _FIXED, n=1, cutoff=0.8)
        own_keys = {entry.key for entry in section.entries}
        return bool(close) and section.name not in _FIXED and not own_keys & {"src_endpoint", "dst_endpoint"}

    def _problem(self, line: int, sentence: str) -> None:
        self._problems.append((line, sentence))


def _suggestion(word: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(word, known, n=1)
    return f"; did you mean {close[0]}?" if close else ""


def find_conflicts(pairs: list[tuple[int, Pair]]) -> list[tuple[int, str]]:
    """
    Return the problems of pairs that would undo each other's work, as (line, sentence).

    On one collection: a destination that overlaps its own source, a destination equal to or inside another pair's,
    and pairs that feed each other in a circle.
    """
    problems = []
    for position, (line, pair) in enumerate(pairs):
        name = sanitize(pair.name)
        if pair.source.overlaps(pair.destination):
            problems.append(
                (
                    line,
                    f"[{name}]: its destination {pair.destination.path} is equal to, inside or "
                    f"around its own source {pair.source.path} on the same collection",
                )
            )
        for _, other in pairs[:position]:
            if pair.destination.overlaps(other.destination):
                problems.append(
                    (
                        line,
                        f"[{name}]: its destination {pair.destination.path} is equal to, inside or "
                        f"around that of [{sanitize(other.name)}], {other.destination.path}, on the same "
                        "collection; each pair needs a directory of its own",
                    )
                )
    circle = _circle([(line, pair) for line, pair in pairs if not pair.source.overlaps(pair.destination)])
    if circle:
        names = " -> ".join(f"[{sanitize(pair.name)}]" for _, pair in [*circle, circle[0]])
        problems.append(
            (
                circle[0][0],
                f"[{sanitize(circle[0][1].name)}]: the pairs copy in a circle: {names}; take one of them out",
            )
        )
    return problems


def _circle(pairs: list[tuple[int, Pair]]) -> list[tuple[int, Pair]]:
    """Return the pairs of one circle in which each reads what the one before it wrote; empty if there is none."""
    written_before = {
        index: [
            before
            for before, (_, writer) in enumerate(pairs)
            if before != index and writer.destination.overlaps(reader.source)
        ]
        for index, (_, reader) in enumerate(pairs)
    }
    try:
        TopologicalSorter(written_before).prepare()
    except CycleError as error:
        return [pairs[index] for index in error.args[1][:-1]]
    return []
