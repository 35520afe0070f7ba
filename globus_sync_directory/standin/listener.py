"""The HTTP/1.1 side: connections that are kept alive, answered without delay, and cut on demand."""

import io
import logging
import socket
import sys
from contextlib import suppress
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

from .faults import Fault

log = logging.getLogger(__name__)

HOST = "127.0.0.1"  # and nothing else: whoever reaches the stand-in can write files
BACKLOG = 512
STRUCK = "standin.struck"  # in the WSGI environment: a list for the fault that strikes the request, if any


class _Handler(WSGIRequestHandler):
    """Werkzeug's handler closes each connection after one answer; this one keeps it, as Globus does."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: "Listener"
    wbufsize = -1  # head and body leave in one piece

    def setup(self) -> None:
        super().setup()
        self.server.connections.add(self.connection)

    def finish(self) -> None:
        self.server.connections.discard(self.connection)
        super().finish()

    def run_wsgi(self) -> None:
        try:
            environ = self.make_environ()
        except ValueError:  # the request line is no URL
            environ = {}
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        body = self._body(environ)
        if body is None or not environ:
            self.close_connection = True
            self._answer("400 BAD REQUEST", Headers({"Content-Length": "0"}), b"")
            return
        environ["wsgi.input"] = io.BytesIO(body)
        struck: list[Fault] = []
        chunks, status, headers = run_wsgi_app(self.server.app, environ | {STRUCK: struck}, buffered=True)
        fault = struck[0] if struck else None
        if fault and (fault.cut or fault.truncate is not None):
            self.close_connection = True
        if not (fault and fault.cut):
            self._answer(status, headers, b"".join(chunks)[: fault.truncate if fault else None])

    def _body(self, environ: dict[str, Any]) -> bytes | None:
        """Return the whole body of the request, or None when it is not what its head says."""
        if environ.get("wsgi.input_terminated"):
            with suppress(OSError):
                return bytes(environ["wsgi.input"].read())
            return None
        length = self.headers.get("Content-Length", "0")
        if not (length.isascii() and length.isdecimal()) or len(length) > 9:
            return None
        body = self.rfile.read(int(length))
        return body if len(body) == int(length) else None

    def _answer(self, status: str, headers: Headers, body: bytes) -> None:
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing: the stand-in keeps its own log."""


class Listener(ThreadedWSGIServer):
    """A server on a free or the given port of loopback; raises OSError when that is taken."""

    daemon_threads = False  # closing joins them
    block_on_close = True

    def __init__(self, app: Any, port: int) -> None:
        self.connections: set[socket.socket] = set()
        with socket.create_server((HOST, port), backlog=BACKLOG) as bound:
            super().__init__(HOST, bound.getsockname()[1], app, _Handler, fd=bound.fileno())

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
