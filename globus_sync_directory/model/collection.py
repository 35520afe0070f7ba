"""A Globus collection as this tool uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from globus_sync_directory.text import quote


@dataclass(frozen=True, kw_only=True)
class Collection:
    """
    What Globus says of a collection.

    ``is_connected`` is None except for Globus Connect Personal. ``without_verification``: no copy from or to it is
    verified by checksum, whatever a task asks for. ``unused_days``: Globus deletes the guest collections of this mapped
    collection, or this guest collection, when nobody has used them for so many days; 0 if it does not.
    """

    collection_id: str
    name: str
    kind: str = ""  # Globus' entity_type
    owner: str = ""  # the name of a user, or of an application
    is_connected: bool | None = None
    without_verification: bool = False
    always_encrypts: bool = False
    unused_days: int = 0


def with_names(sentence: str, names: Mapping[str, str]) -> str:
    """Return ``sentence`` with the name of each collection before its id; ``names`` are the names by id."""
    for collection, name in names.items():
        if collection and name not in ("", collection):
            sentence = sentence.replace(f"collection {collection}", f"collection {quote(name)} ({collection})")
    return sentence
