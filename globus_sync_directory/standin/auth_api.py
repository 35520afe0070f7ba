"""Globus Auth: clients and their secrets, client-credentials tokens, and the consents that asking for them gives."""

import hmac
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, Request, Response, jsonify, request
from werkzeug.datastructures import WWWAuthenticate

from .access import Access, data_access_scope
from .clock import Clock
from .documents import TRANSFER_SCOPE, ApiError, Document
from .switches import Switches

TRANSFER = "transfer.api.globus.org"
AUTH = "auth.globus.org"
TIMERS = "524230d7-ea86-4a52-8312-86065a9e0417"

_SERVERS = {
    TRANSFER_SCOPE: TRANSFER,
    **dict.fromkeys(("openid", "profile", "email", "urn:globus:auth:scope:auth.globus.org:view_identity_set"), AUTH),
    f"https://auth.globus.org/scopes/{TIMERS}/timer": TIMERS,
}


@dataclass(frozen=True)
class Scope:
    """One scope with those it depends on: ``name[dependency *optional_dependency]``."""

    name: str
    dependencies: "tuple[Scope, ...]" = ()


@dataclass(frozen=True)
class Token:
    """An access token for one resource server."""

    value: str
    client_id: str
    server: str
    scopes: tuple[str, ...]
    expires: datetime


class Refusal(Exception):
    """A refused token request, in OAuth's form."""

    def __init__(self, status: int, error: str, description: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.document = {"error": error} | ({"error_description": description} if description else {})


class Auth:
    """The registered clients, the tokens they were given, and who consented to what."""

    def __init__(self, access: Access, clock: Clock, switches: Callable[[], Switches]) -> None:
        self.clients: dict[str, str] = {}
        self._access = access
        self._clock = clock
        self._switches = switches
        self._tokens: dict[str, Token] = {}
        self._lock = threading.Lock()

    def is_client(self, client_id: str, secret: str) -> bool:
        expected = self.clients.get(client_id.lower())
        return expected is not None and hmac.compare_digest(expected.encode(), secret.encode())

    def grant(self, client_id: str, text: str) -> list[Token]:
        """Return a new token for each resource server in a scope string, and note consents; raises Refusal."""
        wanted = parse_scopes(text)
        if not wanted:
            raise Refusal(400, "invalid_scope", "No scope was requested")
        by_server: dict[str, list[str]] = {}
        for scope in wanted:
            names = by_server.setdefault(self._server(scope.name), [])
            if scope.name not in names:
                names.append(scope.name)
            self._consent(client_id, scope)
        expires = self._clock.now() + self._switches().token_lifetime
        tokens = [
            Token("Ag" + secrets.token_urlsafe(36), client_id, server, tuple(names), expires)
            for server, names in by_server.items()
        ]
        with self._lock:
            self._tokens.update({token.value: token for token in tokens})
        return tokens

    def _server(self, scope: str) -> str:
        if scope in _SERVERS:
            return _SERVERS[scope]
        for collection in self._access.collections.values():
            if collection.needs_consent and scope == data_access_scope(collection.id):
                return collection.id
        raise Refusal(400, "invalid_scope", f"Unknown Scope: {scope}")

    def _consent(self, client_id: str, scope: Scope) -> None:
        """A consent belongs to the identity, so it counts for its earlier tokens as well."""
        for dependency in scope.dependencies:
            server = self._server(dependency.name)
            if scope.name == TRANSFER_SCOPE and server in self._access.collections:
                self._access.consents.add((client_id, server))
            self._consent(client_id, dependency)

    def revoke_tokens(self) -> None:
        """Make every token that was given out invalid."""
        with self._lock:
            self._tokens.clear()

    def identity(self, asking: Request, server: str) -> str:
        """Return the client id whose token a request carries; raises ApiError 400 without one, 401 with a bad one."""
        header = asking.authorization
        if header is None:
            raise ApiError(400, "ClientError.AuthenticationFailed", "No credentials supplied")
        token = self._tokens.get(header.token or "") if header.type == "bearer" else None
        if token is None or token.server != server or token.expires <= self._clock.now():
            raise ApiError(401, "AuthenticationFailed", "Token is not active")
        return token.client_id


def parse_scopes(text: str) -> tuple[Scope, ...]:
    """Return the scopes of a scope string, ``A[B *C] D``; raises Refusal for unbalanced brackets."""
    stack: list[list[Scope]] = [[]]
    words = text.replace("[", " [ ").replace("]", " ] ").split()
    for word in words:
        if word == "[":
            if not stack[-1]:
                raise Refusal(400, "invalid_scope", "Malformed scope string")
            stack.append([])
        elif word == "]":
            inner = stack.pop()
            if not stack or not inner:
                raise Refusal(400, "invalid_scope", "Malformed scope string")
            stack[-1][-1] = Scope(stack[-1][-1].name, tuple(inner))
        else:
            stack[-1].append(Scope(word.removeprefix("*")))
    if len(stack) != 1:
        raise Refusal(400, "invalid_scope", "Malformed scope string")
    return tuple(stack[0])


def auth_api(auth: Auth, clock: Clock, switches: Callable[[], Switches]) -> Blueprint:
    """Return the routes of Globus Auth."""
    api = Blueprint("auth", __name__)

    @api.post("/v2/oauth2/token")
    def token() -> Response:
        client_id, secret = _credentials()
        if not auth.is_client(client_id, secret):
            return _wrong_secret(switches())
        if request.form.get("grant_type") != "client_credentials":
            raise Refusal(400, "unsupported_grant_type")
        tokens = auth.grant(client_id.lower(), request.form.get("scope", ""))
        first, *others = (_document(token, clock) for token in tokens)
        return jsonify({**first, "other_tokens": others})

    @api.errorhandler(Refusal)
    def refused(error: Refusal) -> tuple[Response, int]:
        return jsonify(error.document), error.status

    return api


def _credentials() -> tuple[str, str]:
    header = request.authorization
    if header is not None and header.type == "basic":
        return header.username or "", header.password or ""
    return request.form.get("client_id", ""), request.form.get("client_secret", "")


def _wrong_secret(switches: Switches) -> Response:
    document: Document = {"error": "invalid_client"}
    if switches.wrong_secret_body == "globus":  # noqa: S105 - no secret, but how its refusal looks
        detail = {"status": "401", "id": secrets.token_hex(16), "code": "UNAUTHORIZED", "title": "Unauthorized"}
        document = {
            "errors": [{**detail, "detail": "Call must be authenticated"}],
            "error_description": "Unauthorized",
            "error": "unauthorized",
        }
    answer = jsonify(document)
    answer.status_code = switches.wrong_secret_status
    if answer.status_code == 401:
        answer.www_authenticate = WWWAuthenticate("basic", {"realm": "Globus Auth"})
    return answer


def _document(token: Token, clock: Clock) -> Document:
    return {
        "access_token": token.value,
        "scope": " ".join(token.scopes),
        "expires_in": int((token.expires - clock.now()).total_seconds()),
        "token_type": "Bearer",
        "resource_server": token.server,
    }
