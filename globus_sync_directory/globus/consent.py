"""
The data_access consent: an application may let Globus Transfer use its rights on a mapped collection.

It belongs to the application at Globus Auth, not to a token: it is given by asking for a token that has the scope, and
that token is thrown away. Source: Globus SDK, user guide, "Detecting data_access".
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TypeVar

from globus_sdk.scopes import TransferScopes

from globus_sync_directory.model.answer import Answer, Received, Rejected, Unavailable

_DATA_ACCESS = r"\*?https://auth\.globus\.org/scopes/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})/data_access"
_WANTED = re.compile(rf"{re.escape(str(TransferScopes.all))}\[{_DATA_ACCESS}(?: {_DATA_ACCESS})*\]")

log = logging.getLogger(__name__)
_Value = TypeVar("_Value")


def missing_consents(document: object) -> frozenset[str]:
    """
    Return the collections for which an error document asks for a data_access consent.

    None if it asks for anything else too: only these consents are the application's own to give.
    """
    if not isinstance(document, dict) or document.get("code") != "ConsentRequired":
        return frozenset()
    scopes = document.get("required_scopes") or [document.get("required_scope")]
    if not isinstance(scopes, list) or not all(isinstance(text, str) and _WANTED.fullmatch(text) for text in scopes):
        return frozenset()
    return frozenset(found.lower() for text in scopes for found in re.findall(_DATA_ACCESS, text))


class Consents:
    """
    The consents that this application gives in one run, each once; safe to use from several threads.

    ``ask_auth`` asks Globus Auth for a scope.
    """

    def __init__(self, ask_auth: Callable[[str], Answer[None]]) -> None:
        self._ask_auth = ask_auth
        self._turns: dict[str, threading.Lock] = {}  # by collection, like the answers
        self._answers: dict[str, Answer[None]] = {}

    def ask(self, collections: Collection[str], question: Callable[[], Answer[_Value]]) -> Answer[_Value]:
        """
        Return the answer to a question about data on these collections.

        If a consent for one of them is missing, it is given and the question repeated. A rejection that stays is
        definite if all were.
        """
        is_definite = True
        while True:
            before = self._answers.copy()
            answer = question()
            if not isinstance(answer, Rejected):
                return answer
            is_definite &= answer.is_definite
            answer = replace(answer, is_definite=is_definite)
            wanted = answer.missing_consents.intersection(collections)
            for given in map(self._give, sorted(wanted)):
                if isinstance(given, Unavailable):
                    return given
                if isinstance(given, Rejected):  # a consent that cannot be given: the first rejection is the reason
                    return answer
            if wanted <= before.keys():  # nothing is new
                return answer

    def _give(self, collection: str) -> Answer[None]:
        """Return Globus Auth's answer to this consent; it is asked once, by one thread, while others wait."""
        with self._turns.setdefault(collection, threading.Lock()):  # one that hangs does not hold up the others
            if collection not in self._answers:
                scope = f"{TransferScopes.all}[*https://auth.globus.org/scopes/{collection}/data_access]"
                answer = self._ask_auth(scope)
                outcome = "given" if isinstance(answer, Received) else "not given"
                log.info("data_access consent for collection %s: %s", collection, outcome)
                self._answers[collection] = answer
            return self._answers[collection]
