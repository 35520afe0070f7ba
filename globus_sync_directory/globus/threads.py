"""Several questions at a time: in threads, as many as this host has; without any, one after the other."""

from __future__ import annotations

import collections
from collections.abc import Callable, Generator, Hashable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TypeVar

AT_A_TIME = 8  # questions

_Item = TypeVar("_Item", bound=Hashable)
_Result = TypeVar("_Result")


class Threads:
    """At most AT_A_TIME threads, which begin to exist when they are needed, and stay."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=AT_A_TIME)

    def stop(self) -> None:
        """Begin nothing more; what is under way is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def map_as_completed(
        self, question: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Generator[dict[_Item, _Result], None, None]:
        """Yield the answers as they come, by item; closing the generator cancels what has not begun."""
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

        has_threads = self._start(answer_all, min(count, AT_A_TIME))
        try:
            while count:
                if not has_threads:
                    answer_one()
                answers = [done.get(), *_without_waiting(done)]
                count -= len(answers)
                yield {item: future.result() for item, future in answers}
        finally:
            waiting.clear()

    def _start(self, work: Callable[[], None], count: int) -> bool:
        """Let up to ``count`` threads do ``work``; return whether there is one at least."""
        for number in range(count):
            try:
                self._pool.submit(work)
            except RuntimeError:  # this host has no thread left for us; work that was left over finds nothing to do
                return number > 0
        return True


def _without_waiting(done: SimpleQueue[_Result]) -> Generator[_Result, None, None]:
    with suppress(Empty):
        while True:
            yield done.get_nowait()
