"""Collections, and who may do what on which path."""

import uuid
from dataclasses import dataclass, field

from ..storage import Parts, StorageError, join_path, path_not_allowed

GUEST = "GCSv5_guest_collection"
MAPPED = "GCSv5_mapped_collection"
ENTITY_TYPES = (GUEST, MAPPED, "GCP_guest_collection", "GCP_mapped_collection")


@dataclass(frozen=True)
class PauseRule:
    """A manager's rule that pauses ``operations`` on a collection for everybody."""

    message: str
    operations: frozenset[str] = frozenset({"task_delete", "task_transfer_read", "task_transfer_write"})
    id: str = field(default_factory=lambda: str(uuid.uuid4()))


@dataclass(kw_only=True)
class Collection:
    """One collection. A test changes its fields to take it offline, to fill its disk, and so on."""

    id: str
    root: bytes
    name: str
    entity_type: str = GUEST
    owner_id: str
    host_id: str = field(default_factory=lambda: str(uuid.uuid4()))  # the collection behind a guest collection
    online: bool = True
    deleted: bool = False
    host_deleted: bool = False  # the collection behind this guest collection has been deleted
    migrating: bool = False  # it is being moved to another server
    login_failure: str | None = None  # what its server says at every login: LOGIN_DENIED, ENDPOINT_ERROR, ...
    full: bool = False  # every write and every mkdir exceeds the quota
    high_assurance: bool = False
    authentication_policy_id: str | None = None  # a policy that no application meets
    disable_verify: bool = False  # this and the next two only appear in its description
    force_encryption: bool = False
    auto_delete_timeout: int | None = None  # days
    consents: set[str] = field(default_factory=set)  # identities that gave their data_access consent
    unreadable: set[str] = field(default_factory=set)  # paths that the local permissions do not let anybody read
    wrong_checksums: int = 0  # how many of the next verifications fail
    changing_files: int = 0  # how many of the next files copied from here change during the copy
    pause_rules: list[PauseRule] = field(default_factory=list)
    list_limit: int = 100_000
    rules: dict[tuple[str, Parts], str] = field(default_factory=dict)  # "", "r" or "rw" by identity and path

    @property
    def label(self) -> str:
        """Name and id, as messages have them."""
        return f"{self.name} ({self.id})"

    @property
    def is_personal(self) -> bool:
        return self.entity_type.startswith("GCP_")

    @property
    def is_guest(self) -> bool:
        return self.entity_type.endswith("guest_collection")

    @property
    def needs_consent(self) -> bool:
        """Whether Transfer needs a data_access consent. Source: SDK user guide, "Detecting data_access"."""
        return self.entity_type == MAPPED and not self.high_assurance

    def is_shared_with(self, identity: str) -> bool:
        return identity == self.owner_id or any(holder == identity for holder, _ in self.rules)

    def permissions(self, identity: str, path: Parts) -> str:
        """Return "", "r" or "rw": the rule with the longest matching path decides."""
        for length in range(len(path), -1, -1):
            found = self.rules.get((identity, path[:length]))
            if found is not None:
                return found
        return "rw" if identity == self.owner_id else ""

    def check(self, identity: str, path: Parts, wanted: str) -> None:
        """Raise StorageError if ``identity`` may not read ("r") or write ("w") the path."""
        if wanted not in self.permissions(identity, path):
            raise path_not_allowed()
        if (
            wanted == "r"
            and self.unreadable
            and not self.unreadable.isdisjoint(join_path(path[:length]) for length in range(len(path) + 1))
        ):
            raise StorageError("PERMISSION_DENIED")
