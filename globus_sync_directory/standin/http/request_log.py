"""The request log: what clients sent, in order of arrival."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from werkzeug import Request
from werkzeug.exceptions import HTTPException

MAX_REQUESTS = 100_000  # older requests are dropped


@dataclass(kw_only=True)
class LoggedRequest:
    """One request; ``status`` is None while there is no answer, and when the connection was cut."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any  # the JSON document, the fields of a form, or None
    headers: Mapping[str, str]  # without Authorization
    connection: int  # the client's port: the same for all requests of one connection
    identity: str | None = None
    status: int | None = None


class RequestLog:
    """The newest requests, and the routes among them that are not imitated."""

    def __init__(self) -> None:
        self.requests: list[LoggedRequest] = []
        self.unknown_routes: list[str] = []

    def add(self, request: Request, connection: int) -> LoggedRequest:
        """Add a request and return its entry."""
        entry = LoggedRequest(
            method=request.method,
            path=request.path,
            query=request.args.to_dict(),
            body=_read_body(request),
            headers={name: value for name, value in request.headers.items() if name != "Authorization"},
            connection=connection,
        )
        self.requests.append(entry)
        del self.requests[:-MAX_REQUESTS]
        return entry


def _read_body(request: Request) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(request.get_data())
    with suppress(HTTPException):  # the route that expects a form will reject it
        return request.form.to_dict() or None
    return None
