"""How requests leave this process: how many at a time, how long each may take, how often one is repeated."""

from __future__ import annotations

import collections
import contextlib
import logging
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import requests
from globus_sdk import GlobusError, NetworkError
from globus_sdk.transport import RequestsTransport, RetryConfig, RetryContext
from requests.adapters import HTTPAdapter

from globus_sync_directory.text import sanitize

AT_A_TIME = 8
MOST_IN_WINDOW, WINDOW_SECONDS = 150, 10.0  # Globus meters 20 requests a second per user, over ten seconds
TIMEOUT_SECONDS = 15.0
REPEATS = 2
LONGEST_PAUSE_SECONDS = 5  # three timeouts and two such pauses stay under a minute

log = logging.getLogger(__name__)


class RateLimiter:
    """Lets at most MOST_IN_WINDOW requests pass in any WINDOW_SECONDS, whatever the number of threads."""

    def __init__(self) -> None:
        self._passed: collections.deque[float] = collections.deque(maxlen=MOST_IN_WINDOW)
        self._turn = threading.Lock()

    def wait(self) -> None:
        """Return when one more request may be sent."""
        with self._turn:
            if len(self._passed) == MOST_IN_WINDOW:
                time.sleep(max(0.0, self._passed[0] + WINDOW_SECONDS - time.monotonic()))
            self._passed.append(time.monotonic())


class _Adapter(HTTPAdapter):
    """Sends each single request, repeats included, through the meter and tells the debug log about it."""

    def __init__(self, meter: RateLimiter) -> None:
        super().__init__(pool_connections=2, pool_maxsize=2)
        self._meter = meter

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self._meter.wait()
        begun = time.monotonic()
        what = f"{request.method} {(request.url or '').partition('?')[0]}"
        try:
            response = super().send(request, *args, **kwargs)
            _read_in_time(response)
        except requests.RequestException as error:
            log.debug("%s: %s after %.0f ms", what, _reason(error), 1000 * (time.monotonic() - begun))
            raise
        if log.isEnabledFor(logging.DEBUG):
            took = 1000 * (time.monotonic() - begun)
            log.debug("%s: %d after %.0f ms%s", what, response.status_code, took, _request_id(response))
        return response


def _read_in_time(response: requests.Response) -> None:
    """
    Read the body of a reply; one that only trickles in, and so meets no timeout of a single read, is broken off.

    That needs urllib3 2.3 or newer, which ``pip`` installs today.
    """
    late = threading.Event()

    def break_off() -> None:
        late.set()
        with contextlib.suppress(OSError, ValueError):  # it may have come to its end just now
            getattr(response.raw, "shutdown", response.raw.close)()

    breaker = threading.Timer(TIMEOUT_SECONDS, break_off)
    breaker.daemon = True
    breaker.start()
    try:
        _ = response.content
    finally:
        breaker.cancel()
        if late.is_set():
            raise requests.ReadTimeout("only a part of the reply came in time")


def _request_id(response: requests.Response) -> str:
    """Return the service's own id of a request, for its help desk, where the reply names one."""
    try:
        document = response.json()
    except (ValueError, RecursionError):  # who asked will notice what is wrong with it
        return ""
    found = document.get("request_id") if isinstance(document, dict) else None
    return f", request id {sanitize(found, 40)}" if found else ""


def make_transport(meter: RateLimiter) -> RequestsTransport:
    """Return an SDK transport of one thread; raises ValueError for a bad GLOBUS_SDK_VERIFY_SSL."""
    transport = RequestsTransport(http_timeout=TIMEOUT_SECONDS)
    for scheme in ("https://", "http://"):
        transport.session.mount(scheme, _Adapter(meter))
    return transport


def make_retry_config(on_repeat: Callable[[], None] = lambda: None) -> RetryConfig:
    """Return the SDK's retry settings; ``on_repeat`` is called before a request without a clear answer is repeated."""
    usual_pause = RetryConfig().backoff

    def pause(context: RetryContext) -> float:
        on_repeat()
        return usual_pause(context)

    return RetryConfig(max_retries=REPEATS, max_sleep=LONGEST_PAUSE_SECONDS, backoff=pause)


def reason(error: GlobusError) -> str:
    """Return in a few words why no answer came, without URLs, tokens or Python's own terms."""
    return _reason(error.underlying_exception) if isinstance(error, NetworkError) else "no usable answer"


def _reason(error: BaseException) -> str:
    for cause in _causes(error):
        if isinstance(cause, requests.exceptions.SSLError):
            return "the server's TLS certificate could not be verified"
        if isinstance(cause, requests.exceptions.ProxyError):
            return "the proxy did not let the request through"
        if isinstance(cause, TimeoutError | requests.Timeout):
            return f"no answer within {TIMEOUT_SECONDS:.0f} s"
        if isinstance(cause, socket.gaierror):
            return "the server's name cannot be resolved"
        if isinstance(cause, OSError) and cause.errno and cause.strerror:
            return cause.strerror.lower()
    return "the connection broke off"


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    waiting: list[object] = [error]
    while waiting and len(found) < 50:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            waiting += [*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__]
    return found
