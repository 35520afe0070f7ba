"""The server on 127.0.0.1: its port, its connections, which are kept alive, and their threads."""

import io
import logging
import socket
import sys
from contextlib import suppress
from typing import Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Response

from .responder import Responder

HOST = "127.0.0.1"  # nothing else: whoever reaches the stand-in can write files
BACKLOG = 512

log = logging.getLogger(__name__)


class HttpServer(ThreadedWSGIServer):
    """A server on the given port, or on a free one. Raises OSError if the port is in use."""

    daemon_threads = False  # closing joins them
    block_on_close = True

    def __init__(self, app: Flask, responder: Responder, port: int) -> None:
        self.responder = responder
        self.connections: set[socket.socket] = set()
        with socket.create_server((HOST, port), backlog=BACKLOG) as bound:
            super().__init__(HOST, bound.getsockname()[1], app, _Handler, fd=bound.fileno())

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.connections.add(connection)  # not in its thread, which may start after server_close
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.connections.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log an error, unless the client closed its connection."""
        error = sys.exception()
        if not isinstance(error, ConnectionError | TimeoutError):
            log.error("%s: a bug in the stand-in", client_address, exc_info=error)

    def server_close(self) -> None:
        """Close the port and every connection, and wait for their threads."""
        for connection in list(self.connections):
            with suppress(OSError):  # the client closed it first
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()


class _Handler(WSGIRequestHandler):
    """Werkzeug's handler closes each connection after one answer; this one keeps it open, as Globus does."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: HttpServer
    wbufsize = -1  # head and body leave together

    def run_wsgi(self) -> None:
        self.wfile.flush()  # a "100 Continue", if the client asked for one
        try:
            environ = self.make_environ()
            body = self._read_body(environ)
        except (ValueError, OSError):  # the request line is not a URL, or the chunks are malformed
            body = None
        if body is None:
            self.close_connection = True
            self._send(Response("", 400), None)
            return
        whole = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        response, fault = self.server.responder.respond(environ | whole)
        if fault and fault.ends_connection:
            self.close_connection = True
        if not (fault and fault.cut):
            self._send(response, fault.truncate if fault else None)

    def _read_body(self, environ: dict[str, Any]) -> bytes | None:
        """Return the body of the request, or None if it comes in chunks, or is shorter than its header says."""
        if environ.get("wsgi.input_terminated"):
            return None
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdecimal()) or len(length) > 9:
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _send(self, response: Response, length: int | None) -> None:
        self.send_response_only(response.status_code, response.status.partition(" ")[2])
        for name, value in response.headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.get_data()[:length])
        self.wfile.flush()

    def log(self, type: str, message: str, *args: Any) -> None:
        """Print nothing: the stand-in has its own log."""
