"""The token of a run: renewed once for a call, by one thread for all; and what it means if Globus never accepts it."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import requests
from globus_sdk import ConfidentialAppAuthClient

from globus_sync_directory.globus.client import GlobusClient
from globus_sync_directory.globus.shared_token import NoToken, SharedToken
from globus_sync_directory.model.answer import Answer, Received, Rejected, Unavailable
from globus_sync_directory.model.pair import Directory

from .fake_service import CLIENT, Reply, Service, error

LAB = Directory(collection="763d50ee-e814-4080-878b-6a8be5cf7570", path="/lab")
LIST, STAT, SUBMISSION_ID = "/task_list", "/stat", "/submission_id"
EMPTY_LIST = Reply({"DATA": [], "total": 0})


def reason(answer: Answer[object]) -> str:
    """Return why nothing of use came."""
    assert isinstance(answer, Unavailable), answer
    return answer.reason


REFUSED = "Globus Transfer accepted neither the token of this run nor a new one"
ALWAYS_REFUSED = "Globus Transfer does not accept the tokens that Globus Auth gives"
NO_TOKEN = error(401, "AuthenticationFailed", "Token is not active")


def test_a_token_that_dies(service: Service, client: GlobusClient) -> None:
    """A token is renewed, once, and nobody needs to know."""
    service.on(LIST, NO_TOKEN, EMPTY_LIST)
    assert client.recent_tasks() == Received([])
    assert (service.count("/oauth2/token"), service.count(LIST)) == (1, 2)


@pytest.mark.parametrize("path", [SUBMISSION_ID, STAT])
def test_a_token_that_dies_twice(service: Service, client: GlobusClient, path: str) -> None:
    """The second refusal is the failure of that call alone; the third call in a row ends the run."""

    def ask() -> Answer[str]:
        return client.stat(LAB) if path == STAT else client.submission_id()

    service.on(LIST, EMPTY_LIST)
    assert client.recent_tasks() == Received([])
    service.on(path, *[NO_TOKEN] * 4, error(400, "x"), NO_TOKEN)
    for _ in range(2):
        assert ask() == Unavailable(reason=REFUSED)
    assert isinstance(ask(), Rejected)
    for expected in (REFUSED, REFUSED, ALWAYS_REFUSED):
        assert reason(ask()) == expected
    service.requests.clear()
    answer = client.recent_tasks()
    assert isinstance(answer, Unavailable)
    assert answer.is_sign_in
    assert "secret" not in answer.fix
    assert service.requests == []


def test_a_token_that_is_never_accepted(service: Service, client: GlobusClient) -> None:
    """Before Globus Transfer has accepted a token once, its refusal is made sure of."""
    service.on(LIST, *[NO_TOKEN] * 4, EMPTY_LIST)
    assert client.recent_tasks() == Received([])


def test_no_token_is_ever_accepted(service: Service, client: GlobusClient) -> None:
    """Three new tokens, then the run ends."""
    service.on(LIST, NO_TOKEN)
    assert reason(client.recent_tasks()) == ALWAYS_REFUSED
    assert (service.count("/oauth2/token"), service.count(LIST)) == (3, 6)


def test_a_proxy_that_asks_for_a_password(service: Service, client: GlobusClient) -> None:
    """A 401 that is not Globus' own says nothing about the token."""
    service.on(LIST, Reply(b"<html>Log in</html>", 401))
    assert reason(client.recent_tasks()) == "Globus Transfer answered 401 when asked for the list of tasks"


def test_a_rejection_after_a_renewal(service: Service, client: GlobusClient) -> None:
    """A token that is not accepted is a clear answer: Globus has done nothing, so a rejection after it is definite."""
    service.on(SUBMISSION_ID, NO_TOKEN, error(400, "x"))
    assert client.submission_id() == Rejected(http_status=400, code="x", message="", is_definite=True)


@pytest.mark.parametrize(("reply", "expected", "is_sign_in"), [
    (Reply({"error": "invalid_client"}, 401), "Globus Auth rejects the sign-in (invalid_client): ", True),
    (Reply({}, 503), "Globus Auth answered 503", False),
    (requests.ReadTimeout("x"), "no answer from Globus Auth: no answer within 15 s", False),
    (requests.ConnectionError("x"), "no answer from Globus Auth: the connection was closed ", False),
    (Reply(b"<html>"), "unexpected reply from Globus Auth; a proxy or login portal may be in between", False),
])  # fmt: skip
@pytest.mark.parametrize("path", [LIST, STAT])
def test_a_token_that_cannot_be_renewed(
    service: Service, client: GlobusClient, path: str, reply: Reply | Exception, expected: str, is_sign_in: bool
) -> None:
    """Without a token nothing more is asked; only what Globus Auth rejects is a rejected sign-in."""
    service.on(path, NO_TOKEN)
    service.on("/oauth2/token", reply)
    answer = client.stat(LAB) if path == STAT else client.recent_tasks()
    assert isinstance(answer, Unavailable)
    assert answer.reason.startswith(expected)
    assert answer.is_sign_in is is_sign_in
    service.requests.clear()
    assert client.submission_id() == answer
    assert service.requests == []


class Tokens:
    """A Globus Auth that gives numbered tokens, or fails, as it is told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failure: Exception | None = None) -> None:
        self.asked = 0
        self.failure = failure
        self.may_answer = threading.Event()
        monkeypatch.setattr(SharedToken, "_get_token_response", lambda _: self._give())
        monkeypatch.setattr(SharedToken, "_extract_token_data", lambda _, reply: reply)
        auth = ConfidentialAppAuthClient(CLIENT, "a-secret")
        self.token = SharedToken(auth, "a-scope", access_token="token 0", expires_at=10**10)

    def _give(self) -> dict[str, object]:
        self.asked += 1
        assert self.may_answer.wait(5)
        if self.failure:
            raise self.failure
        return {"access_token": f"token {self.asked}", "expires_at_seconds": 10**10}


def in_threads(count: int, work: Callable[[], None]) -> list[threading.Thread]:
    """Start ``work`` so many times."""
    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    return threads


def test_one_thread_renews_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four threads used the token that died: one asks for a new one, and all four go on with that."""
    tokens = Tokens(monkeypatch)
    tokens.may_answer.set()
    everybody = threading.Barrier(4)
    headers = []

    def work() -> None:
        tokens.token.get_authorization_header()
        everybody.wait(5)
        assert tokens.token.handle_missing_authorization()
        headers.append(tokens.token.get_authorization_header())

    for thread in in_threads(4, work):
        thread.join(5)
    assert (tokens.asked, headers) == (1, ["Bearer token 1"] * 4)


def test_a_token_of_another_thread_is_tried_besides(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call whose token another thread has replaced has used up nothing; its own renewal is the last."""
    tokens = Tokens(monkeypatch)
    tokens.may_answer.set()
    token = tokens.token
    token.begin_call()
    assert token.get_authorization_header() == "Bearer token 0"
    token.access_token = "token of another thread"
    assert token.handle_missing_authorization()
    assert (token.get_authorization_header(), tokens.asked) == ("Bearer token of another thread", 0)
    assert token.handle_missing_authorization()
    assert token.get_authorization_header() == "Bearer token 1"
    assert not token.handle_missing_authorization()
    assert token.get_authorization_header() == "Bearer token 1"
    token.begin_call()
    assert token.handle_missing_authorization()


def test_a_call_goes_on_with_each_token_of_another_thread(
    service: Service, client: GlobusClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token that dies may be followed by one that dies as well; the SDK alone tries only one more."""
    service.on(LIST, EMPTY_LIST)
    assert client.recent_tasks() == Received([])
    there_is_another = iter([True, True, False])
    monkeypatch.setattr(SharedToken, "handle_missing_authorization", lambda _: next(there_is_another))
    service.on(SUBMISSION_ID, NO_TOKEN, NO_TOKEN, Reply({"value": CLIENT}))
    assert client.submission_id() == Received(CLIENT)
    assert service.count(SUBMISSION_ID) == 3


class Door:
    """A lock that tells how many have come to it."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self.arrived.release()
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_renewal_that_fails_is_not_tried_by_everybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waited for a renewal that failed has the same failure; who comes later tries again."""
    tokens = Tokens(monkeypatch, failure=ValueError())
    tokens.token.expires_at = None
    door = Door()
    monkeypatch.setattr(tokens.token, "_turn", door)

    def work() -> None:
        with pytest.raises(NoToken, match="unexpected reply from Globus Auth"):
            tokens.token.get_authorization_header()

    threads = in_threads(4, work)
    for _ in threads:
        assert door.arrived.acquire(timeout=5)
    tokens.may_answer.set()
    for thread in threads:
        thread.join(5)
    assert tokens.asked == 1
    tokens.failure = None
    assert tokens.token.get_authorization_header() == "Bearer token 2"
