"""The error document of the imitated services."""

import secrets
import string
from typing import Any

_LETTERS = string.ascii_letters + string.digits


def request_id() -> str:
    """Return nine random letters and digits, which every error and every result contains."""
    return "".join(secrets.choice(_LETTERS) for _ in range(9))


def resource(path: str) -> str:
    """Return the path of a request as answers name it: Transfer's without the version."""
    return path.removeprefix("/v0.10")


def error_document(code: str, message: str, path: str, **extra: Any) -> dict[str, Any]:
    return {"code": code, "message": message, **extra, "request_id": request_id(), "resource": resource(path)}
