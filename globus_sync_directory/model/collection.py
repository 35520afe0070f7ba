"""A Globus collection as this tool uses it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Collection:
    """What Globus says of a collection; ``is_connected`` is None where that does not apply."""

    collection_id: str
    name: str
    kind: str  # Globus' entity_type
    owner: str  # the name of a user, or of an application
    is_connected: bool | None
