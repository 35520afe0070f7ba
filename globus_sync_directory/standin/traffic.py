"""What goes over the line: the log of all requests, and where faults strike them."""

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date

from .clock import Clock
from .documents import ApiError, Document
from .faults import Fault, Faults
from .listener import STRUCK

log = logging.getLogger(__name__)

CONTROL = "/standin/"  # apart from the imitated services: never logged, never struck
_PAGE = "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>\n"


@dataclass(kw_only=True)
class Request:
    """One request as it arrived; ``status`` is None while there is no answer, and when the connection was cut."""

    method: str
    path: str
    query: Mapping[str, str]
    body: Any  # the JSON document, the fields of a form, or None
    headers: Mapping[str, str]  # without Authorization
    connection: int  # the client's port: the same on a kept-alive connection
    identity: str | None = None
    status: int | None = None


class Traffic:
    """The requests and unknown routes in order of arrival; ``closing`` cuts delays short."""

    def __init__(self, app: Flask, clock: Clock, faults: Faults) -> None:
        self.requests: list[Request] = []
        self.unknown_routes: list[str] = []
        self.closing = threading.Event()
        self._clock = clock
        self._faults = faults
        app.before_request(self._receive)
        app.after_request(self._send)
        app.register_error_handler(ApiError, _refused)
        app.register_error_handler(HTTPException, self._not_served)
        app.register_error_handler(Exception, _bug)

    def _receive(self) -> Response | None:
        if request.path.startswith(CONTROL):
            return None
        g.entry = Request(
            method=request.method,
            path=request.path,
            query=request.args.to_dict(),
            body=_body(),
            headers={name: value for name, value in request.headers.items() if name != "Authorization"},
            connection=int(request.environ["REMOTE_PORT"]),
        )
        self.requests.append(g.entry)
        g.fault = fault = self._faults.strike(request.method, request.path)
        request.environ[STRUCK].extend([fault] if fault else [])
        return self._strike(fault) if fault and fault.when == "before" else None

    def _send(self, answer: Response) -> Response:
        fault: Fault | None = g.get("fault")
        if fault and fault.when == "after":
            answer = self._strike(fault) or answer
        answer.headers["Date"] = http_date(self._clock.now())
        answer.headers.update(fault.headers if fault else {})
        if "entry" in g and not (fault and fault.cut):
            g.entry.status = answer.status_code
        return answer

    def _strike(self, fault: Fault) -> Response | None:
        """Wait and act as a fault says; return the answer that takes the place of the real one, if any does."""
        self.closing.wait(fault.delay)
        if fault.action is not None:
            fault.action()
        if fault.html:
            return Response(_PAGE, fault.status or 502, mimetype="text/html")
        body = fault.body
        if body is None and fault.status is not None:
            body = ApiError(fault.status, fault.code, fault.message).document(request.path)
        if body is None:
            return Response() if fault.cut else None
        text = body if isinstance(body, str) else json.dumps(body)
        return Response(text, fault.status or 200, mimetype="application/json")

    def _not_served(self, error: HTTPException) -> tuple[Document, int]:
        if error.code not in (404, 405):
            return _refused(ApiError(error.code or 400, "ClientError.BadRequest", error.description or error.name))
        route = f"{request.method} {request.path}"
        self.unknown_routes.append(route)
        message = f"The stand-in does not imitate {route}"
        # Flows and Timers have their errors in "error"; globus-cli insists on it.
        extra = {} if request.path.startswith("/v0.10/") else {"error": {"code": "NotImplemented", "detail": message}}
        return _refused(ApiError(501, "NotImplemented", message, **extra))


def _body() -> Any:
    try:
        return json.loads(request.get_data(cache=True))
    except (ValueError, RecursionError):
        return request.form.to_dict() or None


def _refused(error: ApiError) -> tuple[Document, int]:
    return error.document(request.path), error.status


def _bug(error: Exception) -> tuple[Document, int]:
    """Answer as the service would, and tell whoever runs the stand-in."""
    log.error("%s %s: a bug in the stand-in", request.method, request.path, exc_info=error)
    return _refused(ApiError(500, "InternalError", f"{type(error).__name__} in the stand-in"))
