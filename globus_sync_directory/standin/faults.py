"""Trouble on the line: which requests are refused, delayed, cut or answered with nonsense, and how."""

import threading
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any, Literal

from .clock import Clock
from .documents import ApiError

_METERED = timedelta(seconds=10)
_METER_LIMIT = 200  # in that time, that is 20 a second. Source: docs.globus.org, FAQ, transfer and sharing


@dataclass(frozen=True, kw_only=True)
class Fault:
    """
    What happens to some of the requests that match ``method`` and ``path``.

    Counting from when the fault was added, it strikes the ``nth`` match and those after it, ``times`` in all (None: for
    ever). It strikes before or after (``when``) the request is processed; a fault that strikes before and answers or
    cuts keeps it from being processed. Without answer, cut or truncation the real answer is sent.
    """

    method: str = "*"  # "POST", or a pattern
    path: str = "*"  # "/v0.10/transfer", or a pattern with * as in file names
    nth: int = 1
    times: int | None = 1
    when: Literal["before", "after"] = "before"
    delay: float = 0.0  # real seconds
    action: Callable[[], object] | None = field(default=None, compare=False)  # called after the delay
    cut: bool = False  # the connection is closed without an answer
    status: int | None = None  # of the fault's own answer: an error document of the next two ...
    code: str = "ServiceUnavailable"
    message: str = "Made to fail"
    body: Any = None  # ... or this document, or this text as it is (status 200 if there is none) ...
    html: bool = False  # ... or an HTML page (502)
    headers: Mapping[str, str] = field(default_factory=dict)  # set on whatever is answered
    truncate: int | None = None  # so many bytes of the body are sent, then the connection is closed

    def __post_init__(self) -> None:
        """Raise ValueError for what could not be done when the time comes."""
        texts = [text for header in self.headers.items() for text in header]
        if not all(isinstance(text, str) and text.isascii() and text.isprintable() for text in texts):
            raise ValueError("headers are plain text")
        if isinstance(self.body, str) and any(0xD800 <= ord(letter) < 0xE000 for letter in self.body):
            raise ValueError("body is text or a document")
        if self.when not in ("before", "after"):
            raise ValueError("when is before or after")
        if not 0 <= self.delay <= threading.TIMEOUT_MAX:
            raise ValueError("delay is a number of seconds")
        if self.status is not None and not 200 <= self.status <= 599:
            raise ValueError("status is from 200 to 599")
        if self.truncate is not None and self.truncate < 0:
            raise ValueError("truncate is a number of bytes")


class Faults:
    """The faults of one stand-in, in the order in which they are tried."""

    def __init__(self) -> None:
        self._counts: list[tuple[Fault, list[int]]] = []
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._counts.append((fault, [0]))

    def clear(self) -> None:
        with self._lock:
            self._counts.clear()

    def strike(self, method: str, path: str) -> Fault | None:
        """Count a request and return the first fault that strikes it."""
        struck = None
        with self._lock:
            for fault, seen in self._counts:
                if fnmatchcase(method, fault.method) and fnmatchcase(path, fault.path):
                    seen[0] += 1
                    past = seen[0] - fault.nth
                    if struck is None and past >= 0 and (fault.times is None or past < fault.times):
                        struck = fault
        return struck


class Meter:
    """The service's limit on requests of one identity."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: dict[str, deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def count(self, identity: str, status: int) -> None:
        """Count a request; raises ApiError with ``status`` for one too many."""
        now = self._clock.now()
        with self._lock:
            times = self._times[identity]
            while times and now - times[0] >= _METERED:
                times.popleft()
            if len(times) >= _METER_LIMIT:
                raise ApiError(status, "ClientError.TooManyRequests", "Too many requests")
            times.append(now)
