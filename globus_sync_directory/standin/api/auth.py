"""Globus Auth: clients and their secrets, client-credentials tokens, the consents these give, and who a token is."""

import hmac
import re
import secrets
import threading
import uuid
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, g, request

from ..engine.service import Service
from ..http.server import ENTRY
from .documents import TRANSFER_SCOPE, ApiError, Document

TRANSFER = "transfer.api.globus.org"
AUTH = "auth.globus.org"
_IDENTITY_SET = "urn:globus:auth:scope:auth.globus.org:view_identity_set"
# Resource servers by what stands for them in their scopes. Of those that are not imitated, tokens can be had; what is
# done with them is answered with 501. Source: SDK, scopes/data.
_SERVERS = {name: name for name in (TRANSFER, AUTH, "groups.api.globus.org", "search.api.globus.org")} | {
    "524230d7-ea86-4a52-8312-86065a9e0417": "524230d7-ea86-4a52-8312-86065a9e0417",  # Timers
    "eec9b274-0c81-4334-bdc2-54e90e689b9a": "flows.globus.org",
    "facd7ccc-c5f4-42aa-916b-a0e270e2c2a9": "funcx_service",  # Compute
}
_SCOPE = re.compile(r"(?:urn:globus:auth:scope:|https://auth\.globus\.org/scopes/)([\w.-]+)[:/](\w+)")
_METERED = timedelta(seconds=10)
_METER_LIMIT = 200  # in that time, that is 20 a second. Source: docs.globus.org, FAQ, transfer and sharing

Scopes = dict[str, "Scopes"]  # each with those it depends on


@dataclass(frozen=True)
class Token:
    """An access token for one resource server."""

    value: str
    client_id: str
    server: str
    scopes: tuple[str, ...]
    expires: datetime

    def document(self, now: datetime) -> Document:
        return {
            "access_token": self.value,
            "scope": " ".join(self.scopes),
            "expires_in": int((self.expires - now).total_seconds()),
            "token_type": "Bearer",
            "resource_server": self.server,
        }


class Refusal(ApiError):
    """What Auth refuses, in OAuth's form."""

    def __init__(self, status: int, error: str, **more: Any) -> None:
        super().__init__(status, error, error)
        self._document = {"error": error, **more}

    def document(self, resource: str) -> Document:
        return self._document


def unauthorized(status: int, code: str) -> Refusal:
    """Return a refusal in Auth's general form. Source: SDK, auth/_common."""
    detail = {"title": "Unauthorized", "detail": "Call must be authenticated"}
    errors = [{"status": str(status), "id": str(uuid.uuid4()), "code": code, **detail}]
    return Refusal(status, "unauthorized", error_description="Unauthorized", errors=errors)


class Auth:
    """The registered clients, and the tokens they were given."""

    def __init__(self, site: Service) -> None:
        self.site = site
        self.clients: dict[str, str] = {}
        self.tokens: dict[str, Token] = {}
        self._asked: dict[str, deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def is_client(self, client_id: str, secret: str) -> bool:
        expected = self.clients.get(client_id)
        return expected is not None and hmac.compare_digest(expected.encode(), secret.encode())

    def grant(self, client_id: str, text: str) -> list[Token]:
        """Return a new token for each resource server in a scope string, and note consents; raises Refusal."""
        scopes = parse_scopes(text)
        by_server: dict[str, list[str]] = defaultdict(list)
        for name in scopes:
            by_server[self._server(name)].append(name)
        self._consent(client_id, scopes)
        expires = self.site.clock.now() + self.site.behaviour.token_lifetime
        tokens = [
            Token("Ag" + secrets.token_urlsafe(36), client_id, server, tuple(names), expires)
            for server, names in by_server.items()
        ]
        self.tokens.update({token.value: token for token in tokens})
        return tokens

    def _server(self, scope: str) -> str:
        if scope in ("openid", "profile", "email"):
            return AUTH
        whose, name = found.groups() if (found := _SCOPE.fullmatch(scope)) else ("", "")
        if whose in _SERVERS:
            return _SERVERS[whose]
        collection = self.site.collections.get(whose)
        if collection and (name == "https" or (name == "data_access" and collection.needs_consent)):
            return whose
        raise Refusal(400, "invalid_scope", error_description=f"Unknown Scope: {scope}")

    def _consent(self, client_id: str, scopes: Scopes) -> None:
        """A consent belongs to the identity, so it counts for its earlier tokens as well."""
        for name, dependencies in scopes.items():
            for dependency in dependencies:
                collection = self.site.collections.get(self._server(dependency))
                if name == TRANSFER_SCOPE and collection:
                    collection.consents.add(client_id)
            self._consent(client_id, dependencies)

    def token(self, server: str) -> Token | None:
        """Return the live token for ``server`` that the present request carries, if it does."""
        header = request.authorization
        token = self.tokens.get(header.token or "") if header and header.type == "bearer" else None
        return token if token and token.server == server and token.expires > self.site.clock.now() else None

    def authenticate(self) -> None:
        """Note and count whose Transfer token the present request carries; raises ApiError without a good one."""
        if request.authorization is None:
            raise ApiError(400, "ClientError.AuthenticationFailed", "No credentials supplied")
        token = self.token(TRANSFER)
        if token is None:
            raise ApiError(401, "ClientError.AuthenticationFailed", "Token is not active")
        g.identity = request.environ[ENTRY].identity = token.client_id
        if self.site.behaviour.rate_metering:
            self._meter(token.client_id)

    def _meter(self, identity: str) -> None:
        now = self.site.clock.now()
        with self._lock:
            times = self._asked[identity]
            while times and now - times[0] >= _METERED:
                times.popleft()
            if len(times) >= _METER_LIMIT:
                raise ApiError(self.site.behaviour.rate_limit_status, "ClientError.TooManyRequests", "Too many requests")
            times.append(now)


def parse_scopes(text: str) -> Scopes:
    """Return the scopes of a scope string, ``A[B *C] D``; raises Refusal for unbalanced or empty brackets."""
    stack: list[Scopes] = [{}]
    named: Scopes | None = None  # the scope just read, to which an opening bracket belongs
    for word in re.findall(r"[\[\]]|[^\s\[\]]+", text):
        if word not in ("[", "]"):
            named = stack[-1].setdefault(word.removeprefix("*"), {})
        elif word == "[" and named is not None and len(stack) < 100:
            stack.append(named)
            named = None
        elif word == "]" and len(stack) > 1 and stack.pop():
            named = None
        else:
            raise Refusal(400, "invalid_scope", error_description="Malformed scope string")
    if len(stack) > 1 or not stack[0]:
        raise Refusal(400, "invalid_scope", error_description="Malformed scope string, or none")
    return stack[0]


def auth_api(auth: Auth) -> Blueprint:
    """Return the routes of Globus Auth."""
    api = Blueprint("auth", __name__)

    def client(*, may_be_public: bool = False) -> str:
        """Return the client id that the present request proves, or names if that may be enough; raises Refusal."""
        client_id, secret = _credentials()
        if auth.is_client(client_id, secret) or (may_be_public and client_id and not secret):
            return client_id
        status = auth.site.behaviour.wrong_secret_status
        bodies = {"oauth": Refusal(status, "invalid_client"), "globus": unauthorized(status, "UNAUTHORIZED")}
        raise bodies[auth.site.behaviour.wrong_secret_body]

    @api.post("/v2/oauth2/token")
    def token() -> Document:
        client_id = client()
        if request.form.get("grant_type") != "client_credentials":
            raise Refusal(400, "unsupported_grant_type")
        now = auth.site.clock.now()
        first, *others = (token.document(now) for token in auth.grant(client_id, request.form.get("scope", "")))
        return {**first, "other_tokens": others}

    @api.post("/v2/oauth2/token/revoke")
    def revoke() -> Document:
        client(may_be_public=True)  # as the Globus CLI does it
        auth.tokens.pop(request.form.get("token", ""), None)
        return {"active": False}

    @api.after_request
    def challenge(answer: Response) -> Response:
        if answer.status_code == 401 and request.endpoint != "auth.userinfo":
            answer.headers["WWW-Authenticate"] = 'Basic realm="Globus Auth"'
        return answer

    @api.get("/v2/oauth2/userinfo")
    def userinfo() -> Document:
        token = auth.token(AUTH)
        if token is None:
            raise unauthorized(401, "UNAUTHORIZED")
        if "openid" not in token.scopes:
            raise unauthorized(403, "FORBIDDEN")
        return _userinfo(token)

    return api


def _credentials() -> tuple[str, str]:
    header = request.authorization
    if header is not None and header.type == "basic":
        client_id, secret = header.username or "", header.password or ""
    else:
        client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    return client_id.lower(), secret


def _userinfo(token: Token) -> Document:
    """Return what is known of an application: it has no mail address, and is its only identity."""
    username = f"{token.client_id}@clients.auth.globus.org"
    person = {"sub": token.client_id, "name": "Stand-in application", "email": None, "organization": None}
    found: Document = {"preferred_username": username, "last_authentication": None, **person}
    if _IDENTITY_SET in token.scopes:
        found["identity_set"] = [{"username": username, "status": "used", **person}]
    return found
