"""A server whose replies come piece by piece and never end."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Trickle:
    """Its port, and whether it has begun to answer somebody."""

    port: int
    is_talking: threading.Event = field(default_factory=threading.Event)


@contextlib.contextmanager
def trickling_server(start: bytes, piece: bytes) -> Iterator[Trickle]:
    """Yield a server that sends ``start`` on every connection, then ``piece`` every 50 ms without end."""
    stop = threading.Event()

    def talk(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.sendall(start)
            trickle.is_talking.set()
            while not stop.wait(0.05):
                connection.sendall(piece)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                talkers.append(threading.Thread(target=talk, args=(server.accept()[0],)))
                talkers[-1].start()

    talkers: list[threading.Thread] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        trickle = Trickle(server.getsockname()[1])
        accepting = threading.Thread(target=serve)
        accepting.start()
        try:
            yield trickle
        finally:
            stop.set()
            server.shutdown(socket.SHUT_RDWR)
            for thread in (accepting, *talkers):
                thread.join()
