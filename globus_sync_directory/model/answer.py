"""What comes back from a question to Globus: an answer, a rejection, or nothing of use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeAlias, TypeVar

_Value = TypeVar("_Value", covariant=True)


@dataclass(frozen=True)
class Received(Generic[_Value]):
    """The answer."""

    value: _Value


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """
    Globus answered, and the answer is no.

    ``is_definite``: every attempt of this call was answered, so what it asked for has certainly not been done.
    """

    http_status: int
    code: str
    message: str
    is_definite: bool = True


@dataclass(frozen=True, kw_only=True)
class Unavailable:
    """
    No usable answer came; asking again later may help.

    ``is_sign_in``: Globus does not accept the application's id and secret, or the token it gave for them.
    """

    reason: str
    fix: str = "nothing is lost; the next run tries again"
    is_sign_in: bool = False


Failure: TypeAlias = Rejected | Unavailable
Answer: TypeAlias = Received[_Value] | Failure
