"""The sections and keys of config.ini. A new key begins with a line here; ``parse`` or ``pairs`` then uses it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from globus_sync_directory.config import values

_Value = TypeVar("_Value", covariant=True)


@dataclass(frozen=True)
class Key(Generic[_Value]):
    """
    A key, and what makes its value from text (raises BadValue).

    ``is_list``: the value may be empty and may continue on indented lines.
    """

    name: str
    convert: Callable[[str], _Value]
    is_list: bool = False


CLIENT_ID = Key("clientid", values.uuid)

TIME_LIMIT = Key("timelimitmins", values.minutes)

EMAIL = Key("email", values.addresses, is_list=True)
SMTP_HOST = Key("smtp_host", values.word)
SMTP_PORT = Key("smtp_port", values.port)
SMTP_TLS = Key("smtp_tls", values.tls)
SMTP_USER = Key("smtp_user", values.word)
SMTP_PASSWORD_FILE = Key("smtp_password_file", values.file)
SENDER = Key("from", values.one_address)

RECIPIENTS = Key("recipients", values.addresses, is_list=True)

SOURCE_COLLECTION = Key("src_endpoint", values.uuid)
SOURCE_PATH = Key("src_path", values.path)
DESTINATION_COLLECTION = Key("dst_endpoint", values.uuid)
DESTINATION_PATH = Key("dst_path", values.path)
SYNC_LEVEL = Key("sync_level", values.sync_level)
MAX_AGE = Key("max_age", values.age)
EXCLUDE = Key("exclude", values.patterns, is_list=True)
DELETE = Key("delete", values.never_delete)

Keys = Mapping[str, Key[Any]]


def _by_name(*keys: Key[Any]) -> Keys:
    return {key.name: key for key in keys}


FIXED_SECTIONS: Mapping[str, Keys] = {
    "globus": _by_name(CLIENT_ID),
    "schedule": _by_name(TIME_LIMIT),
    "notification": _by_name(EMAIL, SMTP_HOST, SMTP_PORT, SMTP_TLS, SMTP_USER, SMTP_PASSWORD_FILE, SENDER),
    "email": _by_name(RECIPIENTS),  # the older spelling of [notification] email
}
DEFAULT_SECTION = "DEFAULT"  # serves the pairs
PAIR_KEYS = _by_name(
    SOURCE_COLLECTION,
    SOURCE_PATH,
    DESTINATION_COLLECTION,
    DESTINATION_PATH,
    SYNC_LEVEL,
    TIME_LIMIT,
    MAX_AGE,
    EXCLUDE,
    EMAIL,
    DELETE,
)

CONFIG_KEYS: Mapping[str, tuple[str, ...]] = {
    **{section: tuple(keys) for section, keys in FIXED_SECTIONS.items()},
    "pair": tuple(PAIR_KEYS),
}
ALL_KEYS = frozenset(key for keys in CONFIG_KEYS.values() for key in keys)
