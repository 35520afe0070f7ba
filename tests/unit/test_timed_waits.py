"""A wait of the main thread ends at once for a signal, also for one that came just before it began."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from globus_sync_directory.globus.threads import Threads
from globus_sync_directory.notify import smtp
from globus_sync_directory.timed_waits import sleep, steps


class Late(Exception):
    """What the signal raises."""


@pytest.fixture
def late_signal() -> Iterator[threading.Event]:
    """
    Return what sends a signal that wakes nothing up in the main thread, like one that comes just before the wait.

    The system hands it to another thread, because the main thread does not take it.
    """

    def end(*_: object) -> None:
        raise Late

    def send() -> None:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
        wanted.wait()
        time.sleep(0.05)
        signal.raise_signal(signal.SIGUSR1)

    wanted = threading.Event()
    before = signal.signal(signal.SIGUSR1, end)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    sender = threading.Thread(target=send)
    sender.start()
    try:
        yield wanted
    finally:
        wanted.set()
        sender.join()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
        signal.signal(signal.SIGUSR1, before)


def ask_one(hangs: Callable[[], object]) -> None:
    Threads().answer(hangs)


def ask_several(hangs: Callable[[], object]) -> None:
    list(Threads().map_as_completed(lambda _: hangs(), range(3)))


def send_mail(hangs: Callable[[], object]) -> None:
    smtp._within(0.0, lambda: (str(hangs()), True))


def pause(_: Callable[[], object]) -> None:
    sleep(4)


@pytest.mark.promise(8, "a signal just before a wait")
@pytest.mark.parametrize("wait", [ask_one, ask_several, send_mail, pause])
def test_a_signal_ends_it(wait: Callable[[Callable[[], object]], None], late_signal: threading.Event) -> None:
    def begin() -> None:
        late_signal.set()
        wait(lambda: go_on.wait(4))

    go_on = threading.Event()
    begun = time.monotonic()
    try:
        with pytest.raises(Late):
            begin()
    finally:
        go_on.set()
    assert time.monotonic() - begun < 2


def test_steps() -> None:
    """They add up to the whole wait; there is none of no length."""
    begun = time.monotonic()
    sleep(0.15)
    assert 0.15 <= time.monotonic() - begun < 2
    assert list(steps(0)) == list(steps(-1)) == []
