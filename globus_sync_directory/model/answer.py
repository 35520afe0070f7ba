"""The result of a request to Globus: the answer, a rejection, or no usable answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

_Value = TypeVar("_Value", covariant=True)


@dataclass(frozen=True)
class Received(Generic[_Value]):
    """Globus answered; ``value`` is what was asked for."""

    value: _Value


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """
    Globus answered that it does not do what was asked for.

    ``is_definite``: every attempt of this request was answered, so Globus has certainly not done it.
    ``missing_consents``: the collections for which it needs a data_access consent of this application first.
    """

    http_status: int
    code: str
    message: str
    is_definite: bool = True
    missing_consents: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Unavailable:
    """
    No usable answer came; asking again later may help.

    ``is_sign_in``: Globus does not accept the application's id and secret, or the token it gave for them.
    ``is_of_this_host``: a person has to do what ``fix`` says, since the reason is this host or its network.
    """

    reason: str
    fix: str = "nothing is lost; the next run tries again"
    is_sign_in: bool = False
    is_of_this_host: bool = False


Failure: TypeAlias = Rejected | Unavailable
Answer: TypeAlias = Received[_Value] | Failure
