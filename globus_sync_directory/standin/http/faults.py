"""Faults: which requests are rejected, delayed, cut or answered with something else, and how."""

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Fault:
    """
    What happens to some of the requests that match ``method`` and ``path``.

    Matches are counted from the moment when the fault is added. The fault applies to the ``nth`` match and those after
    it, ``times`` in all (None: always), before or after (``when``) the request is processed. A fault that answers or
    cuts before keeps the request from being processed. Without an answer, a cut or a truncation of its own, the real
    answer is sent.
    """

    method: str = "*"  # "POST", or a pattern
    path: str = "*"  # "/v0.10/transfer", or a pattern with * as in file names
    nth: int = 1
    times: int | None = 1
    when: Literal["before", "after"] = "before"
    delay: float = 0.0  # real seconds
    action: Callable[[], object] | None = field(default=None, compare=False)  # called after the delay
    cut: bool = False  # the connection is closed without an answer
    status: int | None = None  # of the fault's own answer: an error document with the next two fields ...
    code: str = "ServiceUnavailable"
    message: str = "Made to fail"
    body: Any = None  # ... or this document, or this text unchanged (default status 200) ...
    html: bool = False  # ... or an HTML page (default status 502)
    headers: Mapping[str, str] = field(default_factory=dict)  # added to any answer
    truncate: int | None = None  # so many bytes of the body are sent, then the connection is closed

    def __post_init__(self) -> None:
        """Raise ValueError for a fault that cannot be applied."""
        texts = [text for header in self.headers.items() for text in header]
        rules = {
            "headers are text": all(isinstance(text, str) for text in texts),
            "headers are plain text": all(text.isascii() and text.isprintable() for text in map(str, texts)),
            "when is before or after": self.when in ("before", "after"),
            "nth and times count from 1": self.nth >= 1 and (self.times is None or self.times >= 1),
            "delay is a number of seconds": 0 <= self.delay <= threading.TIMEOUT_MAX,
            "status is from 200 to 599": self.status is None or 200 <= self.status <= 599,
            "truncate is a number of bytes": self.truncate is None or self.truncate >= 0,
        }
        for rule, is_kept in rules.items():
            if not is_kept:
                raise ValueError(rule)

    @property
    def ends_connection(self) -> bool:
        return self.cut or self.truncate is not None

    def matches(self, method: str, path: str) -> bool:
        return fnmatchcase(method, self.method.upper()) and fnmatchcase(path, self.path)

    def applies_to(self, number: int) -> bool:
        """Whether it applies to the match with this number, counted from 1."""
        return number >= self.nth and (self.times is None or number < self.nth + self.times)


class Faults:
    """The faults of one stand-in, in the order in which they are tried."""

    def __init__(self) -> None:
        self._faults: list[tuple[Fault, Iterator[int]]] = []  # each with the number of its next match
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._faults.append((fault, count(1)))

    def clear(self) -> None:
        with self._lock:
            self._faults.clear()

    def select(self, method: str, path: str) -> Fault | None:
        """Count a request and return the first fault that applies to it."""
        with self._lock:
            matching = [(fault, next(numbers)) for fault, numbers in self._faults if fault.matches(method, path)]
        return next((fault for fault, number in matching if fault.applies_to(number)), None)
