"""The HTTP/1.1 side: connections that are kept alive, answered without delay, and cut on demand."""

import io
import socket
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import Headers
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.test import run_wsgi_app

HOST = "127.0.0.1"  # and nothing else: whoever reaches the stand-in can write files
BACKLOG = 512
ENDING = "standin.ending"  # the key of the WSGI environment with the request's Ending


@dataclass
class Ending:
    """How the application wants a connection to end."""

    cut: bool = False  # without an answer
    truncate: int | None = None  # after so many bytes of the answer's body


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
        environ = self.make_environ()
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            self.wfile.flush()
        if not environ.get("wsgi.input_terminated"):
            length = self.headers.get("Content-Length", "0")
            environ["wsgi.input"] = io.BytesIO(self.rfile.read(int(length) if length.isdecimal() else 0))
        environ[ENDING] = ending = Ending()
        chunks, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        body = b"".join(chunks)
        if ending.cut:
            self.close_connection = True
            return
        self._answer(status, headers, body, ending.truncate)

    def _answer(self, status: str, headers: Headers, body: bytes, truncate: int | None) -> None:
        code, _, reason = status.partition(" ")
        self.send_response_only(int(code), reason)
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:truncate])
        if truncate is not None:
            self.close_connection = True
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

    def server_close(self) -> None:
        """Close the port and every connection, and wait for their threads."""
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue  # the client was faster
        super().server_close()
