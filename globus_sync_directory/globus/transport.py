"""How requests leave this process: how many in ten seconds, how long each may take, how often one is repeated."""

from __future__ import annotations

import collections
import io
import logging
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import requests
import urllib3
from globus_sdk import GlobusError, NetworkError
from globus_sdk.transport import RequestsTransport, RetryCheckCollection, RetryCheckResult, RetryConfig, RetryContext
from requests.adapters import HTTPAdapter

MOST_IN_WINDOW, WINDOW_SECONDS = 150, 10.0  # Globus meters 20 requests a second per user, over ten seconds
TIMEOUT_SECONDS = 15.0
REPEATS = 2
LONGEST_PAUSE_SECONDS = 5  # three time-outs and two such pauses take less than a minute
_PIECE_BYTES = 65_536

_REASONS: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ssl.SSLCertVerificationError,), "the server's TLS certificate could not be verified"),
    ((TimeoutError, requests.Timeout), "no answer within {:.0f} s"),
    ((socket.gaierror,), "the server's name cannot be resolved"),
)
_REASONS_WITHOUT_CAUSE: tuple[tuple[tuple[type[BaseException], ...], str], ...] = (
    ((ssl.SSLError, requests.exceptions.SSLError), "no TLS connection could be made"),
    ((requests.exceptions.ProxyError,), "the proxy did not let the request through"),
)

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


class MeteredAdapter(HTTPAdapter):
    """Sends every single request, repeats included: waits for the rate limiter first, and writes the debug log."""

    def __init__(self, limiter: RateLimiter) -> None:
        super().__init__(pool_connections=2, pool_maxsize=2)
        self._limiter = limiter

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        self._limiter.wait()
        started = time.monotonic()
        what = f"{request.method} {(request.url or '').partition('?')[0]}"
        try:
            response = super().send(request, *args, **kwargs)
            _read_body(response, time.monotonic() + TIMEOUT_SECONDS)
        except requests.RequestException as error:
            log.debug("%s: %s after %.0f ms", what, _network_reason(error), 1000 * (time.monotonic() - started))
            raise
        took = 1000 * (time.monotonic() - started)
        log.debug("%s: %d after %.0f ms%s", what, response.status_code, took, _request_id(response.content))
        return response


def _read_body(response: requests.Response, until: float) -> None:
    """
    Read the whole body; raises requests.ReadTimeout where it is not complete at ``until`` (monotonic clock).

    The time-out of a socket starts again with every byte that comes, so it alone never ends a reply that trickles in.
    """
    pieces = []
    try:
        while piece := response.raw.read1(_PIECE_BYTES, decode_content=True):
            pieces.append(piece)
            if time.monotonic() > until:
                raise requests.ReadTimeout("only a part of the reply came in time")
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error) from error
    finally:
        response.raw.close()  # a connection whose reply was read to its end is back in the pool by now
    response.raw = io.BytesIO(b"".join(pieces))


def _request_id(body: bytes) -> str:
    """Return the service's own id of a request, for its help desk, where the reply names one."""
    found = re.search(rb'"request_id": ?"(\w{1,40})"', body)
    return f", request id {found[1].decode()}" if found else ""


def make_transport(limiter: RateLimiter) -> RequestsTransport:
    """Return an SDK transport for one thread; raises ValueError for a bad GLOBUS_SDK_VERIFY_SSL."""
    transport = RequestsTransport(http_timeout=TIMEOUT_SECONDS)
    for scheme in ("https://", "http://"):
        transport.session.mount(scheme, MeteredAdapter(limiter))
    return transport


def make_retry_config(on_repeat: Callable[[], None] = lambda: None) -> RetryConfig:
    """Return the SDK's retry settings; ``on_repeat`` is called before a request without a clear answer is repeated."""
    usual_pause = RetryConfig().backoff

    def pause(context: RetryContext) -> float:
        if context.response is not None and context.response.status_code == 401:
            return 0  # a clear answer; the request is sent with a new token, before that dies too
        on_repeat()
        return usual_pause(context)

    checks = RetryCheckCollection()
    checks.register_check(_after_refusal)  # before those of the SDK
    return RetryConfig(max_retries=REPEATS, max_sleep=LONGEST_PAUSE_SECONDS, backoff=pause, checks=checks)


def _after_refusal(context: RetryContext) -> RetryCheckResult:
    """
    Repeat a request whose token was not accepted if there is another token for it.

    The check of the SDK for this repeats a request only once, also after a token that another thread has replaced.
    """
    authorizer = context.caller_info.authorizer
    if authorizer is None or context.response is None or context.response.status_code != 401:
        return RetryCheckResult.no_decision
    has_another = authorizer.handle_missing_authorization()
    return RetryCheckResult.do_retry if has_another else RetryCheckResult.do_not_retry


def no_reply_reason(error: Exception) -> str:
    """Return in a few words why no reply came, without URLs, tokens or Python's own terms."""
    is_known = not isinstance(error, GlobusError) or isinstance(error, NetworkError)
    return _network_reason(error) if is_known else "no usable reply"


def causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the error, then what it stands for or was raised for, as far down as is known."""
    known: set[int] = set()
    while error and id(error) not in known:
        known.add(id(error))
        yield error
        wrapped = getattr(error, "underlying_exception", None) or getattr(error, "reason", None)
        held = next((held for held in error.args if isinstance(held, BaseException)), None)
        chained = error.__cause__ or error.__context__
        error = next((inner for inner in (wrapped, held, chained) if isinstance(inner, BaseException)), None)


def _network_reason(error: BaseException) -> str:
    chain = tuple(causes(error))
    for kinds, words in _REASONS:
        if any(isinstance(cause, kinds) for cause in chain):
            return words.format(TIMEOUT_SECONDS)
    for cause in chain:
        if isinstance(cause, OSError) and cause.errno and cause.strerror and not isinstance(cause, ssl.SSLError):
            return cause.strerror.lower()
        if refusal := re.fullmatch(r"Tunnel connection failed: (\d+).*", str(cause)):
            return f"the proxy answered {refusal[1]}"
    for kinds, words in _REASONS_WITHOUT_CAUSE:
        if any(isinstance(cause, kinds) for cause in chain):
            return words
    return "the connection was closed before the reply was complete"
