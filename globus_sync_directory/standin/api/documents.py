"""Documents of Transfer that are not about one task: results, collections, files."""

import functools
import grp
import pwd
import stat
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from os import stat_result
from typing import Any

from ..engine.collection import MAPPED, Collection
from ..engine.files import FileEntry
from ..engine.task import Task
from ..http.error_document import request_id, resource
from ..storage import to_text
from .errors import Document

_FILE_TYPES = {
    stat.S_IFDIR: "dir", stat.S_IFREG: "file", stat.S_IFLNK: "invalid_symlink",
    stat.S_IFCHR: "chr", stat.S_IFBLK: "blk", stat.S_IFIFO: "pipe",
}  # fmt: skip


def result(code: str, message: str, path: str, data_type: str = "result") -> Document:
    common = {"request_id": request_id(), "resource": resource(path)}
    return {"DATA_TYPE": data_type, "code": code, "message": message, **common}


def submission_result(task: Task, *, is_new: bool, path: str) -> Document:
    """Return the answer to an accepted or repeated submission, which went to ``path``."""
    kind, submission_id = task.submission.kind, task.submission.submission_id
    if is_new:
        code, message = "Accepted", f"The {kind} has been accepted and a task has been created and queued for execution"
    else:
        code, message = "Duplicate", f"A {kind} with id '{submission_id}' was already submitted"
    link = {"DATA_TYPE": "link", "rel": "related", "resource": "task", "title": "related task"}
    return {
        **result(code, message, path, f"{kind}_result"),
        "submission_id": submission_id,
        "task_id": task.id,
        "task_link": {**link, "href": f"task/{task.id}?format=json"},
    }


def timestamp(moment: datetime | None) -> str | None:
    """Return an instant as task documents write it, to the second."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


def file_document(entry: FileEntry) -> Document:
    """Return one entry of a listing. Source: file_operations, "file" document."""
    status, link = entry.status, entry.link
    return {
        "DATA_TYPE": "file",
        "name": to_text(entry.name),
        "type": _FILE_TYPES.get(stat.S_IFMT(status.st_mode), "other"),
        "size": status.st_size,
        "last_modified": _modified(status),
        "permissions": f"{stat.S_IMODE(status.st_mode):04o}",
        "user": _name(pwd.getpwuid, status.st_uid),
        "group": _name(grp.getgrgid, status.st_gid),
        "link_target": to_text(entry.target) if entry.target is not None else None,
        "link_size": link.st_size if link else None,
        "link_last_modified": _modified(link) if link else None,
        "link_user": _name(pwd.getpwuid, link.st_uid) if link else None,
        "link_group": _name(grp.getgrgid, link.st_gid) if link else None,
    }


def _modified(status: stat_result) -> str:
    seconds = min(max(int(status.st_mtime), 0), 253_402_300_799)  # the years that datetime supports
    return datetime.fromtimestamp(seconds, UTC).isoformat(" ")


@functools.cache
def _name(entry: Callable[[int], Sequence[Any]], number: int) -> str:
    """Return the name of a user or group, or its number if it has no name."""
    try:
        return str(entry(number)[0])
    except KeyError:
        return str(number)


# Fields that are the same for all collections of a stand-in.
_NULL = (
    "acl_max_expiration_period_mins", "authentication_assurance_timeout", "authentication_timeout_mins",
    "contact_email", "contact_info", "default_directory", "department", "description", "expire_time",
    "gcs_manager_url", "gcs_version", "globus_connect_setup_key", "host_endpoint", "host_endpoint_display_name",
    "https_server", "info_link", "keywords", "last_accessed_time", "local_user_info_available", "location",
    "max_concurrency", "max_parallelism", "myproxy_dn", "myproxy_server", "non_functional_endpoint_display_name",
    "non_functional_endpoint_id", "oauth_server", "preferred_concurrency", "preferred_parallelism",
    "preserve_modtime", "s3_url", "sharing_target_endpoint", "sharing_target_root_path", "subscription_admin_verified",
    "subscription_id",
    "tlsftp_server", "user_message", "user_message_link",
)  # fmt: skip
_FALSE = (
    "public", "french_english_bilingual", "is_go_storage", "requester_pays", "s3_owner_activated",
    "disable_anonymous_writes", "force_verify", "mfa_required", "non_functional", "in_use",
)  # fmt: skip


def endpoint_document(collection: Collection, identity: str) -> Document:
    """
    Return what ``identity`` sees of a collection.

    Source: endpoints_and_collections; SDK fixture get_endpoint.
    """
    personal = collection.is_personal
    guest = collection.is_guest
    owns = identity == collection.owner_id
    server = {
        "DATA_TYPE": "server", "hostname": "localhost", "uri": "gsiftp://localhost:2811", "port": 2811,
        "scheme": "gsiftp", "id": int(collection.id[:6], 16), "subject": None, "is_connected": collection.online,
        "is_paused": False,
    }  # fmt: skip
    return {
        **dict.fromkeys(_NULL),
        **dict.fromkeys(_FALSE, False),
        "DATA_TYPE": "endpoint",
        "id": collection.id,
        "entity_type": collection.entity_type,
        "display_name": collection.name,
        "name": f"standin#{collection.id}",
        "canonical_name": f"standin#{collection.id}",
        "username": "standin",
        "owner_id": collection.owner_id,
        "owner_string": "owner@example.org",
        "organization": "Stand-in",
        "is_globus_connect": personal,
        "gcp_connected": collection.online if personal else None,
        "gcp_paused": False if personal else None,
        "host_endpoint_id": collection.host_id if guest else None,
        "host_path": "/" if guest else None,
        "mapped_collection_id": collection.host_id if guest else None,
        "high_assurance": collection.high_assurance,
        "disable_verify": collection.disable_verify,
        "force_encryption": collection.force_encryption,
        "auto_delete_timeout": collection.auto_delete_timeout,
        "storage_type": None if personal else "posix",
        "authentication_policy_id": collection.authentication_policy_id,
        "activated": True,
        "expires_in": -1,
        "shareable": collection.entity_type == MAPPED,
        "acl_available": guest,
        "acl_editable": guest and owns,
        "network_use": "normal",
        "my_effective_roles": ["administrator"] if owns else [],
        "DATA": [server],
    }
