"""The data_access consent: what an error document asks for, and who asks Globus Auth for it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from globus_sync_directory.globus.consent import Consents, missing_consents
from globus_sync_directory.model.answer import Answer, Received, Rejected, Unavailable

ONE, TWO = "763d50ee-e814-4080-878b-6a8be5cf7570", "9d6d994a-6d04-11e5-ba46-22000b92c6ec"
TRANSFER = "urn:globus:auth:scope:transfer.api.globus.org:all"
CODE = "ConsentRequired"
THREADS = 8


def data_access(collection: str) -> str:
    return f"https://auth.globus.org/scopes/{collection}/data_access"


FIRST = f"{TRANSFER}[*{data_access(ONE)}]"


@pytest.mark.parametrize(("document", "collections"), [
    ({"code": CODE, "required_scopes": [FIRST]}, {ONE}),
    ({"code": CODE, "required_scope": FIRST}, {ONE}),
    ({"code": CODE, "required_scopes": [f"{TRANSFER}[{data_access(ONE)}]"]}, {ONE}),
    ({"code": CODE, "required_scopes": [FIRST.replace(ONE, ONE.upper())]}, {ONE}),
    ({"code": CODE, "required_scopes": [FIRST, FIRST.replace(ONE, TWO)]}, {ONE, TWO}),
    ({"code": CODE, "required_scopes": [f"{TRANSFER}[*{data_access(ONE)} *{data_access(TWO)}]"]}, {ONE, TWO}),
    ({"code": "PermissionDenied", "required_scopes": [FIRST]}, set()),
    ({"code": CODE}, set()),
    ({"code": CODE, "required_scopes": []}, set()),
    ({"code": CODE, "required_scopes": FIRST}, set()),
    ({"code": CODE, "required_scopes": [FIRST, 5]}, set()),
    ({"code": CODE, "required_scopes": [FIRST, "openid"]}, set()),
    ({"code": CODE, "required_scopes": [f"{FIRST} openid"]}, set()),
    ({"code": CODE, "required_scopes": [f"{FIRST}\n"]}, set()),
    ({"code": CODE, "required_scopes": [FIRST.replace(ONE, "..")]}, set()),
    ({"code": CODE, "required_scopes": [FIRST.replace("auth.globus.org/", "auth.example.org/")]}, set()),
    ({"code": CODE, "required_scopes": [FIRST.replace("transfer.api", "groups.api")]}, set()),
    ({"code": CODE, "required_scopes": [data_access(ONE)]}, set()),
    ([], set()),
    (None, set()),
])  # fmt: skip
def test_what_is_missing(document: object, collections: set[str]) -> None:
    """Only data_access to collections, on behalf of Globus Transfer, and nothing beside it."""
    assert missing_consents(document) == collections


def test_one_thread_asks_and_the_others_wait() -> None:
    """Many questions at a time about one collection: Globus Auth is asked once, and every question is answered."""
    everybody = threading.Barrier(THREADS)
    asked: list[str] = []
    of_thread = threading.local()

    def ask_auth(scope: str) -> Answer[None]:
        asked.append(scope)
        return Received(None)

    def question() -> Answer[str]:
        if hasattr(of_thread, "was_rejected"):
            assert asked, "nobody repeats a question before the consent is given"
            return Received("dir")
        of_thread.was_rejected = True
        everybody.wait(5)
        return Rejected(http_status=403, code=CODE, message="", missing_consents=frozenset({ONE}))

    consents = Consents(ask_auth)
    with ThreadPoolExecutor(THREADS) as threads:
        answers = list(threads.map(lambda _: consents.ask({ONE}, question), range(THREADS)))
    assert answers == [Received("dir")] * THREADS
    assert asked == [FIRST]


@pytest.mark.parametrize(
    ("clear", "is_definite"), [((True, True), True), ((False, True), False), ((True, False), False)]
)
def test_a_rejection_that_stays(clear: tuple[bool, bool], is_definite: bool) -> None:
    """It is definite only if no attempt, before or after the consent, went without an answer."""
    missing: dict[str, Any] = {"http_status": 403, "code": CODE, "message": "", "missing_consents": frozenset({ONE})}
    rest = [
        Rejected(is_definite=clear[0], **missing),
        Rejected(http_status=400, code="X", message="", is_definite=clear[1]),
    ]
    answer: Answer[str] = Consents(lambda _: Received(None)).ask({ONE}, lambda: rest.pop(0))
    assert answer == Rejected(http_status=400, code="X", message="", is_definite=is_definite)


def test_one_collection_that_hangs_holds_up_no_other() -> None:
    """And its failure is not taken for that of another."""
    other_is_done = threading.Event()

    def ask_auth(scope: str) -> Answer[None]:
        if ONE in scope:
            assert other_is_done.wait(5)
            return Unavailable(reason="no answer")
        other_is_done.set()
        return Received(None)

    def ask(collection: str) -> Answer[str]:
        missing = Rejected(http_status=403, code=CODE, message="", missing_consents=frozenset({collection}))
        answers: list[Answer[str]] = [missing, Received("dir")]
        return consents.ask({collection}, lambda: answers.pop(0))

    consents = Consents(ask_auth)
    with ThreadPoolExecutor(2) as threads:
        answers = list(threads.map(ask, (ONE, TWO)))
    assert answers == [Unavailable(reason="no answer"), Received("dir")]
    assert ask(ONE) == Unavailable(reason="no answer")
