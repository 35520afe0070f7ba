"""The sections and keys of config.ini, and the kinds of their values. A new key begins with a line in CONFIG_KEYS."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from globus_sync_directory.config.ini import Entry
from globus_sync_directory.model.pair import SyncLevel
from globus_sync_directory.text import is_unprintable, quote

MAIL_PORTS = {"none": 25, "starttls": 587, "tls": 465}
_UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
UUID_FORM = "[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_PORT = "[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]"  # 1 to 65535
_ADDRESS_PART = r"[^\s@<>,;:\"()\[\]\\]+"
# What programs encode: a character that is neither letter, digit nor one of -._~, or one that is not ASCII.
_ENCODED = "%(2[0-9A-CFa-cf]|3[A-Fa-f]|40|5[B-Eb-e]|60|7[B-Db-d]|[C-Fc-f][0-9A-Fa-f]%[89ABab][0-9A-Fa-f])"
_QUOTES = "\"“”„'‘’"
# Names with little in common: a pattern for most of them leaves hardly anything to copy.
_ANY_NAMES = (
    *("image_001.tif", "Scan 7b.CSV", "2026-11-24.h5", "zorro.log", "PXQ.txt", "data.nii"),
    *("run42.bam", "Kelp.jpg", "5.xml", "notes.pdf", "Final v2.docx", "wave.dat.gz"),
)


class BadValue(Exception):
    """A value that cannot be used; the text says why."""


@dataclass(frozen=True)
class Kind:
    """
    A kind of value: ``rules``: regular expressions that a value must match, each with what to say of others.

    ``make`` converts the text of a value. The items of a list are separated by commas or indented lines.
    """

    rules: Mapping[str, str]
    make: Callable[[str], Any] = str
    is_list: bool = False

    def convert(self, entry: Entry) -> Any:
        """Return the value of an entry, a tuple for a list. Raises BadValue."""
        if self.is_list:
            items = [item.strip() for line in entry.lines for item in line.split(",")]
            return tuple(self.convert_item(item) for item in items if item)
        if len(entry.lines) > 1:
            raise BadValue("an indented line continues the value; write the value on one line")
        if not entry.lines[0]:
            raise BadValue("no value; add one or remove the line")
        return self.convert_item(entry.lines[0])

    def convert_item(self, text: str) -> Any:
        """Return the value of this text. Raises BadValue."""
        comment = "; a comment needs a line of its own" if re.search(" [#;]", text) else ""
        if any(map(is_unprintable, text)):
            raise BadValue(f"{quote(text)} contains a control character or an invisible character")
        if re.fullmatch("[\"“”„].*|['‘’].*['‘’]", text):
            raise BadValue(f"remove the quotes around {quote(text.strip(_QUOTES))}{comment}")
        for rule, sentence in self.rules.items():
            if not re.fullmatch(rule, text):
                raise BadValue(f"{quote(text)} {sentence}{comment}")
        return self.make(text)


UUID = Kind(
    {
        UUID_FORM: "is not a UUID such as 01234567-89ab-4cde-8f01-23456789abcd; "
        "copy it from the page of the application or collection in the Globus web app",
        "(?!00000000-[a-cA-C]{4}-4000-8000-).*": "is the placeholder from config.ini.example; replace it with your own",
    },
    str.lower,
)
PATH = Kind(
    {
        r"(?![A-Za-z]:|\\).*": "is a Windows path; use '/', such as /C/data for C:\\data",
        r"(?![A-Za-z][A-Za-z0-9+.-]*://).*": "is an address; write only the path of the directory on the collection",
        f"(?!{UUID_FORM}:|[^/]+:[/~]).*": "starts with a collection; write only the path",
        r"(?!.*(\$\{?[A-Za-z_]|\{\{)|(.*[/\\])?%[A-Za-z_]\w*%([/\\]|$)).*": "contains a variable; "
        "write the full path instead",
        r"(?!.*(\$\(|`.*`)).*": "contains a command, which nothing runs; write the full path instead",
        rf"(?!.*{_ENCODED}).*": "is percent-encoded; "
        "write the characters themselves, such as a space for %20 and '/' for %2F",
        r"(?!.*\\).*": "contains a backslash; use '/' between names, and write a space as it is",
        r"(?!.*\*).*": "contains '*'; write only the directory, everything in it is copied",
        "(?!~[^/]).*": "is the home directory of another account; write its full path, or '~/' for your own",
        r"(?!(.*/)?\.\.?(/|$)).*": "contains '.' or '..'; write the full path of the directory",
        "(?!.*//).*": "contains '//'; a name is missing between the slashes",
    },
    lambda text: "/" + text.strip("/"),
)


def _pattern(text: str) -> str:
    """Return a pattern of the names to leave out. Raises BadValue for one that leaves hardly anything to copy."""
    if sum(fnmatchcase(name, text) for name in _ANY_NAMES) >= 0.75 * len(_ANY_NAMES):
        raise BadValue(f"{quote(text)} excludes everything, or nearly; write only what to leave out, such as *.tmp")
    return text


PATTERNS = Kind(
    {
        "[^/]+/?": "is a path; a pattern is the name of files or directories, "
        "and '/' may only be at its end, for directories",
    },
    _pattern,
    is_list=True,
)
SYNC_LEVEL = Kind(
    {"(?ai:exists|size|mtime|checksum)": "is not one of exists, size, mtime, checksum"},
    lambda text: SyncLevel[text.upper()],
)
MINUTES = Kind(
    {"[1-9][0-9]{0,6}": "is not a whole number of minutes from 1 to 9999999"},
    lambda text: timedelta(minutes=int(text)),
)
AGE = Kind(
    {"[1-9][0-9]{0,4} *[mhdw]": "is not an age such as 90m, 36h, 2d or 1w"},
    lambda text: int(text[:-1]) * _UNITS[text[-1]],
)
ADDRESS = Kind({rf"(?!.*=\?){_ADDRESS_PART}@{_ADDRESS_PART}": "is not a mail address such as lab@example.org"})
ADDRESSES = Kind(ADDRESS.rules, is_list=True)
PORT = Kind({_PORT: "is not a port number such as 587"}, int)
TLS = Kind({"(?ai:none|starttls|tls)": "is not one of none, starttls, tls"}, str.lower)
WORD = Kind({r"\S+": "contains a space"})
FILE = Kind({}, lambda text: Path(os.path.expanduser(text)))
YES_NO = Kind(
    {"(?i:true|yes|on|1|false|no|off|0)": "is neither true nor false"},
    lambda text: text.lower() in ("true", "yes", "on", "1"),
)
NEVER = Kind(
    {
        "(?i:false|no|off|0)": "is not possible: this tool never deletes, it only reads the source; remove this line, "
        "and delete old source files yourself after you have checked the copy"
    }
)

CONFIG_KEYS: Mapping[str, Mapping[str, Kind]] = {
    "globus": {"clientid": UUID},
    "schedule": {"timelimitmins": MINUTES},
    "notification": {
        "email": ADDRESSES,
        "smtp_host": WORD,
        "smtp_port": PORT,
        "smtp_tls": TLS,
        "smtp_user": WORD,
        "smtp_password_file": FILE,
        "from": ADDRESS,
    },
    "email": {"recipients": ADDRESSES},  # the older spelling of [notification] email
    "pair": {
        "src_endpoint": UUID,
        "src_path": PATH,
        "dst_endpoint": UUID,
        "dst_path": PATH,
        "sync_level": SYNC_LEVEL,
        "timelimitmins": MINUTES,
        "max_age": AGE,
        "exclude": PATTERNS,
        "email": ADDRESSES,
        "allow_empty": YES_NO,
        "delete": NEVER,
    },
}
