"""The state that all parts of the service share: the clock, the behaviour, and the collections."""

import uuid
from collections.abc import Mapping
from os import PathLike, fsencode, path

from ..behaviour import Behaviour
from ..clock import Clock
from .collection import GUEST, Collection, PauseRule
from .errors import (
    BeingMigrated,
    CollectionDeleted,
    CollectionNotShared,
    ConsentRequired,
    HostDeleted,
    NoPermission,
    PolicyNotMet,
    UnknownCollection,
)

OWNER = "6d7bd1c4-5a3e-4c1b-9f0e-0a51d0c2e8f7"  # an invented person who owns every collection


class Service:
    """One imitated Globus; ``behaviour`` may be replaced at any time."""

    def __init__(self, clock: Clock, behaviour: Behaviour) -> None:
        self.clock = clock
        self.behaviour = behaviour
        self.collections: dict[str, Collection] = {}

    def add_collection(
        self,
        root: str | PathLike[str],
        name: str = "Collection",
        id: str | None = None,
        entity_type: str = GUEST,
        permissions: Mapping[str, str] | None = None,
    ) -> Collection:
        """
        Add and return a collection of the files below ``root``; an id that is not given is made up.

        ``permissions`` maps identities to "r" or "rw"; without them the collection is shared with nobody.
        Raises NotADirectoryError, and ValueError for another permission.
        """
        if not path.isdir(root):
            raise NotADirectoryError(f"no such directory: {root}")
        permissions = permissions or {}
        if wrong := set(permissions.values()) - {"r", "rw"}:
            raise ValueError(f"a permission is r or rw, not {', '.join(wrong)}")
        collection = Collection(
            id=str(uuid.UUID(id) if id else uuid.uuid4()),
            root=path.realpath(fsencode(root)),
            name=name,
            entity_type=entity_type,
            owner_id=OWNER,
            rules={(identity, ()): permission for identity, permission in permissions.items()},
        )
        self.collections[collection.id] = collection
        return collection

    def set_pause(self, collection_id: str, message: str | None) -> None:
        """Set the pause rule of a collection, or remove its rules if there is no message. Raises KeyError."""
        self.collections[collection_id].pause_rules[:] = [PauseRule(message)] if message else []

    def find_collection(self, collection_id: str, identity: str) -> Collection:
        """Return a collection that is shared with ``identity``. Raises ServiceError."""
        collection = self.collections.get(collection_id)
        if collection is None:
            raise UnknownCollection(collection_id)
        if collection.deleted:
            raise CollectionDeleted(collection_id)
        if not collection.is_shared_with(identity):
            raise CollectionNotShared
        return collection

    def use_collection(self, collection_id: str, identity: str) -> Collection:
        """Return a collection whose data ``identity`` may ask for. Raises ServiceError, also for consent and policy."""
        try:
            collection = self.find_collection(collection_id, identity)
        except CollectionNotShared:
            raise NoPermission(collection_id) from None
        if collection.host_deleted:
            raise HostDeleted(collection.label)
        if collection.migrating:
            raise BeingMigrated(collection.label)
        if collection.needs_consent and identity not in collection.consents:
            raise ConsentRequired(collection_id)
        if collection.authentication_policy_id:
            raise PolicyNotMet(collection.authentication_policy_id)
        return collection
