"""Scope strings of Globus Auth: ``A[B *C] D`` asks for A, for B and C on behalf of A, and for D."""

import re

from .errors import InvalidScope

TRANSFER = "transfer.api.globus.org"
AUTH = "auth.globus.org"
TRANSFER_SCOPE = "urn:globus:auth:scope:transfer.api.globus.org:all"

# Resource servers by their name in scopes. Of those that are not imitated, a client can get tokens, but every request
# with such a token is answered with 501. Source: SDK, scopes/data.
RESOURCE_SERVERS = {name: name for name in (TRANSFER, AUTH, "groups.api.globus.org", "search.api.globus.org")} | {
    "524230d7-ea86-4a52-8312-86065a9e0417": "524230d7-ea86-4a52-8312-86065a9e0417",  # Timers
    "eec9b274-0c81-4334-bdc2-54e90e689b9a": "flows.globus.org",
    "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9": "funcx_service",  # Compute
}
_SCOPE = re.compile(r"(?:urn:globus:auth:scope:|https://auth\.globus\.org/scopes/)([\w.-]+)[:/](\w+)")
_MAX_DEPTH = 100

Scopes = dict[str, "Scopes"]  # each scope with the scopes that it depends on


def data_access_scope(collection_id: str) -> str:
    return f"https://auth.globus.org/scopes/{collection_id}/data_access"


def split_scope(scope: str) -> tuple[str, str]:
    """Return the name of the resource server in a scope, and the scope's own name; two empty texts for other text."""
    match = _SCOPE.fullmatch(scope)
    return (match[1], match[2]) if match else ("", "")


def parse_scopes(text: str) -> Scopes:
    """Return the scopes of a scope string. Raises InvalidScope for unbalanced or empty brackets, and for no scope."""
    stack: list[Scopes] = [{}]
    last: Scopes | None = None  # the scope that was just read: an opening bracket belongs to it
    for word in re.findall(r"[\[\]]|[^\s\[\]]+", text):
        if word not in ("[", "]"):
            last = stack[-1].setdefault(word.removeprefix("*"), {})
        elif word == "[" and last is not None and len(stack) < _MAX_DEPTH:
            stack.append(last)
            last = None
        elif word == "]" and len(stack) > 1 and stack.pop():
            last = None
        else:
            raise InvalidScope("Malformed scope string")
    if len(stack) > 1 or not stack[0]:
        raise InvalidScope("Malformed scope string, or none")
    return stack[0]
