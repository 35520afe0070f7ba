"""Which collections there are and who may reach them; what stops a caller before any path is looked at."""

from dataclasses import dataclass, field

from .documents import TRANSFER_SCOPE, ApiError
from .storage import Collection


def data_access_scope(collection_id: str) -> str:
    return f"https://auth.globus.org/scopes/{collection_id}/data_access"


@dataclass
class Access:
    """The collections by id, and the (identity, collection id) pairs with a data_access consent."""

    collections: dict[str, Collection] = field(default_factory=dict)
    consents: set[tuple[str, str]] = field(default_factory=set)

    def find(self, collection_id: str, identity: str) -> Collection:
        """Return a collection that ``identity`` knows of; raises ApiError 404 or 403."""
        collection = self.collections.get(collection_id)
        if collection is None:
            raise ApiError(404, "EndpointNotFound", f"No such endpoint '{collection_id}'")
        if collection.deleted:
            raise ApiError(404, "EndpointDeleted", f"Endpoint '{collection_id}' has been deleted")
        if not collection.known_to(identity):
            raise ApiError(403, "PermissionDenied", f"You do not have permission on endpoint '{collection_id}'")
        return collection

    def use(self, collection_id: str, identity: str) -> Collection:
        """Return a collection whose data ``identity`` may ask for; raises ApiError, also for consents and policies."""
        collection = self.find(collection_id, identity)
        if collection.needs_consent and (identity, collection_id) not in self.consents:
            message = "Missing required data_access consent"
            scopes = [f"{TRANSFER_SCOPE}[*{data_access_scope(collection_id)}]"]
            raise ApiError(
                403, "ConsentRequired", message, required_scopes=scopes,
                authorization_parameters={"session_message": message, "required_scopes": scopes},
            )  # fmt: skip
        if collection.authentication_policy_id is not None:
            message = "Failing collection authentication policy"
            policies = collection.authentication_policy_id
            raise ApiError(
                403, "AuthPolicyFailed", message,
                authorization_parameters={"session_message": message, "session_required_policies": policies},
            )  # fmt: skip
        return collection


def disconnected(collection: Collection) -> ApiError:
    """Return the refusal for a Globus Connect Personal collection that is offline."""
    return ApiError(
        409, "GCDisconnectedException",
        f"The Globus Connect Personal endpoint '{collection.name} ({collection.id})' "
        "is not currently connected to Globus",
    )  # fmt: skip
