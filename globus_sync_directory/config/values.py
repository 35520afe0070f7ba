"""One value of config.ini, as text -> the value as the program uses it. Each converter raises BadValue."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote
from uuid import UUID

from globus_sync_directory.config.problems import looks_like_client_secret
from globus_sync_directory.model.pair import SyncLevel
from globus_sync_directory.text import is_unprintable, quote

MOVE_SECRET = "move the secret to the secret file; if other users could read this file, create a new secret"  # noqa: S105
MAIL_PORTS = {"none": 25, "starttls": 587, "tls": 465}
_PLACEHOLDER = re.compile("00000000-(aaaa|bbbb|cccc)-4000-8000-")  # those of config.ini.example
_LONGEST_TIME = timedelta(days=3650)
_DOUBLE_QUOTES = '"“”„'
_SINGLE_QUOTES = "'‘’"
_WINDOWS_PATH = re.compile(r"(?P<drive>[A-Za-z]):[/\\]*(?P<rest>.*)")
_WITH_COLLECTION = re.compile(r"(?:[0-9A-Fa-f-]{36}:|[^/]+:(?=[/~]))(?P<path>.*)")
_VARIABLE = re.compile(r"\$\{?[A-Za-z_]\w*\}?")
_SHARED_DISKS = {"export", "gpfs", "lustre", "media", "mnt", "nesi", "scratch", "volumes"}
_LOCAL_TOPS = {"home", "opt", "root", "srv", "tmp", "users", "usr", "var"} | _SHARED_DISKS


class BadValue(Exception):
    """The sentence about one value that cannot be used."""


def uuid(value: str) -> str:
    """Return a UUID in lower case."""
    if looks_like_client_secret(value):
        raise BadValue(f"this looks like the client secret; {MOVE_SECRET}")
    try:
        found = str(UUID(value)) if len(value) == 36 else ""
    except ValueError:
        found = ""
    if not found:
        raise BadValue(
            f"{quote(value)} is not a UUID such as 01234567-89ab-4cde-8f01-23456789abcd; "
            "copy it from the page of the application or collection in the Globus web app"
        )
    if _PLACEHOLDER.match(found):
        raise BadValue(f"{quote(value)} is the placeholder from config.ini.example; replace it with your own")
    return found


def path(value: str) -> str:
    """Return the absolute path of a directory on a collection, without a slash at its end."""
    _reject_unprintable(value)
    if value[0] in _DOUBLE_QUOTES:
        inner = re.split(f"[{_DOUBLE_QUOTES}]", value[1:])[0]
        raise BadValue(f"remove the quotes around {quote(inner)}")
    _reject_foreign_path(value)
    for bad in ("..", "."):
        if bad in value.split("/"):
            raise BadValue(f"{quote(value)} contains {quote(bad)}; write the full path of the directory")
    if "//" in value:
        raise BadValue(f"{quote(value)} contains '//'; a name is missing between the slashes")
    return "/" + value.strip("/")


def _reject_foreign_path(value: str) -> None:
    """Reject what a shell, a web browser, Windows or the Globus command line would read as a path."""
    if value.startswith("\\"):
        raise BadValue(f"{quote(value)} is a Windows path; Globus paths start at the top of the collection and use '/'")
    if windows := _WINDOWS_PATH.fullmatch(value):
        rest = windows["rest"].replace("\\", "/")
        raise BadValue(f"{quote(value)} is a Windows path; write {quote('/' + windows['drive'] + '/' + rest)}")
    if prefixed := _WITH_COLLECTION.fullmatch(value):
        raise BadValue(
            f"{quote(value)} starts with a collection; write only the path, {quote(prefixed['path'] or '/')}"
        )
    if variable := _VARIABLE.search(value):
        raise BadValue(f"{quote(value)} contains the variable {quote(variable[0])}; write the full path instead")
    try:
        decoded = unquote(value, errors="strict")
    except UnicodeDecodeError:
        decoded = value  # no encoding of any text: plain percent signs
    if decoded != value:
        raise BadValue(f"{quote(value)} is percent-encoded, as in a web address; write {quote(decoded)}")


def looks_like_local_path(path: str) -> bool:
    """
    Return whether ``path`` looks like one on a computer's own disk, such as ``/home/...`` or ``/nesi/project/...``.

    Nobody can know: a collection may contain such a directory. It only makes one mistake likely.
    """
    top = path.lower().split("/")[1:2]
    return bool(top) and (top[0] in _LOCAL_TOPS or top[0].startswith("scale_"))


def sync_level(value: str) -> SyncLevel:
    """Return the level with this name, in upper or lower case."""
    return SyncLevel[_one_of(value, [level.name.lower() for level in SyncLevel]).upper()]


def minutes(value: str) -> timedelta:
    """Return a whole number of minutes, at least one."""
    most = int(_LONGEST_TIME / timedelta(minutes=1))
    if not re.fullmatch(r"[0-9]{1,20}", value) or not 0 < int(value) <= most:
        raise BadValue(f"{quote(value)} is not a whole number of minutes from 1 to {most}")
    return timedelta(minutes=int(value))


def age(value: str) -> timedelta:
    """Return a number of minutes, hours, days or weeks, at least one."""
    units = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
    match = re.fullmatch(r"([0-9]{1,6})\s*([mhdw])", value, re.ASCII)
    if match and int(match[1]) > 0:
        found = timedelta(**{units[match[2]]: int(match[1])})
        if found <= _LONGEST_TIME:
            return found
    raise BadValue(f"{quote(value)} is not an age such as 90m, 36h, 2d or 1w")


def patterns(value: str) -> tuple[str, ...]:
    """Return patterns for the names of files and directories."""
    found = _items(value)
    for pattern in found:
        if "*" in pattern and not pattern.strip("*?"):
            raise BadValue(f"{quote(pattern)} excludes everything")
        if "/" in pattern[:-1] or pattern == "/":
            raise BadValue(
                f"{quote(pattern)} is a path; a pattern is the name of files or directories, "
                "and '/' may only be at its end, for directories"
            )
    return found


def addresses(value: str) -> tuple[str, ...]:
    """Return mail addresses."""
    found = _items(value)
    for address in found:
        if not re.fullmatch(r"[^\s@<>,;:\"()\[\]\\]+@[^\s@<>,;:\"()\[\]\\]+", address):
            raise BadValue(f"{quote(address)} is not a mail address such as lab@example.org")
        if "=?" in address:
            raise BadValue(f"{quote(address)} contains '=?', which mail programs do not show as it is")
    return found


def one_address(value: str) -> str:
    """Return the only mail address."""
    found = addresses(value)
    if len(found) != 1:
        raise BadValue(f"{quote(value)} is not exactly one mail address")
    return found[0]


def port(value: str) -> int:
    """Return the number of a port."""
    if not re.fullmatch(r"[0-9]{1,5}", value) or not 0 < int(value) < 65536:
        raise BadValue(f"{quote(value)} is not a port number such as 587")
    return int(value)


def tls(value: str) -> str:
    """Return how the mail server is spoken to: none, starttls or tls."""
    return _one_of(value, MAIL_PORTS)


def word(value: str) -> str:
    """Return text without blanks."""
    _reject_unprintable(value)
    if re.search(r"\s", value):
        raise BadValue(f"{quote(value)} contains a blank")
    return value


def file(value: str) -> Path:
    """Return the path of a file of this host; a leading ``~`` is a home directory."""
    _reject_unprintable(value)
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise BadValue(f"{quote(value)}: no such home directory") from None


def never_delete(value: str) -> None:
    """Accept only what means no."""
    if value.lower() not in ("false", "no", "off", "0"):
        raise BadValue(
            "this tool never deletes: it only reads the source; remove this line, "
            "and delete old source files yourself after you have checked the copy"
        )


def without_quotes(value: str) -> str | None:
    """Return what is between the quotes around ``value``, straight or curly; None without quotes."""
    for quotes in (_DOUBLE_QUOTES, _SINGLE_QUOTES):
        if len(value) > 1 and value[0] in quotes and value[-1] in quotes:
            return value[1:-1]
    return None


def reject_quotes(value: str) -> None:
    """Raise BadValue for a value in quotes."""
    inner = without_quotes(value)
    if inner is not None:
        raise BadValue(f"remove the quotes around {quote(inner)}")


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the end of a sentence: the known word that is meant, or nothing where none is close."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]}?" if close else ""


def _one_of(value: str, known: Iterable[str]) -> str:
    if value.lower() not in known:
        raise BadValue(f"{quote(value)} is not one of {', '.join(known)}{suggestion(value.lower(), known)}")
    return value.lower()


def _items(value: str) -> tuple[str, ...]:
    """Return the parts of a list: between commas, and on lines of their own."""
    found = tuple(part for part in (piece.strip() for piece in re.split(r"[,\n]", value)) if part)
    for item in found:
        _reject_unprintable(item)
        reject_quotes(item)
    return found


def _reject_unprintable(value: str) -> None:
    if any(is_unprintable(char) for char in value):
        raise BadValue(f"{quote(value)} contains a control character or an invisible character")
