"""The stand-in's own control URLs, apart from the imitated services: for a person with curl."""

from typing import TYPE_CHECKING, Any

from flask import Blueprint, request

from .clock import ManualClock
from .documents import ApiError, Document, bad_request
from .faults import Fault
from .submissions import read_json
from .switches import switched

if TYPE_CHECKING:
    from .server import StandIn

_COLLECTION: dict[str, type | tuple[type, ...]] = {
    "online": bool, "deleted": bool, "full": bool, "wrong_checksums": int, "changing_files": int, "entity_type": str,
    "high_assurance": bool, "authentication_policy_id": (str, type(None)), "list_limit": int,
}  # fmt: skip
_FAULT: dict[str, type | tuple[type, ...]] = {
    "method": str, "path": str, "nth": int, "times": (int, type(None)), "when": str, "delay": (int, float), "cut": bool,
    "status": int, "code": str, "message": str, "body": object, "html": bool, "headers": dict, "truncate": int,
}  # fmt: skip
_DEEDS = ("pause", "unpause", "suspend", "resume", "cancel", "fail", "forget")


def control_api(globus: "StandIn") -> Blueprint:
    """Return the routes, which docs/standin.md shows one by one; every answer is the state that they leave."""
    api = Blueprint("control", __name__, url_prefix="/standin")

    @api.get("/")
    def state() -> Document:
        return {
            "now": globus.clock.now().isoformat(),
            "collections": {
                collection.id: {"name": collection.name} | {name: getattr(collection, name) for name in _COLLECTION}
                for collection in globus.collections.values()
            },
            "tasks": {task.id: task.status for task in globus.tasks},
            "switches": {name.replace("_", "-"): str(value) for name, value in vars(globus.switches).items()},
        }

    @api.post("/faults")
    def add_fault() -> Document:
        try:
            globus.faults.add(Fault(**_checked(_FAULT)))
        except ValueError as error:
            raise bad_request(str(error)) from None
        return state()

    @api.delete("/faults")
    def clear_faults() -> Document:
        globus.faults.clear()
        return state()

    @api.post("/collections/<collection_id>")
    def change_collection(collection_id: str) -> Document:
        if collection_id not in globus.collections:
            raise ApiError(404, "EndpointNotFound", f"No such endpoint '{collection_id}'")
        wanted = _checked({**_COLLECTION, "pause": (str, type(None))})
        for name in wanted.keys() & _COLLECTION.keys():
            setattr(globus.collections[collection_id], name, wanted[name])
        if "pause" in wanted:
            globus.pause(collection_id, wanted["pause"])
        return state()

    @api.post("/tasks/<task_id>")
    def change_task(task_id: str) -> Document:
        wanted = _checked({"do": str, "code": str})
        if wanted.get("do") not in _DEEDS:
            raise bad_request(f"Field 'do' is one of {', '.join(_DEEDS)}")
        try:
            task = globus.task(task_id)
            if wanted["do"] == "fail":
                globus.fail(task.id, wanted.get("code", "ENDPOINT_ERROR"))
            elif wanted["do"] in ("cancel", "forget"):
                getattr(globus, wanted["do"])(task.id)
            else:
                getattr(task, wanted["do"])()
        except KeyError:
            raise ApiError(404, "ClientError.NotFound", f"Task ID '{task_id}' not found") from None
        except ValueError as error:
            raise bad_request(str(error)) from None
        return state()

    @api.post("/clock")
    def advance() -> Document:
        seconds = _checked({"advance": (int, float)}).get("advance", 0)
        if not isinstance(globus.clock, ManualClock):
            raise bad_request("This stand-in runs by the host's clock; start it with --manual-clock")
        try:
            globus.clock.advance(seconds)
        except (ValueError, OverflowError) as error:
            raise bad_request(str(error)) from None
        return state()

    @api.post("/switches")
    def change_switches() -> Document:
        for name, value in read_json(request.get_data()).items():
            try:
                globus.switches = switched(globus.switches, name, str(value))
            except ValueError as error:
                raise bad_request(str(error)) from None
        return state()

    @api.delete("/tokens")
    def revoke_tokens() -> Document:
        globus.revoke_tokens()
        return state()

    @api.post("/hold")
    def hold() -> Document:
        globus.hold(**_checked({"after_files": (int, type(None)), "after_bytes": (int, type(None))}))
        return state()

    @api.delete("/hold")
    def release() -> Document:
        globus.release()
        return state()

    return api


def _checked(types: dict[str, type | tuple[type, ...]]) -> dict[str, Any]:
    """Return the fields of the request's document; raises ApiError 400 for one that is unknown or mistyped."""
    body = read_json(request.get_data())
    for name, value in body.items():
        if name not in types:
            raise bad_request(f"Unknown field '{name}'; there are {', '.join(types)}")
        wrong = not isinstance(value, types[name]) or (isinstance(value, bool) and types[name] not in (bool, object))
        if wrong:
            raise bad_request(f"Field '{name}' has the wrong type")
    return body
