"""Globus Auth: clients and their secrets, client-credentials tokens, the consents these give, and who a token is."""

import hmac
import secrets
import threading
import uuid
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
_IDENTITY_SET = "urn:globus:auth:scope:auth.globus.org:view_identity_set"
# Of the services that are not imitated, tokens can be had; what is done with them is answered with 501.
_SERVICES = (TRANSFER, AUTH, "groups.api.globus.org", "search.api.globus.org")
_BY_ID = ("524230d7-ea86-4a52-8312-86065a9e0417", "eec9b274-0c81-4334-bdc2-54e90e689b9a")  # Timers, Flows


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
    """What Auth refuses: in OAuth's form or, with ``code``, in Auth's general one. Source: SDK, auth/_common."""

    def __init__(self, status: int, error: str, description: str = "", code: str = "") -> None:
        super().__init__(error)
        self.status = status
        self.document: Document = {"error": error}
        if description:
            self.document["error_description"] = description
        if code:
            entry = {"status": str(status), "id": str(uuid.uuid4()), "code": code, "title": description}
            self.document["errors"] = [{**entry, "detail": "Call must be authenticated"}]


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
        if scope in ("openid", "profile", "email"):
            return AUTH
        for server in _SERVICES:
            if scope.startswith(f"urn:globus:auth:scope:{server}:"):
                return server
        for server in _BY_ID:
            if scope.startswith(f"https://auth.globus.org/scopes/{server}/"):
                return server
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

    def revoke(self, value: str) -> None:
        """Make one token invalid, if there is such a one."""
        with self._lock:
            self._tokens.pop(value, None)

    def revoke_all(self) -> None:
        """Make every token that was given out invalid."""
        with self._lock:
            self._tokens.clear()

    def token(self, asking: Request, server: str) -> Token | None:
        """Return the live token for ``server`` that a request carries, if it does."""
        header = asking.authorization
        token = self._tokens.get(header.token or "") if header and header.type == "bearer" else None
        return token if token and token.server == server and token.expires > self._clock.now() else None

    def identity(self, asking: Request) -> str:
        """Return whose Transfer token a request carries; raises ApiError 400 without one, 401 with a bad one."""
        if asking.authorization is None:
            raise ApiError(400, "ClientError.AuthenticationFailed", "No credentials supplied")
        token = self.token(asking, TRANSFER)
        if token is None:
            raise ApiError(401, "ClientError.AuthenticationFailed", "Token is not active")
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

    @api.post("/v2/oauth2/token/revoke")
    def revoke() -> Document:
        auth.revoke(request.form.get("token", ""))
        return {"active": False}

    @api.get("/v2/oauth2/userinfo")
    def userinfo() -> Document:
        token = auth.token(request, AUTH)
        if token is None:
            raise Refusal(401, "unauthorized", "Unauthorized", code="UNAUTHORIZED")
        if "openid" not in token.scopes:
            raise Refusal(403, "unauthorized", "Unauthorized", code="FORBIDDEN")
        return _userinfo(token)

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
    status = switches.wrong_secret_status
    if switches.wrong_secret_body == "globus":  # noqa: S105 - no secret, but how its refusal looks
        answer = jsonify(Refusal(status, "unauthorized", "Unauthorized", code="UNAUTHORIZED").document)
    else:
        answer = jsonify(Refusal(status, "invalid_client").document)
    answer.status_code = status
    if status == 401:
        answer.www_authenticate = WWWAuthenticate("basic", {"realm": "Globus Auth"})
    return answer


def _userinfo(token: Token) -> Document:
    """Return what is known of an application: it has no mail address, and is its only identity."""
    username = f"{token.client_id}@clients.auth.globus.org"
    person = {"sub": token.client_id, "name": "Stand-in application", "email": None, "organization": None}
    found: Document = {"preferred_username": username, "last_authentication": None, **person}
    if _IDENTITY_SET in token.scopes:
        found["identity_set"] = [{"username": username, "status": "used", **person}]
    return found


def _document(token: Token, clock: Clock) -> Document:
    return {
        "access_token": token.value,
        "scope": " ".join(token.scopes),
        "expires_in": int((token.expires - clock.now()).total_seconds()),
        "token_type": "Bearer",
        "resource_server": token.server,
    }
