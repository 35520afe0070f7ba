"""The stand-in's own control URLs, apart from the imitated services: for a person with curl."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flask import Blueprint, request

from ..behaviour import with_option
from ..clock import ManualClock
from ..engine.collection import ENTITY_TYPES, GUEST
from ..engine.submission import read_fields, read_json
from ..http.faults import Fault
from .documents import ApiError, Document, bad_request

if TYPE_CHECKING:
    from ..standin import StandIn

_COLLECTION: Mapping[str, Any] = {
    "online": bool, "deleted": bool, "full": bool, "wrong_checksums": int, "changing_files": int, "entity_type": str,
    "high_assurance": bool, "authentication_policy_id": str | None, "list_limit": int,
}  # fmt: skip
_FAULT: Mapping[str, Any] = {
    "method": str, "path": str, "nth": int, "times": int | None, "when": str, "delay": int | float, "cut": bool,
    "status": int, "code": str, "message": str, "body": object, "html": bool, "headers": dict, "truncate": int,
}  # fmt: skip


def control_api(globus: "StandIn") -> Blueprint:
    """Return the routes, which docs/standin.md shows one by one; every answer is the state that they leave."""
    api = Blueprint("control", __name__, url_prefix="/standin")

    @api.before_request
    def not_from_a_web_page() -> None:
        """Any page that is open in a browser on this computer could ask for things here."""
        if "Origin" in request.headers:
            raise ApiError(403, "PermissionDenied", "No web page may turn this")

    @api.get("/")
    def state() -> Document:
        return {
            "now": globus.clock.now().isoformat(),
            "collections": {
                collection.id: {"name": collection.name} | {name: getattr(collection, name) for name in _COLLECTION}
                for collection in globus.collections.values()
            },
            "tasks": {task.id: task.status for task in globus.tasks},
            "behaviour": {name.replace("_", "-"): str(value) for name, value in vars(globus.behaviour).items()},
        }

    @api.post("/faults")
    def add_fault() -> Document:
        globus.faults.add(Fault(**_fields(_FAULT)))
        return state()

    @api.delete("/faults")
    def clear_faults() -> Document:
        globus.faults.clear()
        return state()

    @api.post("/collections/<collection_id>")
    def change_collection(collection_id: str) -> Document:
        collection = globus.collections[collection_id]
        wanted = _fields({**_COLLECTION, "pause": str | None})
        if wanted.get("entity_type", GUEST) not in ENTITY_TYPES or wanted.get("list_limit", 0) < 0:
            raise ValueError(f"entity_type is one of {', '.join(ENTITY_TYPES)}, list_limit counts from 0")
        if "pause" in wanted:
            globus.pause(collection_id, wanted.pop("pause"))
        for name, value in wanted.items():
            setattr(collection, name, value)
        return state()

    @api.post("/tasks/<task_id>")
    def change_task(task_id: str) -> Document:
        wanted = _fields({"do": str, "code": str})
        task = globus.task(task_id)
        match wanted.get("do"):
            case "pause" | "unpause" | "suspend" | "resume" as action:
                getattr(task, action)()
            case "cancel" | "forget" as action:
                getattr(globus, action)(task.id)
            case "fail":
                globus.fail(task.id, wanted.get("code") or "ENDPOINT_ERROR")
            case _:
                raise ValueError("Field 'do' is one of pause, unpause, suspend, resume, cancel, fail, forget")
        return state()

    @api.post("/clock")
    def advance() -> Document:
        seconds = _fields({"advance": int | float}).get("advance", 0)
        if not isinstance(globus.clock, ManualClock):
            raise ValueError("This stand-in runs by the host's clock; start it with --manual-clock")
        globus.clock.advance(seconds)
        return state()

    @api.post("/behaviour")
    def change_behaviour() -> Document:
        behaviour = globus.behaviour
        for name, value in read_json(request.get_data()).items():
            behaviour = with_option(behaviour, name, "" if value is None else str(value))
        globus.behaviour = behaviour
        return state()

    @api.delete("/tokens")
    def revoke_tokens() -> Document:
        globus.revoke_tokens()
        return state()

    @api.post("/hold")
    def hold() -> Document:
        globus.hold(**_fields({"after_files": int | None, "after_bytes": int | None}))
        return state()

    @api.delete("/hold")
    def release() -> Document:
        globus.release()
        return state()

    @api.errorhandler(ValueError)
    @api.errorhandler(OverflowError)
    def refused(error: Exception) -> tuple[Document, int]:
        return bad_request(str(error)).document(request.path), 400

    @api.errorhandler(KeyError)
    def unknown(error: KeyError) -> tuple[Document, int]:
        return ApiError(404, "ClientError.NotFound", f"There is no {error}").document(request.path), 404

    return api


def _fields(types: Mapping[str, Any]) -> Document:
    """Return the request's document, which has such fields and no others; raises ApiError 400."""
    return read_fields(read_json(request.get_data()), types, "this document")
