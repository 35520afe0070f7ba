"""The stand-in's own control URLs, apart from the imitated services: for a person with curl."""

from typing import Any

from flask import Blueprint, request

from .auth_api import Auth
from .clock import Clock, ManualClock
from .documents import ApiError, Document, bad_request
from .engine import Engine
from .faults import Fault, Faults
from .storage import Collection
from .submissions import read_json

COLLECTION_SWITCHES = ("online", "deleted", "full", "wrong_checksums")
_FAULT_TYPES: dict[str, type | tuple[type, ...]] = {
    "method": str, "path": str, "nth": int, "times": (int, type(None)), "when": str, "delay": (int, float), "cut": bool,
    "status": int, "code": str, "message": str, "body": object, "html": bool, "headers": dict, "truncate": int,
}  # fmt: skip


def control_api(
    collections: dict[str, Collection], engine: Engine, auth: Auth, faults: Faults, clock: Clock
) -> Blueprint:
    """
    Return the routes; with URL as the stand-in's own, and every answer the state they leave::

        curl URL/standin/
        curl URL/standin/faults -d '{"method": "POST", "path": "/v0.10/transfer", "status": 503}'
        curl URL/standin/faults -X DELETE
        curl URL/standin/collections/ID -d '{"online": false}'    # or deleted, full, {"wrong_checksums": 1}
        curl URL/standin/clock -d '{"advance": 3600}'             # seconds
        curl URL/standin/tokens -X DELETE
        curl URL/standin/hold -d '{"after_files": 1}'             # or '{}'
        curl URL/standin/hold -X DELETE
    """
    api = Blueprint("control", __name__, url_prefix="/standin")

    @api.get("/")
    def state() -> Document:
        return {
            "now": clock.now().isoformat(),
            "collections": {
                collection.id: {"name": collection.name}
                | {name: getattr(collection, name) for name in COLLECTION_SWITCHES}
                for collection in collections.values()
            },
            "tasks": {task.id: task.status for task in engine.tasks()},
        }

    @api.post("/faults")
    def add_fault() -> Document:
        faults.add(Fault(**_checked(_FAULT_TYPES)))
        return state()

    @api.delete("/faults")
    def clear_faults() -> Document:
        faults.clear()
        return state()

    @api.post("/collections/<collection_id>")
    def change_collection(collection_id: str) -> Document:
        collection = collections.get(collection_id)
        if collection is None:
            raise ApiError(404, "EndpointNotFound", f"No such endpoint '{collection_id}'")
        for name, value in _checked({name: type(getattr(collection, name)) for name in COLLECTION_SWITCHES}).items():
            setattr(collection, name, value)
        return state()

    @api.post("/clock")
    def advance() -> Document:
        seconds = _checked({"advance": (int, float)}).get("advance", 0)
        if not isinstance(clock, ManualClock):
            raise bad_request("This stand-in runs by the host's clock; start it with --manual-clock")
        if seconds < 0:
            raise bad_request("A clock does not run backwards")
        clock.advance(seconds)
        return state()

    @api.delete("/tokens")
    def revoke_tokens() -> Document:
        auth.revoke_tokens()
        return state()

    @api.post("/hold")
    def hold() -> Document:
        engine.hold(_checked({"after_files": (int, type(None))}).get("after_files"))
        return state()

    @api.delete("/hold")
    def release() -> Document:
        engine.release()
        return state()

    return api


def _checked(types: dict[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """Return the fields of the request's document; raises ApiError 400 for one that is unknown or mistyped."""
    body = read_json(request.get_data())
    for name, value in body.items():
        if name not in types:
            raise bad_request(f"Unknown field '{name}'; there are {', '.join(types)}")
        if not isinstance(value, types[name]):
            raise bad_request(f"Field '{name}' has the wrong type")
    return body
