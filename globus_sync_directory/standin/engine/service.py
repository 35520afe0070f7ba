"""What all parts of a stand-in share: its clock, its behaviour, its collections, and who may reach these."""

from ..api.documents import TRANSFER_SCOPE, ApiError
from ..behaviour import Behaviour
from ..clock import Clock
from .collection import Collection


class Service:
    """One imitated Globus: its time, its ways, and its collections by id."""

    def __init__(self, clock: Clock, behaviour: Behaviour) -> None:
        self.clock = clock
        self.behaviour = behaviour
        self.collections: dict[str, Collection] = {}

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
        if collection.needs_consent and identity not in collection.consents:
            message = "Missing required data_access consent"
            scopes = [f"{TRANSFER_SCOPE}[*{data_access_scope(collection_id)}]"]
            required = {"session_message": message, "required_scopes": scopes}
            raise ApiError(403, "ConsentRequired", message, required_scopes=scopes, authorization_parameters=required)
        if policy := collection.authentication_policy_id:
            message = "Failing collection authentication policy"
            required = {"session_message": message, "session_required_policies": policy}
            raise ApiError(403, "AuthPolicyFailed", message, authorization_parameters=required)
        return collection


def data_access_scope(collection_id: str) -> str:
    return f"https://auth.globus.org/scopes/{collection_id}/data_access"


def disconnected(collection: Collection) -> ApiError:
    """Return the refusal for a Globus Connect Personal collection that is offline."""
    where = f"The Globus Connect Personal endpoint '{collection.name} ({collection.id})'"
    return ApiError(409, "GCDisconnectedException", f"{where} is not currently connected to Globus")
