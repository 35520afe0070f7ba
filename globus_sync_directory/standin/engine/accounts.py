"""Accounts: clients and their secrets, tokens, consents, and how many requests an identity may send."""

import hmac
import secrets
import threading
import uuid
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta

from .errors import InvalidScope, TooManyRequests, WrongSecret
from .scopes import AUTH, RESOURCE_SERVERS, TRANSFER_SCOPE, Scopes, parse_scopes, split_scope
from .service import Service

METERED_TIME = timedelta(seconds=10)
METERED_REQUESTS = 200  # in that time: 20 a second. Source: docs.globus.org, FAQ, transfer and sharing


@dataclass(frozen=True)
class Token:
    """An access token for one resource server."""

    value: str
    client_id: str
    server: str
    scopes: tuple[str, ...]
    expires: datetime


class Accounts:
    """The registered clients, and the tokens that they have."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._secrets: dict[str, str] = {}
        self._tokens: dict[str, Token] = {}
        self._request_times: dict[str, deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def add_client(self, client_id: str | None = None, secret: str | None = None) -> tuple[str, str]:
        """Register an application and return its client id and secret; a value that is not given is made up."""
        client_id = str(uuid.UUID(client_id) if client_id else uuid.uuid4())
        self._secrets[client_id] = secret = secret or secrets.token_urlsafe(32) + "="
        return client_id, secret

    def check_secret(self, client_id: str, secret: str) -> None:
        """Raise WrongSecret if this is not the secret of a registered client."""
        expected = self._secrets.get(client_id)
        if expected is None or not hmac.compare_digest(expected.encode(), secret.encode()):
            raise WrongSecret

    def grant(self, client_id: str, text: str) -> list[Token]:
        """Return a new token for each resource server in a scope string, and record consents. Raises InvalidScope."""
        scopes = parse_scopes(text)
        by_server: dict[str, list[str]] = defaultdict(list)
        for name in scopes:
            by_server[self._resource_server(name)].append(name)
        self._record_consents(client_id, scopes)
        expires = self._service.clock.now() + self._service.behaviour.token_lifetime
        tokens = [
            Token("Ag" + secrets.token_urlsafe(36), client_id, server, tuple(names), expires)
            for server, names in by_server.items()
        ]
        self._tokens.update({token.value: token for token in tokens})
        return tokens

    def _resource_server(self, scope: str) -> str:
        if scope in ("openid", "profile", "email"):
            return AUTH
        server, name = split_scope(scope)
        if server in RESOURCE_SERVERS:
            return RESOURCE_SERVERS[server]
        collection = self._service.collections.get(server)
        if collection and (name == "https" or (name == "data_access" and collection.needs_consent)):
            return server
        raise InvalidScope(f"Unknown Scope: {scope}")

    def _record_consents(self, client_id: str, scopes: Scopes) -> None:
        """A consent belongs to the identity, so that it counts for earlier tokens as well."""
        for name, dependencies in scopes.items():
            for dependency in dependencies:
                collection = self._service.collections.get(self._resource_server(dependency))
                if name == TRANSFER_SCOPE and collection:
                    collection.consents.add(client_id)
            self._record_consents(client_id, dependencies)

    def find_token(self, value: str, server: str) -> Token | None:
        """Return the token if it is for this resource server and has not expired."""
        token = self._tokens.get(value)
        return token if token and token.server == server and token.expires > self._service.clock.now() else None

    def revoke(self, value: str) -> None:
        self._tokens.pop(value, None)

    def revoke_all(self) -> None:
        """Revoke every token of every client."""
        self._tokens.clear()

    def count_request(self, identity: str) -> None:
        """Count a request of ``identity``. Raises TooManyRequests if the behaviour meters requests."""
        if not self._service.behaviour.rate_metering:
            return
        now = self._service.clock.now()
        with self._lock:
            times = self._request_times[identity]
            while times and now - times[0] >= METERED_TIME:
                times.popleft()
            if len(times) >= METERED_REQUESTS:
                raise TooManyRequests
            times.append(now)
