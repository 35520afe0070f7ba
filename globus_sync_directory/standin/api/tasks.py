"""Transfer's routes about tasks: submit, watch and cancel them."""

from flask import Blueprint, request

from ..engine.errors import TaskInProgress
from ..engine.task import Task
from .auth import authenticate
from .context import context, identity
from .documents import result, submission_result
from .errors import Document
from .listing import event_filter, number, ordered, page, selected, task_filter
from .reading import read_deadline, read_document, read_json, read_label, read_submission, read_uuid
from .task_documents import event_document, pause_rule_document, skip_document, success_document, task_document

DEFAULT_PAGE = 10
MARKER_PAGE = 100
_CANCEL_MESSAGES = {
    "Canceled": "The task has been cancelled successfully.",
    "CancelAccepted": "The task is being cancelled.",
    "TaskComplete": "The task completed before the cancel request was processed.",
}

api = Blueprint("tasks", __name__, url_prefix="/v0.10")
api.before_request(authenticate)


@api.get("/submission_id")
def submission_id() -> Document:
    return {"DATA_TYPE": "submission_id", "value": context().tasks.new_submission_id(identity())}


@api.post("/transfer", defaults={"kind": "transfer"}, endpoint="transfer")
@api.post("/delete", defaults={"kind": "delete"}, endpoint="delete")
def submit(kind: str) -> tuple[Document, int]:
    tasks, service = context().tasks, context().service
    body = read_json(request.get_data())
    task = tasks.find_submitted(kind, str(body.get("submission_id")).lower(), body, identity())
    is_new = False
    if task is None:
        submission = read_submission(body, kind, service.clock.now(), service.behaviour.label_limit)
        task, is_new = tasks.submit(submission, identity())
    document = submission_result(task, is_new=is_new, path=request.path)
    return document, service.behaviour.accepted_status if is_new else 200


@api.get("/task_list")
def task_list() -> Document:
    is_wanted = task_filter(request.args.get("filter", ""))
    documents = map(task_document, context().tasks.listed(identity()))
    wanted = [document for document in documents if is_wanted(document)]
    shown, counts = page(request.args, ordered(wanted, request.args.get("orderby")), DEFAULT_PAGE)
    fields = request.args.get("fields")
    return {"DATA_TYPE": "task_list", "DATA": [selected(document, fields) for document in shown], **counts}


@api.get("/task/<task_id>")
def get_task(task_id: str) -> Document:
    return selected(task_document(_find(task_id)), request.args.get("fields"))


@api.put("/task/<task_id>")
def update(task_id: str) -> Document:
    task, service = _find(task_id), context().service
    body = read_json(request.get_data())
    fields = read_document(body, "task")
    label = read_label(fields, service.behaviour.label_limit) if "label" in body else task.label
    context().tasks.update(task, label, read_deadline(fields, service.clock.now()))
    return result("Updated", "The task has been updated successfully", request.path)


@api.post("/task/<task_id>/cancel")
def cancel(task_id: str) -> Document:
    code = context().tasks.cancel(_find(task_id))
    return result(code, _CANCEL_MESSAGES[code], request.path)


@api.get("/task/<task_id>/event_list")
def event_list(task_id: str) -> Document:
    task, is_wanted = _find(task_id), event_filter(request.args.get("filter", ""))
    newest_first = [] if task.history_deleted else task.events[::-1]
    behaviour = context().service.behaviour
    documents = (event_document(event, behaviour) for event in newest_first)
    events = [document for document in documents if is_wanted(document)]
    shown, counts = page(request.args, events, DEFAULT_PAGE)
    return {"DATA_TYPE": "event_list", "DATA": shown, **counts}


@api.get("/task/<task_id>/successful_transfers")
def successful_transfers(task_id: str) -> Document:
    task = _find(task_id)
    if task.is_live:
        raise TaskInProgress(task.id)
    start, stop = _marked_page(task)
    shown = [success_document(success) for success in task.successes[start:stop]]
    return _marked("successful_transfers", shown, start, len(task.successes))


@api.get("/task/<task_id>/skipped_errors")
def skipped_errors(task_id: str) -> Document:
    task = _find(task_id)
    start, stop = _marked_page(task)
    behaviour = context().service.behaviour
    shown = [skip_document(skip, behaviour) for skip in task.skips[start:stop]]
    return _marked("skipped_errors", shown, start, len(task.skips))


@api.get("/task/<task_id>/pause_info")
def pause_info(task_id: str) -> Document:
    task = _find(task_id)
    return {
        "DATA_TYPE": "pause_info_limited",
        "pause_rules": [pause_rule_document(collection, rule) for collection, rule in task.pause_rules()],
        "source_pause_message": task.pause_message,
        "source_pause_message_share": None,
        "destination_pause_message": None,
        "destination_pause_message_share": None,
    }


def _find(task_id: str) -> Task:
    return context().tasks.find(read_uuid(task_id, "task_id"), identity())


def _marked_page(task: Task) -> tuple[int, int]:
    """Return where the page of per-file results starts and stops that the present request asks for."""
    marker = number(request.args, "marker", 0)
    return marker, marker if task.history_deleted else marker + MARKER_PAGE


def _marked(data_type: str, shown: list[Document], marker: int, total: int) -> Document:
    following = marker + MARKER_PAGE
    return {
        "DATA_TYPE": data_type,
        "marker": marker,
        "next_marker": following if shown and following < total else None,
        "DATA": shown,
    }
