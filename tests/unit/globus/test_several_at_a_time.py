"""Several questions at a time: all answers, in order, and none begun that nobody waits for."""

from __future__ import annotations

import threading

import pytest

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.threads import AT_A_TIME


def test_answers_come_in_the_order_of_the_items(client: GlobusClient) -> None:
    """However long each takes, the result is in order; the same item twice is one answer."""
    second_is_done = threading.Event()

    def slowest_first(item: int) -> int:
        if item == 1:
            second_is_done.wait(5)
        if item == 2:
            second_is_done.set()
        return item * item

    assert list(client.map_concurrently(slowest_first, iter([1, 2, 3])).items()) == [(1, 1), (2, 4), (3, 9)]
    assert client.map_concurrently(abs, []) == {}


def test_at_most_so_many_at_a_time(client: GlobusClient) -> None:
    """All threads are used, and no more."""
    everybody = threading.Barrier(AT_A_TIME)
    running, most, turn = [0], [0], threading.Lock()

    def meet(_: int) -> None:
        with turn:
            running[0] += 1
            most[0] = max(most[0], running[0])
        everybody.wait(5)
        with turn:
            running[0] -= 1

    client.map_concurrently(meet, range(3 * AT_A_TIME))
    assert most[0] == AT_A_TIME


def test_closing_the_answers_begins_nothing_more(client: GlobusClient) -> None:
    """Who has heard enough stops what has not begun."""
    begun: list[int] = []
    go_on = threading.Event()

    def question(item: int) -> int:
        begun.append(item)
        if item:
            go_on.wait(5)
        return item

    answers = client.map_as_completed(question, range(100))
    assert next(answers) == {0: 0}
    answers.close()
    go_on.set()
    assert client.map_concurrently(abs, [-1]) == {-1: 1}
    assert len(begun) <= AT_A_TIME + 1


def test_an_error_in_a_question_is_not_hidden(client: GlobusClient) -> None:
    """A bug in a question shows."""
    with pytest.raises(ZeroDivisionError):
        client.map_concurrently(lambda item: 1 // item, [0])


@pytest.mark.parametrize("there_are", [0, 1, 2])
def test_a_host_without_threads(client: GlobusClient, monkeypatch: pytest.MonkeyPatch, there_are: int) -> None:
    """Where this host has fewer threads, or none, every question is still asked once."""
    start, started, begun = threading.Thread.start, [0], []

    def start_few(thread: threading.Thread) -> None:
        if started[0] == there_are:
            raise RuntimeError("can't start new thread")
        started[0] += 1
        start(thread)

    def question(item: int) -> int:
        begun.append(item)
        return -item

    monkeypatch.setattr(threading.Thread, "start", start_few)
    for _ in range(2):
        assert client.map_concurrently(question, range(20)) == {item: -item for item in range(20)}
    assert sorted(begun) == sorted([*range(20), *range(20)])


def test_without_threads_each_answer_comes_before_the_next_question(
    client: GlobusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that each is recorded before the next is sent."""

    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", start)
    begun: list[int] = []
    answers = client.map_as_completed(begun.append, range(3))
    next(answers)
    assert begun == [0]
    answers.close()
    assert begun == [0]
