"""A service behind the SDK that answers as it is told; nothing is sent anywhere."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

CLIENT = "3f2a0c52-0000-4000-8000-0000000000aa"
TOKEN = {
    "access_token": "a-token",
    "scope": "urn:globus:auth:scope:transfer.api.globus.org:all",
    "expires_in": 172800,
    "token_type": "Bearer",
    "resource_server": "transfer.api.globus.org",
    "other_tokens": [],
}


@dataclass
class Reply:
    """One reply: a document, or bytes as they are."""

    body: Any = None
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def error(status: int, code: str, message: str = "") -> Reply:
    """Return an error reply of Globus Transfer."""
    return Reply({"code": code, "message": message, "request_id": "abcdefghi"}, status)


@dataclass
class Request:
    """What a request asked for."""

    method: str
    path: str
    query: dict[str, list[str]]
    body: str


class Service:
    """Answers by the end of the path: each reply once, the last one for good."""

    def __init__(self) -> None:
        self.replies: dict[str, list[Reply | Exception]] = {}
        self.requests: list[Request] = []

    def on(self, path: str, *replies: Reply | Exception) -> None:
        """Answer requests whose path ends like this."""
        self.replies[path] = list(replies)

    def count(self, path: str) -> int:
        """Return how many requests came for this path."""
        return sum(request.path.endswith(path) for request in self.requests)

    def send(self, adapter: HTTPAdapter, request: requests.PreparedRequest, **_: Any) -> requests.Response:
        """Stand in for requests.adapters.HTTPAdapter.send."""
        url = urlsplit(request.url or "")
        body = request.body.decode() if isinstance(request.body, bytes) else (request.body or "")
        self.requests.append(Request(request.method or "", url.path, parse_qs(url.query), body))
        waiting = next(replies for path, replies in self.replies.items() if url.path.endswith(path))
        reply = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(reply, Exception):
            raise reply
        content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        headers = {"Content-Type": "application/json", **reply.headers}
        raw = urllib3.HTTPResponse(io.BytesIO(content), headers=headers, status=reply.status, preload_content=False)
        return adapter.build_response(request, raw)
