"""
Questions are asked in threads, one or several at a time; on a host that has no thread left, one after the other.

The main thread only waits for them: a signal does not end a request, nor the search for a server's name.
"""

from __future__ import annotations

import collections
import threading
from collections.abc import Callable, Generator, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

from globus_sync_directory.timed_waits import STEP_SECONDS

AT_A_TIME = 8  # questions

_Item = TypeVar("_Item", bound=Hashable)
_Result = TypeVar("_Result")


class Threads:
    """At most AT_A_TIME threads, and one for single questions, which begin to exist when they are needed, and stay."""

    def __init__(self) -> None:
        self._several = ThreadPoolExecutor(max_workers=AT_A_TIME)
        self._one = ThreadPoolExecutor(max_workers=1)  # always the same thread, so that its connection is used again

    def stop(self) -> None:
        """Begin nothing more; what is under way is not waited for."""
        for pool in (self._several, self._one):
            pool.shutdown(wait=False, cancel_futures=True)

    def answer(self, question: Callable[[], _Result]) -> _Result:
        """Return the answer to one question; whoever asks in a thread already gets it there."""
        if threading.current_thread() is not threading.main_thread():
            return question()
        (answers,) = _map_as_completed(self._one, lambda _: question(), [None])
        return answers[None]

    def map_as_completed(
        self, question: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Generator[dict[_Item, _Result], None, None]:
        """Yield the answers as they come, by item; closing the generator cancels what has not begun."""
        return _map_as_completed(self._several, question, items)


def _map_as_completed(
    pool: ThreadPoolExecutor, question: Callable[[_Item], _Result], items: Iterable[_Item]
) -> Generator[dict[_Item, _Result], None, None]:
    waiting = collections.deque(dict.fromkeys(items))
    done: SimpleQueue[tuple[_Item, Future[_Result]]] = SimpleQueue()
    count = len(waiting)

    def answer_one() -> bool:
        try:
            item = waiting.popleft()
        except IndexError:
            return False
        future: Future[_Result] = Future()
        try:
            future.set_result(question(item))
        except BaseException as error:  # noqa: BLE001  # raised again below, in the thread that waits
            future.set_exception(error)
        done.put((item, future))
        return True

    def answer_all() -> None:
        while answer_one():
            pass

    has_threads = _start(pool, answer_all, min(count, AT_A_TIME))
    try:
        while count:
            if not has_threads:
                answer_one()
            answers = _next_of(done)
            count -= len(answers)
            yield {item: future.result() for item, future in answers}
    finally:
        waiting.clear()


def _start(pool: ThreadPoolExecutor, work: Callable[[], None], count: int) -> bool:
    """Let up to ``count`` threads do ``work``; return whether there is one at least."""
    for number in range(count):
        try:
            pool.submit(work)
        except RuntimeError:  # this host has no thread left for us; work that was left over finds nothing to do
            return number > 0
    return True


def _next_of(done: SimpleQueue[_Result]) -> list[_Result]:
    """Return what has been done since the last call; waits until there is something."""
    found: list[_Result] = []
    with suppress(Empty):
        while not found:
            with suppress(Empty):
                found.append(done.get(timeout=STEP_SECONDS))
        while True:
            found.append(done.get_nowait())
    return found
