"""A valid submission of a transfer or a delete, as the service works on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ..storage import Parts


@dataclass(frozen=True, kw_only=True)
class Item:
    """One source and destination of a transfer, or one path (``source``) of a delete."""

    source: Parts
    destination: Parts = ()
    recursive: bool | None = None
    external_checksum: str | None = None
    checksum_algorithm: str = "MD5"


@dataclass(frozen=True, kw_only=True)
class Submission:
    """``options`` has the booleans and texts as submitted, without absent ones; ``body`` is the whole document."""

    kind: str  # "transfer" or "delete"
    submission_id: str
    label: str | None
    deadline: datetime | None
    source: str
    destination: str | None
    items: tuple[Item, ...]
    filter_rules: list[dict[str, Any]] | None  # the first rule that matches a name decides
    sync_level: int | None
    options: Mapping[str, Any] = field(repr=False)
    body: Mapping[str, Any] = field(repr=False)

    def paths(self) -> tuple[str, str | None, frozenset[tuple[Parts, Parts]]]:
        """Return what is equal for two transfers with identical paths."""
        return self.source, self.destination, frozenset((item.source, item.destination) for item in self.items)
