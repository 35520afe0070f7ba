"""The HTTP/1.1 side: connections that are kept alive, answered without delay, and cut on demand."""

import io
import logging
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Response

from .faults import Fault

log = logging.getLogger(__name__)

HOST = "127.0.0.1"  # and nothing else: whoever reaches the stand-in can write files
BACKLOG = 512

Respond = Callable[[dict[str, Any]], tuple[Response, Fault | None]]  # from a WSGI environment


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
        self.wfile.flush()  # a "100 Continue", if one was wanted
        try:
            environ = self.make_environ()
            body = self._body(environ)
        except (ValueError, OSError):  # the request line is no URL, or the chunks are none
            body = None
        if body is None:
            self.close_connection = True
            self._answer(Response(status=400), None)
            return
        answer, fault = self.server.respond({**environ, "wsgi.input": io.BytesIO(body)})
        if fault and (fault.cut or fault.truncate is not None):
            self.close_connection = True
        if not (fault and fault.cut):
            self._answer(answer, fault.truncate if fault else None)

    def _body(self, environ: dict[str, Any]) -> bytes | None:
        """Return the whole body of the request, or None when it is not what its head says."""
        if environ.get("wsgi.input_terminated"):
            return bytes(environ["wsgi.input"].read())
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

    def __init__(self, respond: Respond, port: int) -> None:
        self.respond = respond
        self.connections: set[socket.socket] = set()
        with socket.create_server((HOST, port), backlog=BACKLOG) as bound:
            super().__init__(HOST, bound.getsockname()[1], None, _Handler, fd=bound.fileno())  # type: ignore[arg-type]

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
