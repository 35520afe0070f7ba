"""Several questions at a time."""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

AT_A_TIME = 8

_Item = TypeVar("_Item", bound=Hashable)
_Result = TypeVar("_Result")


class WorkerPool:
    """At most AT_A_TIME threads; each is started when it is needed first."""

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=AT_A_TIME)

    def map_as_completed(
        self, question: Callable[[_Item], _Result], items: Iterable[_Item]
    ) -> Generator[dict[_Item, _Result], None, None]:
        """Yield the results as they come, by item; closing the generator cancels what has not begun."""
        waiting: dict[Future[_Result], _Item] = {self._executor.submit(question, item): item for item in items}
        try:
            while waiting:
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                yield {waiting.pop(future): future.result() for future in done}
        finally:
            for future in waiting:
                future.cancel()

    def map_concurrently(self, question: Callable[[_Item], _Result], items: Iterable[_Item]) -> dict[_Item, _Result]:
        """Return all results by item, in the order of the items."""
        in_order = list(items)
        results: dict[_Item, _Result] = {}
        for some in self.map_as_completed(question, in_order):
            results |= some
        return {item: results[item] for item in in_order}

    def close(self) -> None:
        """Begin nothing more; what is under way is not waited for."""
        self._executor.shutdown(wait=False, cancel_futures=True)
