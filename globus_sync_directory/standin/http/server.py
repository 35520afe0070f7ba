"""The line: connections that are kept alive, the log of all requests, and where faults strike them."""

import io
import json
import logging
import socket
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import werkzeug
from flask import Flask, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import http_date
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Response

from ..api.documents import ApiError, Document
from ..clock import Clock
from .faults import Fault, Faults

log = logging.getLogger(__name__)

HOST = "127.0.0.1"  # and nothing else: whoever reaches the stand-in can write files
BACKLOG = 512
CONTROL = "/standin/"  # apart from the imitated services: never logged, never struck
LOGGED = 100_000  # requests that are remembered, the newest
ENTRY = "standin.entry"  # in the WSGI environment: the log's entry of the request
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


class RequestLog:
    """The requests and unknown routes in order of arrival; ``closing`` cuts delays short."""

    def __init__(self, app: Flask, clock: Clock, faults: Faults) -> None:
        self.requests: list[Request] = []
        self.unknown_routes: list[str] = []
        self.closing = threading.Event()
        self._app = app
        self._clock = clock
        self._faults = faults
        app.register_error_handler(ApiError, _refused)
        app.register_error_handler(HTTPException, self._not_served)
        app.register_error_handler(Exception, _bug)

    def respond(self, environ: dict[str, Any]) -> tuple[Response, Fault | None]:
        """Return the answer to a request, and the fault that struck it."""
        asked = werkzeug.Request(environ)
        fault = None
        if asked.path.startswith(CONTROL):
            answer = Response.from_app(self._app, environ, buffered=True)
        else:
            environ[ENTRY] = entry = Request(
                method=asked.method,
                path=asked.path,
                query=asked.args.to_dict(),
                body=_body(asked),
                headers={name: value for name, value in asked.headers.items() if name != "Authorization"},
                connection=int(environ["REMOTE_PORT"]),
            )
            self.requests.append(entry)
            del self.requests[:-LOGGED]
            environ["wsgi.input"].seek(0)
            fault = self._faults.select(asked.method, asked.path)
            before, after = (fault if fault and fault.when == when else None for when in ("before", "after"))
            answer = self._apply(before, asked.path) or Response.from_app(self._app, environ, buffered=True)
            answer = self._apply(after, asked.path) or answer
            if not (fault and fault.cut):
                entry.status = answer.status_code
        answer.headers["Date"] = http_date(self._clock.now())
        answer.headers.update(fault.headers if fault else {})
        return answer, fault

    def _apply(self, fault: Fault | None, path: str) -> Response | None:
        """Wait and act as a fault says; return the answer that takes the place of the real one, if any does."""
        if fault is None:
            return None
        self.closing.wait(fault.delay)
        if fault.action is not None:
            fault.action()
        if fault.html:
            return Response(_PAGE, fault.status or 502, mimetype="text/html")
        body = fault.body
        if body is None and fault.status is not None:
            body = ApiError(fault.status, fault.code, fault.message).document(path)
        if body is None:
            return Response() if fault.cut else None
        text = body if isinstance(body, str) else json.dumps(body)
        return Response(text, fault.status or 200, mimetype="application/json")

    def _not_served(self, error: HTTPException) -> tuple[Document, int]:
        if error.code not in (404, 405):
            return _refused(ApiError(error.code or 400, "ClientError.BadRequest", error.description or error.name))
        route = f"{request.method} {request.path}"
        if not request.path.startswith(CONTROL):
            self.unknown_routes.append(route)
        message = f"The stand-in does not imitate {route}"
        # Flows and Timers have their errors in "error"; globus-cli insists on it.
        extra = {} if request.path.startswith("/v0.10/") else {"error": {"code": "NotImplemented", "detail": message}}
        return _refused(ApiError(501, "NotImplemented", message, **extra))


def _body(asked: werkzeug.Request) -> Any:
    with suppress(ValueError, RecursionError):
        return json.loads(asked.get_data())
    with suppress(HTTPException):  # the route that wants a form will answer
        return asked.form.to_dict() or None
    return None


def _refused(error: ApiError) -> tuple[Document, int]:
    return error.document(request.path), error.status


def _bug(error: Exception) -> tuple[Document, int]:
    """Answer as the service would, and tell whoever runs the stand-in."""
    log.error("%s %s: a bug in the stand-in", request.method, request.path, exc_info=error)
    return _refused(ApiError(500, "InternalError", f"{type(error).__name__} in the stand-in"))


class _Handler(WSGIRequestHandler):
    """Werkzeug's handler closes each connection after one answer; this one keeps it, as Globus does."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Listener"
    wbufsize = -1  # head and body leave in one piece

    def run_wsgi(self) -> None:
        self.wfile.flush()  # a "100 Continue", if one was wanted
        try:
            environ = self.make_environ()
            body = self._body(environ)
        except (ValueError, OSError):  # the request line is no URL, or the chunks are none
            body = None
        if body is None:
            self.close_connection = True
            self._answer(Response("", 400), None)
            return
        whole = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        answer, fault = self.server.traffic.respond(environ | whole)
        if fault and (fault.cut or fault.truncate is not None):
            self.close_connection = True
        if not (fault and fault.cut):
            self._answer(answer, fault.truncate if fault else None)

    def _body(self, environ: dict[str, Any]) -> bytes | None:
        """Return the whole body of the request, or None when it is in chunks, or not what its head says."""
        if environ.get("wsgi.input_terminated"):
            return None
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdecimal()) or len(length) > 9:
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _answer(self, answer: Response, length: int | None) -> None:
        self.send_response_only(answer.status_code, answer.status.partition(" ")[2])
        for name, value in answer.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.get_data()[:length])
        self.wfile.flush()

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing: the stand-in keeps its own log."""


class Listener(ThreadedWSGIServer):
    """A server on a free or the given port of loopback; raises OSError when that is taken."""

    daemon_threads = False  # closing joins them
    block_on_close = True

    def __init__(self, app: Flask, traffic: RequestLog, port: int) -> None:
        self.traffic = traffic
        self.connections: set[socket.socket] = set()
        with socket.create_server((HOST, port), backlog=BACKLOG) as bound:
            super().__init__(HOST, bound.getsockname()[1], app, _Handler, fd=bound.fileno())

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.connections.add(connection)  # here, not in its thread, which may start when all are closed already
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of what no client's connection explains."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            log.error("%s: a bug in the stand-in", client_address, exc_info=error)

    def server_close(self) -> None:
        """Close the port and every connection, and wait for their threads."""
        for connection in list(self.connections):
            with suppress(OSError):  # the client was faster
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()
