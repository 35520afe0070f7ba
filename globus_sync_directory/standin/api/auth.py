"""The routes of Globus Auth, and the check of the token that every request to Transfer carries."""

from flask import Blueprint, Response, request

from ..engine.accounts import Token
from ..engine.scopes import AUTH, TRANSFER
from .context import context, logged_request
from .errors import ApiError, Document, OAuthError, unauthorized

_IDENTITY_SET = "urn:globus:auth:scope:auth.globus.org:view_identity_set"

api = Blueprint("auth", __name__)


@api.post("/v2/oauth2/token")
def token() -> Document:
    client_id, secret = _credentials()
    context().accounts.check_secret(client_id, secret)
    if request.form.get("grant_type") != "client_credentials":
        raise OAuthError(400, "unsupported_grant_type")
    first, *others = map(_token_document, context().accounts.grant(client_id, request.form.get("scope", "")))
    return {**first, "other_tokens": others}


@api.post("/v2/oauth2/token/revoke")
def revoke() -> Document:
    client_id, secret = _credentials()
    if secret or not client_id:  # the Globus CLI sends no secret here
        context().accounts.check_secret(client_id, secret)
    context().accounts.revoke(request.form.get("token", ""))
    return {"active": False}


@api.get("/v2/oauth2/userinfo")
def userinfo() -> Document:
    token = _bearer_token(AUTH)
    if token is None:
        raise unauthorized(401, "UNAUTHORIZED")
    if "openid" not in token.scopes:
        raise unauthorized(403, "FORBIDDEN")
    return _userinfo_document(token)


@api.after_request
def challenge(response: Response) -> Response:
    if response.status_code == 401 and request.endpoint != "auth.userinfo":
        response.headers["WWW-Authenticate"] = 'Basic realm="Globus Auth"'
    return response


def authenticate() -> None:
    """Record whose Transfer token the present request carries. Raises ApiError without a valid one."""
    if request.authorization is None:
        raise ApiError(400, "ClientError.AuthenticationFailed", "No credentials supplied")
    token = _bearer_token(TRANSFER)
    if token is None:
        raise ApiError(401, "ClientError.AuthenticationFailed", "Token is not active")
    logged_request().identity = token.client_id
    context().accounts.count_request(token.client_id)


def _credentials() -> tuple[str, str]:
    """Return the client id and the secret of the present request, empty where it has none."""
    header = request.authorization
    if header is not None and header.type == "basic":
        client_id, secret = header.username or "", header.password or ""
    else:
        client_id, secret = request.form.get("client_id", ""), request.form.get("client_secret", "")
    return client_id.lower(), secret


def _bearer_token(server: str) -> Token | None:
    header = request.authorization
    if header is None or header.type != "bearer":
        return None
    return context().accounts.find_token(header.token or "", server)


def _token_document(token: Token) -> Document:
    return {
        "access_token": token.value,
        "scope": " ".join(token.scopes),
        "expires_in": int((token.expires - context().service.clock.now()).total_seconds()),
        "token_type": "Bearer",
        "resource_server": token.server,
    }


def _userinfo_document(token: Token) -> Document:
    """Return what is known about an application: it has no mail address, and it is its only identity."""
    username = f"{token.client_id}@clients.auth.globus.org"
    person = {"sub": token.client_id, "name": "Stand-in application", "email": None, "organization": None}
    document: Document = {"preferred_username": username, "last_authentication": None, **person}
    if _IDENTITY_SET in token.scopes:
        document["identity_set"] = [{"username": username, "status": "used", **person}]
    return document
