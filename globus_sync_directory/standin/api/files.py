"""Transfer's routes about collections and the files on them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, g, request

from .. import storage
from ..engine.collection import Collection
from ..engine.service import Service, disconnected
from ..engine.submission import read_document, read_json, read_path, read_uuid
from ..storage import Parts, StorageError, join_path
from .documents import ApiError, Document, bad_request, endpoint_document, file_document, result
from .listing import file_filter, ordered, page

_VERBS = {"ls": "list", "stat": "list", "mkdir": "make directories", "rename": "rename"}
_FTP = {"ls": "MLST", "stat": "MLST", "mkdir": "MKD", "rename": "RNFR"}


def files_api(site: Service) -> Blueprint:
    """Return the routes; ``g.identity`` is to be who asks."""
    api = Blueprint("files", __name__, url_prefix="/v0.10")

    @contextmanager
    def operation(name: str, collection_id: str, path: str, right: str) -> Iterator[tuple[Collection, Parts]]:
        """Give the collection and the path, both allowed to who asks; what goes wrong there becomes an ApiError."""
        collection = site.use(read_uuid(collection_id, "endpoint name"), g.identity)
        if not collection.online:
            raise _offline(collection, listing=request.method == "GET")
        for rule in collection.pause_rules:
            if name in rule.operations:
                raise ApiError(409, "OperationPaused", rule.message)
        parts = read_path(path)
        try:
            with storage.errors():
                collection.check(g.identity, parts, right)
                yield collection, parts
        except StorageError as error:
            raise _refusal(name, collection, path, error) from error

    @api.get("/endpoint/<collection_id>")
    def endpoint(collection_id: str) -> Document:
        return endpoint_document(site.find(read_uuid(collection_id, "endpoint name"), g.identity), g.identity)

    @api.post("/endpoint/<collection_id>/autoactivate")
    def autoactivate(collection_id: str) -> Document:
        """Answer what older clients ask before all else: whether a collection is active, which all are nowadays."""
        site.find(read_uuid(collection_id, "endpoint name"), g.identity)
        answer = result("AlreadyActivated", "The endpoint is active already", request.path, "activation_result")
        return {**answer, "subject": None, "expire_time": None, "expires_in": -1, "length": 0, "DATA": []}

    @api.get("/operation/endpoint/<collection_id>/ls")
    def ls(collection_id: str) -> Document:
        query = request.args
        path = query.get("path") or "/~/"
        with operation("ls", collection_id, path, "r") as (collection, parts):
            hidden = query.get("show_hidden", "1")
            if hidden not in ("0", "1", "false", "true"):
                raise bad_request(f"Invalid show_hidden '{hidden}'")
            test = file_filter(query.getlist("filter"))
            files = [file for file in _listed(collection, parts, hidden in ("1", "true")) if test(file)]
        files = ordered(files, query.get("orderby") or "name")
        shown, counts = page(query, files, collection.list_limit, collection.list_limit)
        return {
            "DATA_TYPE": "file_list",
            "endpoint": collection.id,
            "path": path.rstrip("/") + "/",
            "absolute_path": None,
            "rename_supported": True,
            "symlink_supported": True,
            "DATA": shown,
            **counts,
        }

    @api.get("/operation/endpoint/<collection_id>/stat")
    def stat(collection_id: str) -> Document:
        with operation("stat", collection_id, request.args.get("path") or "/~/", "r") as (collection, parts):
            if not site.behaviour.stat_supported:
                raise ApiError(409, "NotSupported", "The endpoint does not support this operation")
            with storage.located(collection.root, parts, follow=False) as (name, parent):
                return _entry(collection, name, parent, parts)

    @api.post("/operation/endpoint/<collection_id>/mkdir")
    def mkdir(collection_id: str) -> Document:
        path = read_document(read_json(request.get_data()), "mkdir", ("path",))["path"]
        with operation("mkdir", collection_id, path, "w") as (collection, parts):
            if not parts:
                raise StorageError("EXISTS")
            with storage.located(collection.root, parts, follow=False) as (name, parent):
                if collection.full:
                    raise StorageError("QUOTA_EXCEEDED")
                os.mkdir(name, dir_fd=parent)
        return result("DirectoryCreated", "The directory was created successfully", request.path, "mkdir_result")

    @api.post("/operation/endpoint/<collection_id>/rename")
    def rename(collection_id: str) -> Document:
        fields = read_document(read_json(request.get_data()), "rename", ("old_path", "new_path"))
        with operation("rename", collection_id, fields["old_path"], "w") as (collection, old):
            new = read_path(fields["new_path"])
            collection.check(g.identity, new, "w")
            if not (old and new):
                raise StorageError("PERMISSION_DENIED", "Path not allowed")
            with (
                storage.located(collection.root, old, follow=False) as (old_name, old_parent),
                storage.located(collection.root, new, follow=False) as (new_name, new_parent),
            ):
                os.rename(old_name, new_name, src_dir_fd=old_parent, dst_dir_fd=new_parent)
        return result("FileRenamed", "File or directory renamed successfully", request.path)

    return api


def _listed(collection: Collection, parts: Parts, show_hidden: bool) -> list[Document]:
    with storage.directory(collection.root, parts) as directory:
        names = list(storage.kinds(directory))
        if len(names) > collection.list_limit:
            message = f"Directory limit of {collection.list_limit} reached: '{join_path(parts)}'"
            raise ApiError(502, "ExternalError.DirListingFailed.SizeLimit", message)
        return [
            _entry(collection, name, directory, (*parts, name))
            for name in names if show_hidden or not name.startswith(b".")
        ]  # fmt: skip


def _entry(collection: Collection, name: bytes, parent: int, parts: Parts) -> Document:
    """Return the document of one file; a link shows what it leads to, unless that is missing or outside the root."""
    shown = parts[-1] if parts else b"/"
    status = os.lstat(name, dir_fd=parent)
    try:
        target = os.readlink(name, dir_fd=parent)
    except OSError:
        return file_document(shown, status, None, None)
    try:
        with storage.errors(), storage.located(collection.root, parts) as (last, there):
            return file_document(shown, os.lstat(last, dir_fd=there), status, target)
    except StorageError:
        return file_document(shown, status, status, target)


def _refusal(name: str, collection: Collection, path: str, error: StorageError) -> ApiError:
    where = f"Error ({_VERBS[name]})\nEndpoint: {collection.name} ({collection.id})\nServer: localhost:2811\n"
    missing = error.code == "FILE_NOT_FOUND" or (error.code == "NOT_A_DIRECTORY" and name != "ls")
    if missing and name == "stat":
        message = (
            f"Path not found, {where}Message: No such file or directory\n---\nDetails: Error: '{path}' not found\\r\\n"
            "550-GlobusError: v=1 c=PATH_NOT_FOUND\\r\\n550 End.\\r\\n\n"
        )
        return ApiError(404, "NotFound", message)
    if missing:
        what = "Directory" if name in ("ls", "mkdir") else "Path"
        return ApiError(404, "ClientError.NotFound", f"{what} '{path}' not found on endpoint")
    if error.code == "NOT_A_DIRECTORY":
        return ApiError(502, "ExternalError.DirListingFailed.NotDirectory", f"'{path}' is not a directory")
    if error.code == "EXISTS" and name == "mkdir":
        message = f"Path already exists, Error Path '{path}' already exists\n"
        return ApiError(502, "ExternalError.MkdirFailed.Exists", message)
    if error.code == "PERMISSION_DENIED":
        code = "ExternalError.MkdirFailed.PermissionDenied" if name == "mkdir" else "EndpointPermissionDenied"
        message = (
            f"Denied by endpoint, {where}Command: {_FTP[name]} {path}\nMessage: Fatal FTP Response\n---\n"
            f"Details: 500 Command failed : {error}.\\r\\n\n"
        )
        return ApiError(403, code, message)
    return ApiError(502, "EndpointError", f"{where}Message: {error}\n---\nDetails: 500-GlobusError: v=1 c={error.code}")


def _offline(collection: Collection, *, listing: bool) -> ApiError:
    if not collection.is_personal:
        return ApiError(502, "EndpointError", f"Cannot connect to endpoint '{collection.name} ({collection.id})'")
    if listing:
        message = "The GCP endpoint is not currently connected to Globus"
        return ApiError(502, "ExternalError.DirListingFailed.GCDisconnected", message)
    return disconnected(collection)
