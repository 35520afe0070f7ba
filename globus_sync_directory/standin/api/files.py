"""Transfer's routes about collections and the files on them."""

from flask import Blueprint, request

from .auth import authenticate
from .context import context, identity
from .documents import endpoint_document, file_document, result
from .errors import Document, bad_request
from .listing import file_filter, ordered, page
from .reading import read_document, read_json, read_uuid

_TRUTH_VALUES = {"0": False, "false": False, "1": True, "true": True}

api = Blueprint("files", __name__, url_prefix="/v0.10")
api.before_request(authenticate)


@api.get("/endpoint/<collection_id>")
def endpoint(collection_id: str) -> Document:
    collection = context().service.find_collection(_read_id(collection_id), identity())
    return endpoint_document(collection, identity())


@api.post("/endpoint/<collection_id>/autoactivate")
def autoactivate(collection_id: str) -> Document:
    """Say that a collection is active, as all are nowadays; older clients ask this first."""
    context().service.find_collection(_read_id(collection_id), identity())
    answer = result("AlreadyActivated", "The endpoint is active already", request.path, "activation_result")
    return {**answer, "subject": None, "expire_time": None, "expires_in": -1, "length": 0, "DATA": []}


@api.get("/operation/endpoint/<collection_id>/ls")
def ls(collection_id: str) -> Document:
    query, collection_id = request.args, _read_id(collection_id)
    path = query.get("path") or "/~/"
    hidden = query.get("show_hidden", "1")
    if hidden not in _TRUTH_VALUES:
        raise bad_request(f"Invalid show_hidden '{hidden}'")
    is_wanted = file_filter(query.getlist("filter"))
    entries = context().files.list_directory(identity(), collection_id, path, show_hidden=_TRUTH_VALUES[hidden])
    documents = [document for document in map(file_document, entries) if is_wanted(document)]
    limit = context().service.collections[collection_id].list_limit
    shown, counts = page(query, ordered(documents, query.get("orderby") or "name"), limit, limit)
    return {
        "DATA_TYPE": "file_list",
        "endpoint": collection_id,
        "path": path.rstrip("/") + "/",
        "absolute_path": None,
        "rename_supported": True,
        "symlink_supported": True,
        "DATA": shown,
        **counts,
    }


@api.get("/operation/endpoint/<collection_id>/stat")
def stat(collection_id: str) -> Document:
    path = request.args.get("path") or "/~/"
    return file_document(context().files.look_at(identity(), _read_id(collection_id), path))


@api.post("/operation/endpoint/<collection_id>/mkdir")
def mkdir(collection_id: str) -> tuple[Document, int]:
    path = read_document(read_json(request.get_data()), "mkdir", ("path",))["path"]
    context().files.make_directory(identity(), _read_id(collection_id), path)
    return result("DirectoryCreated", "The directory was created successfully", request.path, "mkdir_result"), 202


@api.post("/operation/endpoint/<collection_id>/rename")
def rename(collection_id: str) -> Document:
    fields = read_document(read_json(request.get_data()), "rename", ("old_path", "new_path"))
    context().files.rename(identity(), _read_id(collection_id), fields["old_path"], fields["new_path"])
    return result("FileRenamed", "File or directory renamed successfully", request.path)


def _read_id(text: str) -> str:
    return read_uuid(text, "endpoint name")
