"""Transfer's routes about tasks: submitting, watching and stopping them."""

from collections.abc import Sequence
from typing import Any

from flask import Blueprint, g, request

from ..engine.collection import Collection, PauseRule
from ..engine.submission import read_json, read_uuid
from ..engine.task import Skip, Success, Task
from ..engine.tasks import Engine
from .documents import Document, bad_request, result, submission_result
from .listing import event_filter, number, ordered, page, selected, task_filter

DEFAULT_PAGE = 10
MARKER_PAGE = 100
_CANCEL_MESSAGES = {
    "Canceled": "The task has been cancelled successfully.",
    "CancelAccepted": "The task is being cancelled.",
    "TaskComplete": "The task completed before the cancel request was processed.",
}


def tasks_api(engine: Engine) -> Blueprint:
    """Return the routes; ``g.identity`` is to be who asks."""
    api = Blueprint("tasks", __name__, url_prefix="/v0.10")

    def own(task_id: str) -> Task:
        return engine.task(read_uuid(task_id, "task_id"), g.identity)

    @api.get("/submission_id")
    def submission_id() -> Document:
        return {"DATA_TYPE": "submission_id", "value": engine.new_submission_id(g.identity)}

    @api.post("/transfer", defaults={"kind": "transfer"}, endpoint="transfer")
    @api.post("/delete", defaults={"kind": "delete"}, endpoint="delete")
    def submit(kind: str) -> tuple[Document, int]:
        code, task = engine.submit(kind, read_json(request.get_data()), g.identity)
        status = engine.site.behaviour.accepted_status if code == "Accepted" else 200
        return submission_result(kind, code, task.id, task.submission.submission_id, request.path), status

    @api.get("/task_list")
    def task_list() -> Document:
        test = task_filter(request.args.get("filter", ""))
        found = [document for task in engine.listed(g.identity) if test(document := task.document())]
        shown, counts = page(request.args, ordered(found, request.args.get("orderby")), DEFAULT_PAGE)
        fields = request.args.get("fields")
        return {"DATA_TYPE": "task_list", "DATA": [selected(task, fields) for task in shown], **counts}

    @api.get("/task/<task_id>")
    def task(task_id: str) -> Document:
        return selected(own(task_id).document(), request.args.get("fields"))

    @api.put("/task/<task_id>")
    def update(task_id: str) -> Document:
        engine.update(own(task_id), read_json(request.get_data()))
        return result("Updated", "The task has been updated successfully", request.path)

    @api.post("/task/<task_id>/cancel")
    def cancel(task_id: str) -> Document:
        code = engine.cancel(own(task_id))
        return result(code, _CANCEL_MESSAGES[code], request.path.removeprefix("/v0.10"))

    @api.get("/task/<task_id>/event_list")
    def event_list(task_id: str) -> Document:
        asked, test = own(task_id), event_filter(request.args.get("filter", ""))
        newest_first = [] if asked.history_deleted else asked.events[::-1]
        events = [document for event in newest_first if test(document := event.document())]
        shown, counts = page(request.args, events, DEFAULT_PAGE)
        return {"DATA_TYPE": "event_list", "DATA": shown, **counts}

    @api.get("/task/<task_id>/successful_transfers")
    def successful_transfers(task_id: str) -> Document:
        asked = own(task_id)
        if asked.is_live:
            raise bad_request("The task has not completed yet")
        return _marked("successful_transfer", asked, asked.successes, dynamic=False)

    @api.get("/task/<task_id>/skipped_errors")
    def skipped_errors(task_id: str) -> Document:
        asked = own(task_id)
        unknown = {"external_checksum": None, "checksum_algorithm": None}
        never = {"is_symlink": False, "is_delete_destination_extra": False}
        return _marked("skipped_error", asked, asked.skips, **unknown, **never)

    @api.get("/task/<task_id>/pause_info")
    def pause_info(task_id: str) -> Document:
        asked = own(task_id)
        return {
            "DATA_TYPE": "pause_info_limited",
            "pause_rules": [pause_rule_document(side, rule) for side, rule in asked.pause_rules()],
            "source_pause_message": asked.pause_message,
            "source_pause_message_share": None,
            "destination_pause_message": None,
            "destination_pause_message_share": None,
        }

    return api


def _marked(entry_type: str, task: Task, everything: Sequence[Success | Skip], **more: Any) -> Document:
    """Return a page of what became of single files; ``more`` is the same for all of them."""
    marker = number(request.args, "marker", 0)
    following = marker + MARKER_PAGE
    shown = [] if task.history_deleted else everything[marker:following]
    return {
        "DATA_TYPE": f"{entry_type}s",
        "marker": marker,
        "next_marker": following if shown and following < len(everything) else None,
        "DATA": [{"DATA_TYPE": entry_type, **more, **entry._asdict()} for entry in shown],
    }


def pause_rule_document(collection: Collection, rule: PauseRule) -> Document:
    operations = ("ls", "mkdir", "rename", "symlink", "task_delete", "task_transfer_read", "task_transfer_write")
    return {
        "DATA_TYPE": "pause_rule_limited",
        "id": rule.id,
        "message": rule.message,
        "start_time": None,
        "endpoint_id": collection.id,
        "endpoint_display_name": collection.name,
        "identity_id": None,
        **{f"pause_{name}": name in rule.operations for name in operations},
    }
