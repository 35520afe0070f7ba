"""The stand-in's own control URLs, apart from the imitated services: for a person with curl."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, request

from ..behaviour import with_option
from ..clock import ManualClock
from ..engine.collection import ENTITY_TYPES, GUEST
from ..http.faults import Fault
from .context import context
from .errors import ApiError, Document, bad_request
from .reading import read_fields, read_json

_COLLECTION: Mapping[str, Any] = {
    "online": bool, "deleted": bool, "full": bool, "wrong_checksums": int, "changing_files": int, "entity_type": str,
    "high_assurance": bool, "authentication_policy_id": str | None, "list_limit": int, "host_deleted": bool,
    "migrating": bool, "login_failure": str | None, "disable_verify": bool, "force_encryption": bool,
    "auto_delete_timeout": int | None,
}  # fmt: skip
_FAULT: Mapping[str, Any] = {
    "method": str, "path": str, "nth": int, "times": int | None, "when": str, "delay": int | float, "cut": bool,
    "status": int, "code": str, "message": str, "body": object, "html": bool, "headers": dict, "truncate": int,
}  # fmt: skip

api = Blueprint("control", __name__, url_prefix="/standin")


@api.before_request
def reject_web_pages() -> None:
    """Any page that is open in a browser on this computer could send requests."""
    if "Origin" in request.headers:
        raise ApiError(403, "PermissionDenied", "A web page may not use the control URLs")


@api.get("/")
def state() -> Document:
    """Return the state of the stand-in, as every other control URL does when it has changed something."""
    service = context().service
    return {
        "now": service.clock.now().isoformat(),
        "collections": {
            collection.id: {"name": collection.name} | {name: getattr(collection, name) for name in _COLLECTION}
            for collection in service.collections.values()
        },
        "tasks": {task.id: task.status for task in context().tasks.kept()},
        "behaviour": {name.replace("_", "-"): str(value) for name, value in vars(service.behaviour).items()},
    }


@api.post("/faults")
def add_fault() -> Document:
    context().faults.add(Fault(**_read(_FAULT)))
    return state()


@api.delete("/faults")
def clear_faults() -> Document:
    context().faults.clear()
    return state()


@api.post("/collections/<collection_id>")
def change_collection(collection_id: str) -> Document:
    service = context().service
    collection = service.collections[collection_id]
    wanted = _read({**_COLLECTION, "pause": str | None})
    if wanted.get("entity_type", GUEST) not in ENTITY_TYPES or wanted.get("list_limit", 0) < 0:
        raise ValueError(f"entity_type is one of {', '.join(ENTITY_TYPES)}; list_limit is not negative")
    if "pause" in wanted:
        service.set_pause(collection_id, wanted.pop("pause"))
        context().scheduler.reconsider()
    for name, value in wanted.items():
        setattr(collection, name, value)
    return state()


@api.post("/tasks/<task_id>")
def change_task(task_id: str) -> Document:
    wanted = _read({"do": str, "code": str, "by_admin": str, "message": str})
    tasks = context().tasks
    task = {task.id: task for task in tasks.kept()}[task_id]
    match wanted.get("do"):
        case "pause" | "unpause" | "suspend" | "resume" as action:
            getattr(task, action)()
        case "cancel" if "by_admin" in wanted:
            tasks.cancel_by_admin(task, wanted["by_admin"], wanted.get("message"))
        case "cancel" | "forget" as action:
            getattr(tasks, action)(task)
        case "fail":
            tasks.fail(task, wanted.get("code") or "ENDPOINT_ERROR")
        case _:
            raise ValueError("Field 'do' is one of pause, unpause, suspend, resume, cancel, fail, forget")
    return state()


@api.post("/clock")
def advance() -> Document:
    seconds = _read({"advance": int | float}).get("advance", 0)
    clock = context().service.clock
    if not isinstance(clock, ManualClock):
        raise ValueError("This stand-in uses the clock of the computer; start it with --manual-clock")
    clock.advance(seconds)
    return state()


@api.post("/behaviour")
def change_behaviour() -> Document:
    service = context().service
    behaviour = service.behaviour
    for name, value in read_json(request.get_data()).items():
        behaviour = with_option(behaviour, name, "" if value is None else str(value))
    service.behaviour = behaviour
    return state()


@api.delete("/tokens")
def revoke_tokens() -> Document:
    context().accounts.revoke_all()
    return state()


@api.post("/hold")
def hold() -> Document:
    context().scheduler.hold(**_read({"after_files": int | None, "after_bytes": int | None}))
    return state()


@api.delete("/hold")
def release() -> Document:
    context().scheduler.release()
    return state()


@api.errorhandler(ValueError)
@api.errorhandler(OverflowError)
def reject(error: Exception) -> tuple[Document, int]:
    return bad_request(str(error)).document(request.path), 400


@api.errorhandler(KeyError)
def not_found(error: KeyError) -> tuple[Document, int]:
    return ApiError(404, "ClientError.NotFound", f"There is no {error}").document(request.path), 404


def _read(types: Mapping[str, Any]) -> Document:
    """Return the request's document, which may have these fields and no others. Raises ApiError 400."""
    return read_fields(read_json(request.get_data()), types, "this document")
