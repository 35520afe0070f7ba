"""From a request to its answer: the request is logged, the application answers, and a fault may change that."""

import json
import re
import threading
from typing import Any

from flask import Flask
from werkzeug import Request
from werkzeug.http import http_date
from werkzeug.wrappers import Response

from ..clock import Clock
from .error_document import error_document
from .faults import Fault, Faults
from .request_log import RequestLog

CONTROL = "/standin/"  # requests to these paths are never logged, and no fault applies to them
LOGGED_REQUEST = "standin.request"  # key in the WSGI environment: the request's entry in the log
CONTEXT = "standin.context"  # likewise: what the application needs to know about this stand-in
_OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?", re.IGNORECASE)
_PAGE = "<!DOCTYPE html>\n<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>\n"


class Responder:
    """Answers the requests to one stand-in. ``closing`` ends all delays."""

    def __init__(self, app: Flask, context: object, clock: Clock, faults: Faults, log: RequestLog) -> None:
        self.closing = threading.Event()
        self._app = app
        self._context = context
        self._clock = clock
        self._faults = faults
        self._log = log

    def respond(self, environ: dict[str, Any]) -> tuple[Response, Fault | None]:
        """Return the answer to a request, and the fault that was applied to it."""
        request = Request(environ)
        environ[CONTEXT] = self._context
        if not _OWN_HOST.fullmatch(environ.get("HTTP_HOST", "localhost")):
            response, fault = _misdirected(request.path), None
        elif request.path.startswith(CONTROL):
            response, fault = self._process(environ), None
        else:
            response, fault = self._respond_and_log(request)
        response.headers["Date"] = http_date(self._clock.now())
        response.headers.update(fault.headers if fault else {})
        return response, fault

    def _respond_and_log(self, request: Request) -> tuple[Response, Fault | None]:
        environ = request.environ
        environ[LOGGED_REQUEST] = entry = self._log.add(request, int(environ["REMOTE_PORT"]))
        environ["wsgi.input"].seek(0)
        fault = self._faults.select(request.method, request.path)
        response = None
        if fault and fault.when == "before":
            response = self._apply(fault, request.path)
        response = response or self._process(environ)
        if fault and fault.when == "after":
            response = self._apply(fault, request.path) or response
        if not (fault and fault.cut):
            entry.status = response.status_code
        return response, fault

    def _process(self, environ: dict[str, Any]) -> Response:
        return Response.from_app(self._app, environ, buffered=True)

    def _apply(self, fault: Fault, path: str) -> Response | None:
        """Wait and act as a fault says. Return the answer that replaces the real one, or None."""
        self.closing.wait(fault.delay)
        if fault.action is not None:
            fault.action()
        if fault.html:
            return Response(_PAGE, fault.status or 502, mimetype="text/html")
        body = fault.body
        if body is None and fault.status is not None:
            body = error_document(fault.code, fault.message, path)
        if body is None:
            return Response() if fault.cut else None
        text = body if isinstance(body, str) else json.dumps(body)
        return Response(text, fault.status or 200, mimetype="application/json")


def _misdirected(path: str) -> Response:
    """Answer a web page that reaches this computer under a name of its own (DNS rebinding)."""
    document = error_document("Misdirected", "The stand-in answers only to 127.0.0.1 and localhost", path)
    return Response(json.dumps(document), 421, mimetype="application/json")
