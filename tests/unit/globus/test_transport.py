"""Time-outs, the rate limit, and the words for a network that fails."""

from __future__ import annotations

import itertools
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
import urllib3
from globus_sdk import GlobusConnectionError, GlobusError

from globus_sync_directory.globus import transport
from globus_sync_directory.globus.transport import MeteredAdapter, RateLimiter, no_reply_reason

WINDOW_SECONDS = transport.WINDOW_SECONDS  # the real one, before a fixture makes it none


class Clock:
    """A clock that only a sleep moves."""

    def __init__(self) -> None:
        self.time = 1000.0

    def monotonic(self) -> float:
        """Return the time."""
        return self.time

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        assert seconds >= 0
        self.time += seconds


def test_rate_limiter(monkeypatch: pytest.MonkeyPatch) -> None:
    """No ten seconds see more than so many requests, and nobody waits who does not have to."""
    clock = Clock()
    monkeypatch.setattr(transport, "time", clock)
    monkeypatch.setattr(transport, "WINDOW_SECONDS", WINDOW_SECONDS)
    limiter, sent = RateLimiter(), []
    for _ in range(3 * transport.MOST_IN_WINDOW):
        limiter.wait()
        sent.append(clock.time)
        clock.time += 0.01
    window = zip(sent, sent[transport.MOST_IN_WINDOW :], strict=False)
    assert all(later - sooner >= WINDOW_SECONDS for sooner, later in window)
    assert sent[transport.MOST_IN_WINDOW - 1] == pytest.approx(1000 + 0.01 * (transport.MOST_IN_WINDOW - 1))
    assert sent[-1] == pytest.approx(1020 + 0.01 * (transport.MOST_IN_WINDOW - 1))
    clock.time += 100
    before = clock.time
    limiter.wait()
    assert clock.time == before


def test_three_time_outs_take_less_than_a_minute() -> None:
    """A service that is down costs less than a minute."""
    attempts = 1 + transport.REPEATS
    assert attempts * transport.TIMEOUT_SECONDS + transport.REPEATS * transport.LONGEST_PAUSE_SECONDS < 60


@contextmanager
def server(*pieces: bytes, pause: float = 0.0) -> Iterator[str]:
    """Answer one connection with these pieces, and close it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65_536)
                for piece in pieces:
                    try:
                        connection.sendall(piece)
                    except OSError:
                        return
                    time.sleep(pause)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/v0.10/x?token=abc"
        finally:
            thread.join(5)


def ask(url: str) -> requests.Response:
    """Ask through the adapter."""
    with requests.Session() as session:
        session.trust_env = False
        session.mount("http://", MeteredAdapter(RateLimiter()))
        return session.get(url, timeout=transport.TIMEOUT_SECONDS)


@pytest.mark.parametrize("pieces", [
    [b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", b"ab", b"cd"],
    [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\nab\r\n", b"2\r\ncd\r\n0\r\n\r\n"],
    [b"HTTP/1.1 200 OK\r\n\r\n", b"ab", b"cd"],
])  # fmt: skip
def test_a_reply_in_pieces(pieces: list[bytes]) -> None:
    """A reply is complete, in whatever pieces and however framed it comes."""
    with server(*pieces, pause=0.01) as url:
        assert ask(url).content == b"abcd"


@pytest.mark.promise(7, "a reply that trickles in")
def test_a_reply_that_trickles_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that never comes to its end is given up in time, although no single read waits long."""
    monkeypatch.setattr(transport, "TIMEOUT_SECONDS", 0.2)
    pieces = [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"] + [b" "] * 1000
    begun = time.monotonic()
    with server(*pieces, pause=0.02) as url:
        with pytest.raises(requests.ReadTimeout) as caught:
            ask(url)
        assert 0.2 <= time.monotonic() - begun < 2
    assert no_reply_reason(GlobusConnectionError("x", caught.value)) == "no answer within 0 s"


@pytest.mark.parametrize(("pieces", "reason"), [
    ([b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"], "the connection was closed before the reply was complete"),
    ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"],
     "the connection was closed before the reply was complete"),
    ([], "the connection was closed before the reply was complete"),
])  # fmt: skip
def test_a_broken_reply(pieces: list[bytes], reason: str, caplog: pytest.LogCaptureFixture) -> None:
    """A reply that is cut or mangled is no reply, and the debug log holds neither its query nor a traceback."""
    caplog.set_level(logging.DEBUG, "globus_sync_directory")
    with server(*pieces) as url, pytest.raises(requests.ConnectionError) as caught:
        ask(url)
    assert no_reply_reason(GlobusConnectionError("x", caught.value)) == reason
    (line,) = [record.message for record in caplog.records if record.name == transport.log.name]
    said, _, took = line.partition(" after ")
    assert said == f"GET {url.partition('?')[0]}: {reason}"
    assert 0 <= int(took.removesuffix(" ms")) < 60_000


def test_a_silent_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that says nothing, before or within its reply, is given up."""
    monkeypatch.setattr(transport, "TIMEOUT_SECONDS", 0.05)
    for pieces in ([b""], [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"]):
        with server(*pieces, pause=0.15) as url, pytest.raises(requests.RequestException) as caught:
            ask(url)
        assert no_reply_reason(GlobusConnectionError("x", caught.value)) == "no answer within 0 s"


def test_nobody_listens() -> None:
    """A refused connection is told as such."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(requests.ConnectionError) as caught:
        ask(f"http://127.0.0.1:{port}/")
    assert no_reply_reason(GlobusConnectionError("x", caught.value)) == "connection refused"


def chained(*errors: Exception) -> Exception:
    """Return the first error, caused by the second, caused by the third."""
    for error, cause in itertools.pairwise(errors):
        error.__cause__ = cause
    return errors[0]


def raised_during(error: Exception, other: Exception) -> Exception:
    """Return the first error, raised while the second was handled."""
    error.__context__ = other
    return error


@pytest.mark.parametrize(("error", "reason"), [
    (requests.exceptions.SSLError(urllib3.exceptions.SSLError(ssl.SSLCertVerificationError(1, "x"))),
     "the server's TLS certificate could not be verified"),
    (requests.exceptions.SSLError(urllib3.exceptions.SSLError(ssl.SSLError(1, "[SSL] internal error"))),
     "no TLS connection could be made"),
    (chained(requests.ConnectionError("x"), ssl.SSLError(1, "internal")), "no TLS connection could be made"),
    (raised_during(requests.ConnectionError("x"), TimeoutError()), "no answer within 15 s"),
    (requests.exceptions.ProxyError("x"), "the proxy did not let the request through"),
    (requests.exceptions.ProxyError(OSError("Tunnel connection failed: 407 user:secret")), "the proxy answered 407"),
    (requests.exceptions.ProxyError(OSError(111, "Connection refused")), "connection refused"),
    (requests.ConnectTimeout("x"), "no answer within 15 s"),
    (chained(requests.ConnectionError("x"), ValueError(), TimeoutError()), "no answer within 15 s"),
    (chained(requests.ConnectionError("x"), socket.gaierror(-2, "Unknown")), "the server's name cannot be resolved"),
    (chained(requests.ConnectionError("x"), OSError(101, "Network is unreachable")), "network is unreachable"),
    (requests.ConnectionError("https://user:secret@host/"), "the connection was closed before the reply was complete"),
])  # fmt: skip
def test_reasons(error: Exception, reason: str) -> None:
    """What failed is named in a few words, without addresses and secrets."""
    assert no_reply_reason(GlobusConnectionError("x", error)) == reason
    assert no_reply_reason(GlobusError("x")) == "no usable reply"


@pytest.mark.parametrize(("body", "expected"), [
    (b'{"request_id": "abc123XYZ", "code": "x"}', ", request id abc123XYZ"),
    (b'{"request_id":"abc123XYZ"}', ", request id abc123XYZ"),
    (b'{"request_id": "\\u001b[31m"}', ""),
    (b"\xff" + b"[" * 100_000, ""),
    (b"", ""),
])  # fmt: skip
def test_request_id(body: bytes, expected: str) -> None:
    """The debug log holds the id by which Globus' help desk finds a request."""
    assert transport._request_id(body) == expected


@pytest.mark.parametrize("url", ["https://transfer.api.globus.org/v0.10/x", "http://127.0.0.1:1/x"])
def test_every_request_is_metered(url: str) -> None:
    """Whatever the scheme, a request waits for its turn and may take so long."""
    made = transport.make_transport(RateLimiter())
    assert isinstance(made.session.get_adapter(url), MeteredAdapter)
    assert made.http_timeout == transport.TIMEOUT_SECONDS
